/**
 * Ranges of addresses: a network (`Cidr`, no bit behind the prefix is set) and an address inside one (`IpInterface`).
 */
import { addressFaults } from "./faults.ts";
import { bitsOf, type Family, Ip } from "./ip.ts";

export class Cidr {
	readonly base: Ip;
	readonly prefix: number;

	private constructor(base: Ip, prefix: number) {
		this.base = base;
		this.prefix = prefix;
	}

	/** As `10.0.0.0/8`; malformed, or with bits set behind the prefix, is a Fault. */
	static parse(text: string): Cidr {
		const { ip, prefix } = split(text);
		const cidr = Cidr.of(ip, prefix);
		if (!cidr.base.equals(ip)) throw addressFaults.HOST_BITS_SET({ text, network: cidr.toString() });
		return cidr;
	}

	/** The network of this prefix length that `base` is in. */
	static of(base: Ip, prefix: number): Cidr {
		const hostBits = BigInt(bitsOf(base.family) - prefix);
		if (!Number.isInteger(prefix) || prefix < 0 || hostBits < 0n) {
			throw new RangeError(`${prefix} is no prefix length of IPv${base.family}`);
		}
		return new Cidr(Ip.of(base.family, (base.value >> hostBits) << hostBits), prefix);
	}

	get family(): Family {
		return this.base.family;
	}

	/** The first address of the range, the network's own in most. */
	get first(): Ip {
		return this.base;
	}

	/** The last address of the range, the broadcast address in most of IPv4. */
	get last(): Ip {
		return Ip.of(this.family, this.base.value + this.size - 1n);
	}

	/** How many addresses the range has, all counted. */
	get size(): bigint {
		return 1n << BigInt(bitsOf(this.family) - this.prefix);
	}

	/** True for an address inside, and for a range that is wholly inside. */
	contains(other: Ip | Cidr): boolean {
		if (other instanceof Cidr) return other.prefix >= this.prefix && this.contains(other.base);
		const hostBits = BigInt(bitsOf(this.family) - this.prefix);
		return other.family === this.family && other.value >> hostBits === this.base.value >> hostBits;
	}

	/** True when some address is in both. */
	overlaps(other: Cidr): boolean {
		return this.contains(other) || other.contains(this);
	}

	equals(other: Cidr): boolean {
		return this.prefix === other.prefix && this.base.equals(other.base);
	}

	toString(): string {
		return `${this.base}/${this.prefix}`;
	}
}

/** An address together with the prefix length of its network, as an interface has it. */
export class IpInterface {
	readonly ip: Ip;
	readonly prefix: number;

	private constructor(ip: Ip, prefix: number) {
		this.ip = ip;
		this.prefix = prefix;
	}

	/** As `10.0.0.5/24`; the prefix length is required. */
	static parse(text: string): IpInterface {
		const { ip, prefix } = split(text);
		return new IpInterface(ip, prefix);
	}

	static of(ip: Ip, prefix: number): IpInterface {
		Cidr.of(ip, prefix);
		return new IpInterface(ip, prefix);
	}

	network(): Cidr {
		return Cidr.of(this.ip, this.prefix);
	}

	equals(other: IpInterface): boolean {
		return this.prefix === other.prefix && this.ip.equals(other.ip);
	}

	toString(): string {
		return `${this.ip}/${this.prefix}`;
	}
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,2})$/;

function split(text: string): { ip: Ip; prefix: number } {
	const slash = text.indexOf("/");
	const length = text.slice(slash + 1);
	if (slash < 0 || !DECIMAL.test(length)) throw addressFaults.INVALID_CIDR({ text });
	const ip = parsePart(text.slice(0, slash), text);
	const prefix = Number(length);
	if (prefix > bitsOf(ip.family)) throw addressFaults.INVALID_CIDR({ text });
	return { ip, prefix };
}

/** The fault speaks of the whole text: the reader wrote that, not its part. */
function parsePart(part: string, text: string): Ip {
	try {
		return Ip.parse(part);
	} catch (cause) {
		throw addressFaults.INVALID_CIDR({ text }, { cause });
	}
}
