/**
 * How many queries each sandbox has asked, and what became of them. Numbers only: a query adds to one or two of them.
 *
 * What a sandbox has counted stays in the total when it goes.
 */
import { FLAG, RCODE } from "./protocol.ts";
import { rcodeOf, uint16 } from "./wire.ts";

/** What an answer of ours is, without anybody else having been asked. */
export type OwnOutcome = "local" | "absent" | "refused";

/** Each query is in exactly one of `local`, `absent`, `forwarded`, `refused` and `ignored`; the others are parts of these. */
export class Counters {
	local = 0;
	absent = 0;
	forwarded = 0;
	/** Of the forwarded: answered at once from what is kept. */
	cached = 0;
	/** Of the forwarded: SERVFAIL in the end. */
	failed = 0;
	refused = 0;
	/** What was no query; nothing was said to it. */
	ignored = 0;
	/** Of all: over TCP. */
	tcp = 0;

	get queries(): number {
		return this.local + this.absent + this.forwarded + this.refused + this.ignored;
	}

	add(other: Counters): void {
		this.local += other.local;
		this.absent += other.absent;
		this.forwarded += other.forwarded;
		this.cached += other.cached;
		this.failed += other.failed;
		this.refused += other.refused;
		this.ignored += other.ignored;
		this.tcp += other.tcp;
	}
}

/** Reads it off the packet: what is local has the AA bit; BADVERS is NOERROR to who reads the header alone, but says nothing of an authority. */
export function ownOutcome(answer: Buffer): OwnOutcome {
	const rcode = rcodeOf(answer);
	if (rcode === RCODE.NOERROR && (uint16(answer, 2) & FLAG.authoritative) !== 0) return "local";
	const isWithoutData = rcode === RCODE.NOERROR && uint16(answer, 8) > 0;
	return rcode === RCODE.NXDOMAIN || isWithoutData ? "absent" : "refused";
}

export class CounterBook {
	readonly #live = new Map<string, Counters>();
	readonly #gone = new Counters();

	/** Those of a sandbox, the same ones until it is dropped: whoever counts keeps them and looks up nothing. */
	of(sandboxId: string): Counters {
		const known = this.#live.get(sandboxId);
		if (known !== undefined) return known;
		const made = new Counters();
		this.#live.set(sandboxId, made);
		return made;
	}

	/** The sandbox has gone; absent is success. */
	drop(sandboxId: string): void {
		const counters = this.#live.get(sandboxId);
		if (counters === undefined) return;
		this.#live.delete(sandboxId);
		this.#gone.add(counters);
	}

	/** Drops all that are not among these. */
	keepOnly(sandboxIds: ReadonlySet<string>): void {
		for (const id of this.#live.keys()) if (!sandboxIds.has(id)) this.drop(id);
	}

	/** A copy. */
	total(): Counters {
		const total = new Counters();
		total.add(this.#gone);
		for (const counters of this.#live.values()) total.add(counters);
		return total;
	}
}
