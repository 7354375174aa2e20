/**
 * An IP address as a value: parsed strictly, printed in one way only.
 *
 * Two addresses are the same exactly when family and value are; `::ffff:1.2.3.4` is an IPv6 address and differs from 1.2.3.4.
 * The only importer of ip-num.
 */
import { isIPv4, isIPv6 } from "node:net";
import { IPv6 } from "ip-num";
import { addressFaults } from "./faults.ts";

export type Family = 4 | 6;

/** How many bits an address of the family has. */
export function bitsOf(family: Family): 32 | 128 {
	return family === 4 ? 32 : 128;
}

const MAPPED = 0xffffn;
const V6_LOOPBACK = 1n;
const V4_LOOPBACK_NETWORK = 127n;

export class Ip {
	readonly family: Family;
	readonly value: bigint;

	private constructor(family: Family, value: bigint) {
		this.family = family;
		this.value = value;
	}

	/** Four decimal parts without leading zeros, or IPv6 as in RFC 4291 without a zone; else a Fault INVALID_ADDRESS. */
	static parse(text: string): Ip {
		if (isIPv4(text))
			return new Ip(4, BigInt(text.split(".").reduce((value, octet) => 256 * value + Number(octet), 0)));
		if (isIPv6(text) && !text.includes("%")) return new Ip(6, IPv6.fromString(text).value);
		throw addressFaults.INVALID_ADDRESS({ text });
	}

	/** From network byte order; 4 or 16 bytes. */
	static fromBytes(bytes: Uint8Array): Ip {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		if (bytes.length === 4) return new Ip(4, BigInt(view.getUint32(0)));
		if (bytes.length === 16) return new Ip(6, (view.getBigUint64(0) << 64n) | view.getBigUint64(8));
		throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
	}

	static of(family: Family, value: bigint): Ip {
		if (value < 0n || value >> BigInt(bitsOf(family)) !== 0n) {
			throw new RangeError(`${value} is no IPv${family} address`);
		}
		return new Ip(family, value);
	}

	/** Network byte order; 4 or 16 bytes. */
	toBytes(): Uint8Array {
		const bytes = new Uint8Array(this.family === 4 ? 4 : 16);
		const view = new DataView(bytes.buffer);
		if (this.family === 4) {
			view.setUint32(0, Number(this.value));
		} else {
			view.setBigUint64(0, this.value >> 64n);
			view.setBigUint64(8, this.value & 0xffff_ffff_ffff_ffffn);
		}
		return bytes;
	}

	/** The canonical text: RFC 5952 for IPv6, with the dotted form for IPv4-mapped addresses. */
	toString(): string {
		if (this.family === 4) return dotted(Number(this.value));
		if (this.value >> 32n === MAPPED) return `::ffff:${dotted(Number(this.value & 0xffff_ffffn))}`;
		return compressed(this.#groups());
	}

	equals(other: Ip): boolean {
		return this.family === other.family && this.value === other.value;
	}

	/** The address `steps` further on; a RangeError beyond the family's last. */
	plus(steps: bigint): Ip {
		return Ip.of(this.family, this.value + steps);
	}

	/** The name of its PTR record, without a trailing dot (RFC 1035, RFC 3596). */
	reverseName(): string {
		if (this.family === 4) return `${dotted(Number(this.value)).split(".").reverse().join(".")}.in-addr.arpa`;
		return `${[...this.value.toString(16).padStart(32, "0")].reverse().join(".")}.ip6.arpa`;
	}

	get isLoopback(): boolean {
		return this.family === 4 ? this.value >> 24n === V4_LOOPBACK_NETWORK : this.value === V6_LOOPBACK;
	}

	#groups(): number[] {
		const view = new DataView(this.toBytes().buffer);
		return Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index));
	}
}

function dotted(value: number): string {
	return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952 §4.2: the longest run of at least two zero groups becomes `::`, the first of equally long ones. */
function compressed(groups: readonly number[]): string {
	let start = 0;
	let length = 1;
	for (let from = 0; from < groups.length; from++) {
		let to = from;
		while (groups[to] === 0) to++;
		if (to - from > length) {
			start = from;
			length = to - from;
		}
		from = to;
	}
	const text = groups.map((group) => group.toString(16));
	if (length === 1) return text.join(":");
	return `${text.slice(0, start).join(":")}::${text.slice(start + length).join(":")}`;
}
