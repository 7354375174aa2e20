/**
 * The addresses of one subnet: which are leased, which rest, which are never given. In memory, pure, and the one judge of
 * collisions: an address is taken here before it is stored, and given back here when storing it failed.
 *
 * Automatic addresses come from a window (the subnet or its range; 2^32 addresses of it at most), next-fit: the search goes on
 * where the last one ended, so that an address comes back as late as can be. A released address rests besides; when nothing
 * else is free, the one that rests longest is given however short its rest was: a refusal would be worse than a stale ARP entry.
 *
 * In random order the search begins anywhere, and in a range beyond 2^32 addresses it is no search: whatever address is drawn is free.
 */
import { randomBytes } from "node:crypto";
import type { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { Bitmap } from "./bitmap.ts";
import { Resting } from "./resting.ts";

export interface PoolOptions {
	readonly subnet: Cidr;
	/** Automatic addresses come from here only. Inside the subnet. */
	readonly range?: IpRange | undefined;
	/** How the next automatic address is found; sequential unless it is said. */
	readonly order?: Order | undefined;
	/** Never given, and why: `the gateway`. Inside the subnet. */
	readonly reserved: ReadonlyMap<string, Ip>;
	readonly restMs: number;
	readonly now: () => number;
	/** Evenly from 0 up to, not with, the size; the system's own unless it is said. */
	readonly draw?: (size: bigint) => bigint;
}

export type Order = "sequential" | "random";

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

/** Where automatic addresses come from, counted; and what is leased besides. */
export interface Usage {
	/** Without what is reserved. */
	readonly size: bigint;
	readonly leased: number;
	readonly resting: number;
	/** Never given: the network's own address, the gateway, auxiliary addresses. */
	readonly reserved: number;
	/** Leased on request from the rest of the subnet. */
	readonly leasedElsewhere: number;
}

const LARGEST_WINDOW = 1n << 32n;

/** How many rested addresses one call sets free at most: each call frees more than it takes, and none of them is slow. */
const FREED_AT_ONCE = 32;

export class Pool {
	readonly #options: PoolOptions;
	readonly #reserved = new Map<bigint, string>();
	readonly #range: IpRange;
	readonly #first: bigint;
	/** Leased, resting or reserved; by distance from `#first`. */
	readonly #used: Bitmap;
	#reservedInWindow = 0;
	readonly #resting = new Resting();
	/** Leased outside the window. */
	readonly #outside = new Set<bigint>();
	/** How many of them are in the range: it is larger than the window. */
	#outsideInRange = 0;
	#cursor = 0;

	constructor(options: PoolOptions) {
		this.#options = options;
		const { subnet, range = IpRange.from(subnet) } = options;
		this.#range = range;
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
		const reserved = [...this.#reserved.keys()].filter((value) => this.#isAutomatic(value)).length;
		const leasedElsewhere = this.#outside.size - this.#outsideInRange;
		return {
			size: (this.#isDrawn ? this.#range.size : BigInt(this.#used.size)) - BigInt(reserved),
			leased: this.leased - leasedElsewhere,
			resting: this.#resting.count,
			reserved,
			leasedElsewhere,
		};
	}

	/** The next free address; without one, that which rests longest; undefined when all are leased. */
	take(): Taken | undefined {
		this.#freeRested();
		if (this.#isDrawn) return this.#drawn();
		if (this.#options.order === "random") this.#cursor = Number(this.#draw(BigInt(this.#used.size)));
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
			if (!this.#addOutside(ip)) return { outcome: "leased" };
			return { outcome: "taken", taken: { ip, restingSince: undefined } };
		}
		const restingSince = this.#resting.since(index);
		if (!this.#used.add(index) && !this.#resting.delete(index)) return { outcome: "leased" };
		return { outcome: "taken", taken: { ip, restingSince } };
	}

	isLeased(ip: Ip): boolean {
		const index = this.#indexOf(ip);
		return index === undefined ? this.#outside.has(ip.value) : this.#isLeased(index);
	}

	/** Undoes a take or a claim that could not be stored. */
	undo({ ip, restingSince }: Taken): void {
		const index = this.#indexOf(ip);
		if (index === undefined) this.#deleteOutside(ip);
		else if (restingSince === undefined) this.#used.delete(index);
		else this.#resting.putBack(index, restingSince);
	}

	/** A leased address is given back, and rests since then. Releases are told in the order of their times. */
	rest(ip: Ip, since: number): void {
		const index = this.#indexOf(ip);
		if (index === undefined) this.#deleteOutside(ip);
		else if (this.#isLeased(index)) this.#resting.push(index, since);
	}

	/** The search goes on behind this address; for a pool that is rebuilt after a restart. */
	continueBehind(ip: Ip): void {
		const index = this.#indexOf(ip);
		if (index !== undefined) this.#cursor = index + 1;
	}

	/** Drawn from more than the window: nothing rests there, as nothing comes again. */
	get #isDrawn(): boolean {
		return this.#options.order === "random" && this.#range.size > LARGEST_WINDOW;
	}

	#isAutomatic(value: bigint): boolean {
		const distance = value - this.#first;
		return distance >= 0n && distance < (this.#isDrawn ? this.#range.size : BigInt(this.#used.size));
	}

	/** Of 2^32 and more, of which few are leased. */
	#drawn(): Taken {
		for (;;) {
			const claim = this.claim(Ip.of(this.#range.family, this.#first + this.#draw(this.#range.size)));
			if (claim.outcome === "taken") return claim.taken;
		}
	}

	#draw(size: bigint): bigint {
		return (this.#options.draw ?? drawn)(size);
	}

	#addOutside({ value }: Ip): boolean {
		if (this.#outside.has(value)) return false;
		this.#outside.add(value);
		if (this.#isAutomatic(value)) this.#outsideInRange++;
		return true;
	}

	#deleteOutside({ value }: Ip): void {
		if (this.#outside.delete(value) && this.#isAutomatic(value)) this.#outsideInRange--;
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

/** Evenly but for what no one can see: 64 bits more than the size has. */
function drawn(size: bigint): bigint {
	return BigInt(`0x${randomBytes(24).toString("hex")}`) % size;
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
