/** Addresses from a first to a last one, both of them in it; not always a network's. */
import { Cidr } from "./cidr.ts";
import { addressFaults } from "./faults.ts";
import { bitsOf, type Family, Ip } from "./ip.ts";

export class IpRange {
	readonly first: Ip;
	readonly last: Ip;

	private constructor(first: Ip, last: Ip) {
		this.first = first;
		this.last = last;
	}

	/** As `10.0.0.16/28`, or `10.0.0.10-10.0.0.20`; malformed, of two families or turned round is a Fault. */
	static parse(text: string): IpRange {
		const dash = text.indexOf("-");
		if (dash < 0) return IpRange.from(Cidr.parse(text));
		const [first, last] = [Ip.parse(text.slice(0, dash)), Ip.parse(text.slice(dash + 1))];
		if (first.family !== last.family || first.value > last.value) throw addressFaults.INVALID_RANGE({ text });
		return new IpRange(first, last);
	}

	static from({ first, last }: Cidr): IpRange {
		return new IpRange(first, last);
	}

	get family(): Family {
		return this.first.family;
	}

	/** How many addresses it has. */
	get size(): bigint {
		return this.last.value - this.first.value + 1n;
	}

	contains(ip: Ip): boolean {
		return ip.family === this.family && ip.value >= this.first.value && ip.value <= this.last.value;
	}

	equals(other: IpRange): boolean {
		return this.first.equals(other.first) && this.last.equals(other.last);
	}

	/** The fewest networks that are just these addresses together, in order. */
	*cidrs(): Generator<Cidr> {
		const bits = bitsOf(this.family);
		for (let at = this.first.value; at <= this.last.value; ) {
			let hostBits = 0;
			const fits = (more: number): boolean =>
				more <= bits && at % (1n << BigInt(more)) === 0n && at + (1n << BigInt(more)) - 1n <= this.last.value;
			while (fits(hostBits + 1)) hostBits += 1;
			yield Cidr.of(Ip.of(this.family, at), bits - hostBits);
			at += 1n << BigInt(hostBits);
		}
	}

	/** With a prefix length where it is a network's, which is how most are written. */
	toString(): string {
		const [first] = this.cidrs();
		return first?.last.equals(this.last) ? `${first}` : `${this.first}-${this.last}`;
	}
}
