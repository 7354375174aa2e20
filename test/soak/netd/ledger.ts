/** What netd has acknowledged: what must be there, what must not, and what may be, since its end was asked for and not acknowledged. */

type Standing = "there" | "gone" | "unsure";

export class Ledger {
	readonly #standings = new Map<string, Standing>();
	/** By what a thing goes with: an endpoint with its sandbox. */
	readonly #within = new Map<string, string>();

	/** `within`: with whose end it ends as well. */
	made(id: string, within?: string): void {
		if (within !== undefined) this.#within.set(id, within);
		if (this.#standings.has(id)) return;
		const around = within === undefined ? "there" : (this.#standings.get(within) ?? "unsure");
		this.#standings.set(id, around === "there" ? "there" : "unsure");
	}

	/** Its end is being asked for. */
	ending(id: string): void {
		if (this.#standings.get(id) !== "gone") this.#standings.set(id, "unsure");
		for (const [inner, outer] of this.#within) if (outer === id) this.ending(inner);
	}

	ended(id: string): void {
		this.#standings.set(id, "gone");
		for (const [inner, outer] of this.#within) if (outer === id) this.ended(inner);
	}

	/** Against the ids that there are. */
	compare(what: string, found: ReadonlySet<string>): string[] {
		const problems: string[] = [];
		for (const [id, standing] of this.#standings) {
			if (!id.startsWith(`${what} `)) continue;
			const isThere = found.has(id.slice(what.length + 1));
			if (standing === "there" && !isThere) problems.push(`${id} was acknowledged and is not there`);
			if (standing === "gone" && isThere) problems.push(`${id}: its end was acknowledged and it is there`);
		}
		return problems;
	}
}
