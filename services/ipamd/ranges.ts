/** Ranges of addresses that do not overlap each other, found by what they overlap; both families in one set. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { Family } from "#lib/address/ip.ts";

interface Item<T> {
	readonly cidr: Cidr;
	readonly first: bigint;
	readonly last: bigint;
	readonly value: T;
}

export class Ranges<T> {
	/** In order; as none overlaps another, the lasts are in order as well. */
	readonly #items: Record<Family, Item<T>[]> = { 4: [], 6: [] };

	get count(): number {
		return this.#items[4].length + this.#items[6].length;
	}

	/** Of one family, in order. */
	values(family: Family): T[] {
		return this.#items[family].map((item) => item.value);
	}

	/** It must overlap nothing that is there. */
	add(cidr: Cidr, value: T): void {
		const items = this.#items[cidr.family];
		const item = { cidr, first: cidr.first.value, last: cidr.last.value, value };
		items.splice(below(items, item.first), 0, item);
	}

	/** Exactly this range; absent changes nothing. */
	delete(cidr: Cidr): void {
		const items = this.#items[cidr.family];
		const index = below(items, cidr.first.value);
		if (items[index]?.cidr.equals(cidr)) items.splice(index, 1);
	}

	/** All that overlap it, the last first. */
	*allOverlapping(cidr: Cidr): Generator<T> {
		const items = this.#items[cidr.family];
		const first = cidr.first.value;
		for (let index = below(items, cidr.last.value + 1n) - 1; index >= 0; index--) {
			const item = items[index];
			if (item === undefined || item.last < first) return;
			yield item.value;
		}
	}

	/** The last of those that overlap it. */
	overlapping(cidr: Cidr): { readonly cidr: Cidr; readonly value: T } | undefined {
		const items = this.#items[cidr.family];
		const item = items[below(items, cidr.last.value + 1n) - 1];
		return item !== undefined && item.last >= cidr.first.value ? item : undefined;
	}
}

/** How many of the items begin before `value`. */
function below(items: readonly Item<unknown>[], value: bigint): number {
	let low = 0;
	let high = items.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((items[middle]?.first ?? value) < value) low = middle + 1;
		else high = middle;
	}
	return low;
}
