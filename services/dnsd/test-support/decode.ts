/**
 * A strict reader of DNS messages for tests, written from RFC 1035 and RFC 6891 alone: it shares nothing with the code under test.
 *
 * Every section must parse, every compressed name must point to one before it, and the last record must end where the message ends:
 * whatever else is there throws.
 */

export interface Message {
	readonly id: number;
	readonly isResponse: boolean;
	readonly opcode: number;
	/** Those that are set, in the order of the header: `aa tc rd ra z ad cd`. */
	readonly flags: readonly string[];
	/** With the upper bits of the OPT record. */
	readonly rcode: number;
	/** As `web 1 1`: name, type and class. */
	readonly questions: readonly string[];
	readonly answers: readonly ResourceRecord[];
	readonly authority: readonly ResourceRecord[];
	/** Without the OPT record. */
	readonly additional: readonly ResourceRecord[];
	readonly opt: Opt | undefined;
}

export interface ResourceRecord {
	readonly name: string;
	readonly type: number;
	readonly ttl: number;
	/** An address, a name, or `primary admin minimum` of an SOA; other types in hexadecimal. */
	readonly data: string;
}

export interface Opt {
	readonly udpBytes: number;
	readonly version: number;
	readonly dnssecOk: boolean;
	readonly optionBytes: number;
}

const FLAGS: readonly (readonly [bit: number, name: string])[] = [
	[0x0400, "aa"],
	[0x0200, "tc"],
	[0x0100, "rd"],
	[0x0080, "ra"],
	[0x0040, "z"],
	[0x0020, "ad"],
	[0x0010, "cd"],
];
const OPT = 41;

/** `mayTrail`: bytes behind the last record are passed over. */
export function decode(packet: Buffer, { mayTrail = false }: { readonly mayTrail?: boolean } = {}): Message {
	const reader = new Reader(packet);
	const id = reader.uint16();
	const word = reader.uint16();
	const [questionCount, answerCount, authorityCount, additionalCount] = [
		reader.uint16(),
		reader.uint16(),
		reader.uint16(),
		reader.uint16(),
	];
	const questions = times(questionCount, () => `${reader.name()} ${reader.uint16()} ${reader.uint16()}`);
	const answers = times(answerCount, () => recordOf(reader));
	const authority = times(authorityCount, () => recordOf(reader));
	const all = times(additionalCount, () => recordOf(reader));
	if (!mayTrail && reader.at !== packet.length)
		throw new Error(`${packet.length - reader.at} bytes behind the last record`);

	if ([...answers, ...authority].some(({ type }) => type === OPT)) throw new Error("an OPT record in another section");
	const opts = all.filter(({ type }) => type === OPT);
	if (opts.length > 1) throw new Error("two OPT records");
	const opt = opts[0];
	return {
		id,
		isResponse: (word & 0x8000) !== 0,
		opcode: (word >>> 11) & 15,
		flags: FLAGS.filter(([bit]) => (word & bit) !== 0).map(([, name]) => name),
		rcode: (word & 15) | (((opt?.ttl ?? 0) >>> 24) << 4),
		questions,
		answers,
		authority,
		additional: all.filter(({ type }) => type !== OPT),
		opt: opt && optOf(opt),
	};
}

interface Decoded extends ResourceRecord {
	readonly classCode: number;
	readonly dataBytes: number;
}

function optOf({ classCode, ttl, dataBytes }: Decoded): Opt {
	return {
		udpBytes: classCode,
		version: (ttl >>> 16) & 255,
		dnssecOk: (ttl & 0x8000) !== 0,
		optionBytes: dataBytes,
	};
}

function recordOf(reader: Reader): Decoded {
	const start = reader.at;
	const name = reader.name();
	const nameBytes = reader.at - start;
	const [type, classCode, ttl, dataBytes] = [reader.uint16(), reader.uint16(), reader.uint32(), reader.uint16()];
	// RFC 6891 §6.1.2: its name is 0, and no pointer to one.
	if (type === OPT && nameBytes !== 1) throw new Error("an OPT record that is not the root's");
	const end = reader.at + dataBytes;
	const data = dataOf(reader, type, dataBytes);
	if (reader.at !== end) throw new Error(`the data of a record of type ${type} is not as long as it says`);
	return { name, type, classCode, ttl, dataBytes, data };
}

function dataOf(reader: Reader, type: number, length: number): string {
	switch (type) {
		case 1:
			return [...reader.bytes(4)].join(".");
		case 28:
			return textOf6(reader.bytes(16));
		case 2:
		case 5:
		case 12:
		case 39:
			return reader.name();
		case 15:
			return `${reader.uint16()} ${reader.name()}`;
		case 33:
			return `${reader.uint16()} ${reader.uint16()} ${reader.uint16()} ${reader.name()}`;
		case 6: {
			const [primary, admin] = [reader.name(), reader.name()];
			reader.bytes(16); // serial, refresh, retry, expire
			return `${primary} ${admin} ${reader.uint32()}`;
		}
		default:
			return reader.bytes(length).toString("hex");
	}
}

/** As RFC 5952 has it, which the URL standard takes over. */
function textOf6(bytes: Buffer): string {
	const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":");
	return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

function times<T>(count: number, read: () => T): T[] {
	const all: T[] = [];
	for (let i = 0; i < count; i++) all.push(read());
	return all;
}

class Reader {
	at = 0;
	readonly #packet: Buffer;
	/** Where labels of names were read: what a pointer may point to (RFC 1035 §4.1.4). */
	readonly #labels = new Set<number>();

	constructor(packet: Buffer) {
		this.#packet = packet;
	}

	bytes(count: number): Buffer {
		if (this.at + count > this.#packet.length) throw new Error(`past the end at byte ${this.at}`);
		this.at += count;
		return this.#packet.subarray(this.at - count, this.at);
	}

	uint16(): number {
		return this.bytes(2).readUInt16BE();
	}

	uint32(): number {
		return this.bytes(4).readUInt32BE();
	}

	/** Labels joined by dots, a character a byte; the root is empty. */
	name(): string {
		const labels: string[] = [];
		let bytes = 1;
		let back: number | undefined;
		for (;;) {
			const start = this.at;
			const length = this.bytes(1).readUInt8();
			// Known from here on: a pointer to itself is none yet.
			if (length < 0xc0) this.#labels.add(start);
			if (length === 0) break;
			if (length >= 0xc0) {
				const target = ((length & 0x3f) << 8) | this.bytes(1).readUInt8();
				if (!this.#labels.has(target)) throw new Error("a pointer to where no name has stood");
				back ??= this.at;
				this.at = target;
				continue;
			}
			if (length > 63) throw new Error("a reserved kind of label");
			bytes += length + 1;
			if (bytes > 255) throw new Error("a name of more than 255 bytes");
			labels.push(this.bytes(length).toString("latin1"));
		}
		if (back !== undefined) this.at = back;
		return labels.join(".");
	}
}
