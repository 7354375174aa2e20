/** Queries for tests, put together from RFC 1035 and RFC 6891 alone: also those that no client should send. */

/** Numbers of types, as IANA has them. */
export const TYPES = {
	A: 1,
	NS: 2,
	CNAME: 5,
	SOA: 6,
	NULL: 10,
	PTR: 12,
	HINFO: 13,
	MX: 15,
	TXT: 16,
	AAAA: 28,
	SRV: 33,
	NAPTR: 35,
	OPT: 41,
	DS: 43,
	RRSIG: 46,
	DNSKEY: 48,
	SVCB: 64,
	HTTPS: 65,
	TKEY: 249,
	TSIG: 250,
	IXFR: 251,
	AXFR: 252,
	MAILB: 253,
	ANY: 255,
	CAA: 257,
} as const;

export type TypeName = keyof typeof TYPES;

export interface EdnsAsked {
	readonly udpBytes?: number;
	readonly version?: number;
	readonly dnssecOk?: boolean;
	/** The OPT record's data: options, one after the other. */
	readonly options?: Buffer;
	/** Its owner; the root unless given. */
	readonly owner?: string;
}

export interface Asked {
	/** A character a byte, labels apart by dots; empty is the root. */
	readonly name: string;
	readonly type?: TypeName | number;
	readonly classCode?: number;
	readonly id?: number;
	readonly opcode?: number;
	/** The bits of the header's second word that are set, opcode excepted; recursion desired unless given. */
	readonly flags?: number;
	/** One each, in the order given. */
	readonly edns?: readonly EdnsAsked[];
	/** What the header says of questions, answers, authority and additional records, where it lies. */
	readonly counts?: readonly (number | undefined)[];
	/** Behind everything. */
	readonly trailing?: Buffer;
}

export const RECURSION_DESIRED = 0x0100;

export function queryOf(asked: Asked): Buffer {
	const { id = 0x1234, opcode = 0, flags = RECURSION_DESIRED, edns = [], counts = [] } = asked;
	const header = Buffer.alloc(12);
	const real = [1, 0, 0, edns.length];
	[id, flags | (opcode << 11), ...real.map((count, i) => counts[i] ?? count)].forEach((value, i) =>
		header.writeUInt16BE(value, i * 2),
	);
	const { name, type = "A", classCode = 1, trailing = Buffer.alloc(0) } = asked;
	const question = [wireOf(name), uint16(typeof type === "number" ? type : TYPES[type]), uint16(classCode)];
	return Buffer.concat([header, ...question, ...edns.map(optOf), trailing]);
}

export function wireOf(name: string): Buffer {
	const labels = name === "" ? [] : name.split(".");
	return Buffer.concat([
		...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label, "latin1")]),
		Buffer.of(0),
	]);
}

function optOf({ udpBytes = 1232, version = 0, dnssecOk = false, options, owner = "" }: EdnsAsked): Buffer {
	const data = options ?? Buffer.alloc(0);
	const fixed = [uint16(TYPES.OPT), uint16(udpBytes), Buffer.of(0, version, dnssecOk ? 0x80 : 0, 0)];
	return Buffer.concat([wireOf(owner), ...fixed, uint16(data.length), data]);
}

/** An EDNS option: code, length, data. */
export function optionOf(code: number, data: Buffer): Buffer {
	return Buffer.concat([uint16(code), uint16(data.length), data]);
}

function uint16(value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16BE(value);
	return bytes;
}
