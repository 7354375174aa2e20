/**
 * A good answer of an upstream, read once and made ready to be given to many.
 *
 * Pure. Nothing of an upstream is believed before `parseResponse` has said so; nothing is read past its end.
 */
import { FLAG, HEADER_BYTES, RCODE, TYPE, UDP_BYTES } from "../protocol.ts";
import { endOfPlainName, OPT_BYTES, putOpt, rcodeOf, recordAt, uint16 } from "../wire.ts";

export interface Response {
	/**
	 * Of the flags, only what is the same for every client: recursion is available, the code, and AD where that was asked for. What
	 * an upstream has authority over, we do not. An OPT record exactly where the question had one, and with our size in it.
	 */
	readonly packet: Buffer;
	/** Where each record's TTL is, the OPT's excepted: it has none. */
	readonly ttlOffsets: readonly number[];
	/** For how long the answer may be kept: 0 when not at all. */
	readonly keepSeconds: number;
	/** Of an answer that the name or the type does not exist: where its SOA says for how long. */
	readonly absence: Absence | undefined;
}

export interface Absence {
	readonly ttlAt: number;
	/** The SOA's last field, which clients take when it is less (RFC 2308 §5). */
	readonly minimumAt: number;
}

/** What of the client's query decides about the form of the answer. */
export interface Form {
	readonly edns: boolean;
	readonly dnssecOk: boolean;
	readonly flags: number;
}

/** RFC 2181 §8: a TTL with the upper bit set is taken for 0. */
const LONGEST_TTL = 0x7fff_ffff;

/** Undefined when it is malformed or its code is another than NOERROR and NXDOMAIN; `packet` must have passed `isAnswerTo`. */
export function parseResponse(packet: Buffer, form: Form): Response | undefined {
	const rcode = rcodeOf(packet);
	if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return undefined;
	const records = readRecords(packet);
	if (records === undefined || records.upperCode !== 0) return undefined;
	// Bytes behind the last record are nobody's: an OPT record is not put behind them.
	const own = withOpt(packet.subarray(0, records.end), records.opt, form);
	if (own === undefined) return undefined;
	for (const offset of records.ttlOffsets) if (own.readUInt32BE(offset) > LONGEST_TTL) own.writeUInt32BE(0, offset);
	const verified = form.dnssecOk || (form.flags & FLAG.authenticData) !== 0; // RFC 6840 §5.8
	const kept = FLAG.rcode | (verified ? FLAG.authenticData : 0);
	own.writeUInt16BE(FLAG.response | FLAG.recursionAvailable | (uint16(packet, 2) & kept), 2);
	return { packet: own, ttlOffsets: records.ttlOffsets, ...lifeOf(own, records) };
}

interface Records {
	readonly ttlOffsets: readonly number[];
	/** The SOA in the authority section. */
	readonly soa: Absence | undefined;
	/** Where the OPT record begins and ends. */
	readonly opt: readonly [number, number] | undefined;
	/** Where the last one ends. */
	readonly end: number;
	/** The bits of the code that the header has no room for. */
	readonly upperCode: number;
}

function readRecords(packet: Buffer): Records | undefined {
	const answers = uint16(packet, 6);
	const authorities = answers + uint16(packet, 8);
	const count = authorities + uint16(packet, 10);
	const ttlOffsets: number[] = [];
	let found: Omit<Records, "ttlOffsets" | "end"> = { soa: undefined, opt: undefined, upperCode: 0 };
	let at = endOfPlainName(packet, HEADER_BYTES) + 4;
	for (let i = 0; i < count; i++) {
		const record = recordAt(packet, at);
		if (record === undefined) return undefined;
		const { type, nameEnd, dataStart, end } = record;
		const ttlAt = nameEnd + 4;
		if (type === TYPE.OPT) {
			// One, of the root, and among the additional records (RFC 6891 §6.1.1).
			if (found.opt !== undefined || nameEnd !== at + 1 || i < authorities) return undefined;
			found = { ...found, opt: [at, end], upperCode: packet[ttlAt] ?? 0 };
		} else {
			ttlOffsets.push(ttlAt);
			const isSoa = type === TYPE.SOA && i >= answers && i < authorities && end - 4 >= dataStart;
			if (isSoa) found = { ...found, soa: { ttlAt, minimumAt: end - 4 } };
		}
		at = end;
	}
	return { ttlOffsets, end: at, ...found };
}

/** A copy (what came from a socket is a slice of something larger) with an OPT of ours, or none; undefined where that cannot be. */
function withOpt(
	packet: Buffer,
	opt: readonly [number, number] | undefined,
	{ edns, dnssecOk }: Form,
): Buffer | undefined {
	if (opt === undefined) {
		if (!edns) return Buffer.from(packet);
		const own = Buffer.concat([packet, Buffer.alloc(OPT_BYTES)]);
		putOpt(own, packet.length, RCODE.NOERROR, dnssecOk);
		own.writeUInt16BE(uint16(packet, 10) + 1, 10);
		return own;
	}
	const [start, end] = opt;
	if (edns) {
		const own = Buffer.from(packet);
		own.writeUInt16BE(UDP_BYTES, start + 3);
		return own;
	}
	// It was not asked for, and other records may point behind it.
	if (end !== packet.length) return undefined;
	const own = Buffer.from(packet.subarray(0, start));
	own.writeUInt16BE(uint16(packet, 10) - 1, 10);
	return own;
}

function lifeOf(packet: Buffer, { ttlOffsets, soa }: Records): Pick<Response, "keepSeconds" | "absence"> {
	const leastTtl = Math.min(...ttlOffsets.map((offset) => packet.readUInt32BE(offset)));
	const isNegative = rcodeOf(packet) === RCODE.NXDOMAIN || uint16(packet, 6) === 0;
	// A referral, or an absence of which nobody says for how long; or no record at all.
	if ((isNegative && soa === undefined) || !Number.isFinite(leastTtl)) return { keepSeconds: 0, absence: undefined };
	// With an answer as well it is an alias of something without the type.
	if (soa === undefined) return { keepSeconds: leastTtl, absence: undefined };
	return { keepSeconds: Math.min(leastTtl, packet.readUInt32BE(soa.minimumAt)), absence: soa };
}
