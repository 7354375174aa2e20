/**
 * Our rule in other programs' packet rules, as the operator has it: kept, or withdrawn.
 *
 * Programs change their rules command by command, and ufw cannot remove a chain that somebody has put a rule into meanwhile: while
 * they are at it, nothing is done.
 */
import type { Parts } from "../parts.ts";

/** No change for so long: the program is through. */
const QUIET_MS = 300;
/** But no longer than this altogether, where somebody changes rules all the time. */
const LONGEST_MS = 3_000;

export interface ForeignRulesOptions {
	readonly parts: Pick<Parts, "kernel" | "log">;
	/** The operator consents to a rule in others' packet rules. */
	readonly adapts: boolean;
	/** Something could not be done. */
	readonly unfinished: () => void;
}

export class ForeignRules implements Disposable {
	readonly #options: ForeignRulesOptions;
	#timer: NodeJS.Timeout | undefined;
	#firstAt = 0;
	#lastAt = 0;

	constructor(options: ForeignRulesOptions) {
		this.#options = options;
	}

	/** Others have changed rules of theirs: they are looked at when that is over. */
	changed(): void {
		if (!this.#options.adapts) return;
		this.#lastAt = Date.now();
		if (this.#timer !== undefined) return;
		this.#firstAt = this.#lastAt;
		this.#lookAfter(QUIET_MS);
	}

	/** As consented. While others are at work it is left to the look afterwards. */
	keep(): void {
		if (this.#timer !== undefined) return;
		const { parts, adapts } = this.#options;
		const { foreign } = parts.kernel;
		const { added, removed } = adapts ? foreign.letThrough() : foreign.withdraw();
		if (added.length + removed.length > 0) parts.log.info("other programs' packet rules", { added, removed });
	}

	[Symbol.dispose](): void {
		clearTimeout(this.#timer);
	}

	#lookAfter(ms: number): void {
		this.#timer = setTimeout(() => this.#look(), ms).unref();
	}

	#look(): void {
		const now = Date.now();
		const quietAt = Math.min(this.#lastAt + QUIET_MS, this.#firstAt + LONGEST_MS);
		if (now < quietAt) return this.#lookAfter(quietAt - now);
		this.#timer = undefined;
		try {
			this.keep();
		} catch (err) {
			this.#options.parts.log.warn("other programs' packet rules could not be looked at", { err });
			this.#options.unfinished();
		}
	}
}
