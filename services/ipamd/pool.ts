/**
 * The addresses of one subnet: which are leased, which rest, which are never given. In memory, pure, and the one judge of
 * collisions: an address is taken here before it is stored, and given back here when storing it failed.
 *
 * Automatic addresses come from a window (the subnet or its range; 2^32 addresses of it at most), next-fit: the search goes on
 * where the last one ended, so that an address comes back as late as can be. A released address rests besides; when nothing
 * else is free, the one that rests longest is given however short its rest was: a refusal would be worse than a stale ARP entry.
 */
import type { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { Bitmap } from "./bitmap.ts";
import { Resting } from "./resting.ts";

export interface PoolOptions {
	readonly subnet: Cidr;
	/** Automatic addresses come from here only. Inside the subnet. */
	readonly range?: Cidr | undefined;
	/** Never given, and why: `the gateway`. Inside the subnet. */
	readonly reserved: ReadonlyMap<string, Ip>;
	readonly restMs: number;
	readonly now: () => number;
}

/** An address in the caller's hands, with what is needed to undo that. */
export interface Taken {
	readonly ip: Ip;
	/** Since when it had rested; undefined when it was free. */
	readonly restingSince: number | undefined;
}

export type Claim =
	| { readonly outcome: "taken"; readonly taken: Taken }
	| { readonly outcome: "leased" }
	| { readonly outcome: "outside" }
	| { readonly outcome: "reserved"; readonly as: string };

/** Counts of the window, which is where automatic addresses come from. `size` leaves out what is reserved. */
export interface Usage {
	readonly size: bigint;
	readonly leased: number;
	readonly resting: number;
}

const LARGEST_WINDOW = 1n << 32n;

/** How many rested addresses one call sets free at most: each call frees more than it takes, and none of them is slow. */
const FREED_AT_ONCE = 32;

export class Pool {
	readonly #options: PoolOptions;
	readonly #reserved = new Map<bigint, string>();
	readonly #first: bigint;
	/** Leased, resting or reserved; by distance from `#first`. */
	readonly #used: Bitmap;
	#reservedInWindow = 0;
	readonly #resting = new Resting();
	/** Leased on request outside the window. */
	readonly #outside = new Set<bigint>();
	#cursor = 0;

	constructor(options: PoolOptions) {
		this.#options = options;
		const { subnet, range = subnet } = options;
		this.#first = range.first.value;
		this.#used = new Bitmap(Number(range.size < LARGEST_WINDOW ? range.size : LARGEST_WINDOW));
		for (const [as, ip] of unusable(subnet)) this.#reserve(ip, as);
		for (const [as, ip] of options.reserved) this.#reserve(ip, as);
	}

	/** How many addresses are leased, inside the window and outside. */
	get leased(): number {
		return this.#used.count - this.#resting.count - this.#reservedInWindow + this.#outside.size;
	}

	get usage(): Usage {
		return {
			size: BigInt(this.#used.size - this.#reservedInWindow),
			leased: this.leased - this.#outside.size,
			resting: this.#resting.count,
		};
	}

	/** The next free address; without one, that which rests longest; undefined when all are leased. */
	take(): Taken | undefined {
		this.#freeRested();
		const index = this.#used.nextAbsent(this.#cursor) ?? this.#used.nextAbsent(0);
		if (index !== undefined) {
			this.#used.add(index);
			this.#cursor = index + 1;
			return { ip: this.#ipAt(index), restingSince: undefined };
		}
		const oldest = this.#resting.oldest();
		if (oldest === undefined) return undefined;
		this.#resting.delete(oldest.value);
		return { ip: this.#ipAt(oldest.value), restingSince: oldest.since };
	}

	/** This address, wherever in the subnet; one that rests is given at once, since it was asked for by name. */
	claim(ip: Ip): Claim {
		if (!this.#options.subnet.contains(ip)) return { outcome: "outside" };
		const as = this.#reserved.get(ip.value);
		if (as !== undefined) return { outcome: "reserved", as };
		const index = this.#indexOf(ip);
		if (index === undefined) {
			if (this.#outside.has(ip.value)) return { outcome: "leased" };
			this.#outside.add(ip.value);
			return { outcome: "taken", taken: { ip, restingSince: undefined } };
		}
		const restingSince = this.#resting.since(index);
		if (!this.#used.add(index) && !this.#resting.delete(index)) return { outcome: "leased" };
		return { outcome: "taken", taken: { ip, restingSince } };
	}

	/** Undoes a take or a claim that could not be stored. */
	undo({ ip, restingSince }: Taken): void {
		const index = this.#indexOf(ip);
		if (index === undefined) this.#outside.delete(ip.value);
		else if (restingSince === undefined) this.#used.delete(index);
		else this.#resting.putBack(index, restingSince);
	}

	/** A leased address is given back, and rests since then. Releases are told in the order of their times. */
	rest(ip: Ip, since: number): void {
		const index = this.#indexOf(ip);
		if (index === undefined) this.#outside.delete(ip.value);
		else if (this.#isLeased(index)) this.#resting.push(index, since);
	}

	/** The search goes on behind this address; for a pool that is rebuilt after a restart. */
	continueBehind(ip: Ip): void {
		const index = this.#indexOf(ip);
		if (index !== undefined) this.#cursor = index + 1;
	}

	#isLeased(index: number): boolean {
		return (
			this.#used.has(index) && this.#resting.since(index) === undefined && !this.#reserved.has(this.#valueAt(index))
		);
	}

	#freeRested(): void {
		const restedBefore = this.#options.now() - this.#options.restMs;
		for (let freed = 0; freed < FREED_AT_ONCE; freed++) {
			const oldest = this.#resting.oldest();
			if (oldest === undefined || oldest.since > restedBefore) return;
			this.#resting.delete(oldest.value);
			this.#used.delete(oldest.value);
		}
	}

	#reserve(ip: Ip, as: string): void {
		if (!this.#reserved.has(ip.value)) this.#reserved.set(ip.value, as);
		const index = this.#indexOf(ip);
		if (index !== undefined && this.#used.add(index)) this.#reservedInWindow++;
	}

	#indexOf(ip: Ip): number | undefined {
		const distance = ip.value - this.#first;
		return distance >= 0n && distance < BigInt(this.#used.size) ? Number(distance) : undefined;
	}

	#valueAt(index: number): bigint {
		return this.#first + BigInt(index);
	}

	#ipAt(index: number): Ip {
		return Ip.of(this.#options.subnet.family, this.#valueAt(index));
	}
}

/**
 * What nobody can have: the network's and the broadcast address, and IPv6's subnet-router anycast address (RFC 4291 §2.6.1).
 * Point-to-point subnets have none of them (RFC 3021 for /31, RFC 6164 for /127), and a single address is its own.
 */
export function unusable(subnet: Cidr): [string, Ip][] {
	if (subnet.size <= 2n) return [];
	if (subnet.family === 6) return [["the subnet's anycast address", subnet.first]];
	return [
		["the network's own address", subnet.first],
		["the broadcast address", subnet.last],
	];
}
