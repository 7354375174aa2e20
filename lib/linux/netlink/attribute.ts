/**
 * Netlink attributes (`struct nlattr`): length, type, payload, padded to four bytes; nested ones hold attributes again.
 *
 * Integers are in host order, which is little-endian on every machine that wharf runs on, unless a name says `be`.
 * The length field has 16 bits: one attribute, nested ones included, holds at most 65,531 bytes of payload.
 */

const HEADER_BYTES = 4;
const MAX_ATTRIBUTE_BYTES = 0xffff;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export function align4(length: number): number {
	return (length + 3) & ~3;
}

/** One encoded attribute, padded. */
export type Attribute = Buffer;

/** Attributes in order; `undefined` is left out, so that optional ones can stand in place. */
export type Attributes = readonly (Attribute | undefined)[];

export function bytes(type: number, payload: Uint8Array): Attribute {
	const length = HEADER_BYTES + payload.length;
	if (length > MAX_ATTRIBUTE_BYTES) throw new RangeError(`netlink attribute ${type} has ${length} bytes`);
	const out = Buffer.alloc(align4(length));
	out.writeUInt16LE(length, 0);
	out.writeUInt16LE(type, 2);
	out.set(payload, HEADER_BYTES);
	return out;
}

export function u8(type: number, value: number): Attribute {
	return bytes(type, Buffer.of(value));
}

export function u16(type: number, value: number): Attribute {
	const payload = Buffer.alloc(2);
	payload.writeUInt16LE(value);
	return bytes(type, payload);
}

export function u32(type: number, value: number): Attribute {
	const payload = Buffer.alloc(4);
	payload.writeUInt32LE(value);
	return bytes(type, payload);
}

export function be16(type: number, value: number): Attribute {
	const payload = Buffer.alloc(2);
	payload.writeUInt16BE(value);
	return bytes(type, payload);
}

/** A signed 32-bit value in network order, as nf_tables has its verdicts; unsigned values fit as well. */
export function be32(type: number, value: number): Attribute {
	const payload = Buffer.alloc(4);
	payload.writeUInt32BE(value >>> 0);
	return bytes(type, payload);
}

/** A string with its terminating zero. */
export function string(type: number, value: string): Attribute {
	return bytes(type, Buffer.from(`${value}\0`, "utf8"));
}

export function nested(type: number, attributes: Attributes): Attribute {
	return bytes(type | NLA_F_NESTED, join(attributes));
}

export function join(attributes: Attributes): Buffer {
	return Buffer.concat(attributes.filter((attribute) => attribute !== undefined));
}

/** Attributes as received: by type, the last of a kind wins, payloads are views into the datagram. */
export class AttributeSet {
	readonly #payloads: ReadonlyMap<number, Buffer>;

	private constructor(payloads: ReadonlyMap<number, Buffer>) {
		this.#payloads = payloads;
	}

	/** Reads all attributes in `buffer`; one that runs over the end ends the reading. */
	static decode(buffer: Buffer): AttributeSet {
		return new AttributeSet(new Map(sequence(buffer)));
	}

	bytes(type: number): Buffer | undefined {
		return this.#payloads.get(type);
	}

	/** A one-byte value. */
	u8(type: number): number | undefined {
		return this.#payloads.get(type)?.readUInt8(0);
	}

	u16(type: number): number | undefined {
		return this.#payloads.get(type)?.readUInt16LE(0);
	}

	u32(type: number): number | undefined {
		return this.#payloads.get(type)?.readUInt32LE(0);
	}

	be16(type: number): number | undefined {
		return this.#payloads.get(type)?.readUInt16BE(0);
	}

	be32(type: number): number | undefined {
		return this.#payloads.get(type)?.readUInt32BE(0);
	}

	/** A string without its terminating zero. */
	string(type: number): string | undefined {
		const payload = this.#payloads.get(type);
		if (payload === undefined) return undefined;
		const end = payload.indexOf(0);
		return payload.toString("utf8", 0, end === -1 ? payload.length : end);
	}

	nested(type: number): AttributeSet | undefined {
		const payload = this.#payloads.get(type);
		return payload === undefined ? undefined : AttributeSet.decode(payload);
	}
}

/** Attributes one by one, for lists in which a type repeats. */
export function* sequence(buffer: Buffer): Generator<readonly [type: number, payload: Buffer]> {
	let offset = 0;
	while (offset + HEADER_BYTES <= buffer.length) {
		const length = buffer.readUInt16LE(offset);
		if (length < HEADER_BYTES || offset + length > buffer.length) return;
		const type = buffer.readUInt16LE(offset + 2) & NLA_TYPE_MASK;
		yield [type, buffer.subarray(offset + HEADER_BYTES, offset + length)];
		offset += align4(length);
	}
}
