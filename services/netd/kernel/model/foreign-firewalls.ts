/** Other programs' packet rules in the model: places, and whether what is forwarded is dropped behind them. */
import type { Difference } from "../firewall.ts";
import type { ForeignFirewalls } from "../foreign-firewalls.ts";

export class ModelForeignFirewalls implements ForeignFirewalls {
	/** By the place's name; whether its table drops, and whether our rule is in it. */
	readonly #places = new Map<string, { drops: boolean; ours: boolean }>();

	/** A program writes its rules, over what was there. */
	write(place: string, { drops }: { readonly drops: boolean }): void {
		this.#places.set(place, { drops, ours: false });
	}

	letThrough(): Difference {
		return this.#settle(({ drops }) => drops);
	}

	withdraw(): Difference {
		return this.#settle(() => false);
	}

	isLetThrough(): boolean {
		return [...this.#places.values()].every(({ drops, ours }) => drops === ours);
	}

	observe(): readonly string[] {
		return [...this.#places].filter(([, { ours }]) => ours).map(([name]) => name);
	}

	#settle(isWanted: (place: { readonly drops: boolean }) => boolean): Difference {
		const changed = [...this.#places].filter(([, place]) => place.ours !== isWanted(place));
		for (const [, place] of changed) place.ours = isWanted(place);
		const names = (ours: boolean): string[] => changed.filter(([, place]) => place.ours === ours).map(([name]) => name);
		return { added: names(true), removed: names(false) };
	}
}
