/**
 * Chooses automatic subnets: the lowest free one of the first pool that has one, overlapping nothing that is allocated and
 * nothing of the host's own. Pure; it remembers per pool below which address nothing is free, so that a choice costs the same
 * however many there are.
 *
 * What contains a whole pool (0/0, 0/1 and 128/1, a VPN's 10/8) cannot be avoided inside it and is ignored there; but pools that no
 * such thing contains are tried first, and the answer names what was ignored. Default routes are not worth a word.
 */
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import type { Ranges } from "./ranges.ts";

/** A range that subnets of one prefix length are cut from. */
export interface PoolSpec {
	readonly base: Cidr;
	/** Of the subnets, at least the base's. */
	readonly prefix: number;
}

/** Something of the host's that a subnet should not overlap. */
export interface Obstacle {
	readonly cidr: Cidr;
	/** For sentences: `the route 10.8.0.0/16 (tun0)`. */
	readonly what: string;
	/** Name of the interface that it is on or leads over; absent for a nameserver and for a blackhole. */
	readonly link?: string | undefined;
}

export interface Choice {
	readonly cidr: Cidr;
	/** What it lies inside of all the same. */
	readonly inside: readonly Obstacle[];
}

/** Routes this short say "everything": 0/0, 0/1 and 128/1; ::/0, 2000::/3. */
const EVERYTHING: Readonly<Record<Family, number>> = { 4: 1, 6: 3 };

export function isEverything(cidr: Cidr): boolean {
	return cidr.prefix <= EVERYTHING[cidr.family];
}

export class Chooser {
	readonly #pools: readonly PoolSpec[];
	readonly #taken: Ranges<unknown>;
	/** Below it no subnet of the pool's own size is free; of the pool of the same index. */
	readonly #from: bigint[];

	/** `taken` is read at each choice; whoever takes something out of it says so with `freed`. */
	constructor(pools: readonly PoolSpec[], taken: Ranges<unknown>) {
		this.#pools = pools;
		this.#taken = taken;
		this.#from = pools.map((pool) => pool.base.first.value);
	}

	/** Those of a family in which a subnet of `prefix` (else: of the pool's own size) fits. */
	pools(family: Family, prefix?: number): PoolSpec[] {
		return this.#pools.filter(({ base, prefix: own }) => base.family === family && (prefix ?? own) >= base.prefix);
	}

	choose(family: Family, obstacles: readonly Obstacle[], prefix?: number): Choice | undefined {
		const candidates = this.pools(family, prefix).map((pool) => {
			const near = obstacles.filter(({ cidr }) => cidr.overlaps(pool.base));
			const around = near.filter(({ cidr }) => cidr.prefix < pool.base.prefix && !isEverything(cidr));
			return { pool, around, within: near.filter(({ cidr }) => cidr.prefix >= pool.base.prefix) };
		});
		const open = candidates.filter(({ around }) => around.length === 0);
		const inside = candidates.filter(({ around }) => around.length > 0);
		for (const { pool, around, within } of [...open, ...inside]) {
			const cidr = this.#search(pool, within, prefix ?? pool.prefix);
			if (cidr !== undefined) return { cidr, inside: around };
		}
		return undefined;
	}

	/** A range is free again. */
	freed(cidr: Cidr): void {
		for (const [index, { base, prefix }] of this.#pools.entries()) {
			if (!base.overlaps(cidr)) continue;
			const first = Cidr.of(base.contains(cidr.first) ? cidr.first : base.first, prefix).first.value;
			if (first < (this.#from[index] ?? 0n)) this.#from[index] = first;
		}
	}

	#search(pool: PoolSpec, within: readonly Obstacle[], prefix: number): Cidr | undefined {
		const { base } = pool;
		const index = this.#pools.indexOf(pool);
		const hasMemory = prefix === pool.prefix;
		const step = Cidr.of(base.first, prefix).size;
		/** Nothing but what is allocated has been passed so far: the next choice may begin here. */
		let allTaken = hasMemory;
		let at = hasMemory ? (this.#from[index] ?? base.first.value) : base.first.value;
		while (at <= base.last.value) {
			if (allTaken) this.#from[index] = at;
			const candidate = Cidr.of(Ip.of(base.family, at), prefix);
			const taken = this.#taken.overlapping(candidate);
			const obstacle = taken ?? within.find(({ cidr }) => cidr.overlaps(candidate));
			if (obstacle === undefined) return candidate;
			if (taken === undefined) allTaken = false;
			// On to the first multiple of the step behind it, and behind the candidate.
			const behind = obstacle.cidr.last.value > candidate.last.value ? obstacle.cidr.last.value : candidate.last.value;
			at = (behind / step + 1n) * step;
		}
		if (allTaken) this.#from[index] = at;
		return undefined;
	}
}
