/**
 * Reads what a client sent, as far as it must be understood: the header, the one question, and EDNS.
 *
 * Pure. Any bytes give a result and none throws; nothing is read past the end. A response is never taken for a query.
 */
import { keyOfWire, type NameKey } from "./name.ts";
import { CLASS_IN, FLAG, HEADER_BYTES, PLAIN_UDP_BYTES, RCODE, TYPE } from "./protocol.ts";
import { byte, endOfPlainName, recordAt, TYPE_AND_CLASS_BYTES, uint16 } from "./wire.ts";

export interface Query {
	readonly packet: Buffer;
	readonly id: number;
	readonly flags: number;
	/** NOERROR: go on. Anything else: refuse with it. */
	readonly rcode: number;
	readonly key: NameKey;
	readonly type: number;
	/** Where the question ends; the header's end when it was not understood, and an answer then repeats none. */
	readonly questionEnd: number;
	readonly edns: boolean;
	/** What the client takes over UDP. */
	readonly udpBytes: number;
	/** The DO bit, RFC 3225. */
	readonly dnssecOk: boolean;
}

const NO_KEY = "" as NameKey; // the root's key: no bytes

/** Undefined for what must not be answered at all: responses, and what is too short for a header. */
export function parseQuery(packet: Buffer): Query | undefined {
	if (packet.length < HEADER_BYTES) return undefined;
	const id = (byte(packet, 0) << 8) | byte(packet, 1);
	const flags = (byte(packet, 2) << 8) | byte(packet, 3);
	if ((flags & FLAG.response) !== 0) return undefined;

	const refused = (rcode: number, questionEnd = HEADER_BYTES): Query => ({
		packet,
		id,
		flags,
		rcode,
		key: NO_KEY,
		type: 0,
		questionEnd,
		edns: false,
		udpBytes: PLAIN_UDP_BYTES,
		dnssecOk: false,
	});
	if ((flags & FLAG.opcode) !== 0) return refused(RCODE.NOTIMP);
	// One question (RFC 9619) and no records but in the additional section.
	if (uint16(packet, 4) !== 1 || uint16(packet, 6) !== 0 || uint16(packet, 8) !== 0) return refused(RCODE.FORMERR);

	const nameEnd = endOfPlainName(packet, HEADER_BYTES);
	const questionEnd = nameEnd + TYPE_AND_CLASS_BYTES;
	if (nameEnd < 0 || questionEnd > packet.length) return refused(RCODE.FORMERR);
	const type = uint16(packet, nameEnd);
	const qclass = uint16(packet, nameEnd + 2);

	const additional = readAdditional(packet, questionEnd, uint16(packet, 10));
	if (additional === undefined) return refused(RCODE.FORMERR, questionEnd);
	return {
		packet,
		id,
		flags,
		rcode: additional.version > 0 ? RCODE.BADVERS : rcodeOf(type, qclass),
		key: keyOfWire(packet.toString("latin1", HEADER_BYTES, nameEnd - 1)),
		type,
		questionEnd,
		edns: additional.edns,
		udpBytes: additional.udpBytes,
		dnssecOk: additional.dnssecOk,
	};
}

/** Other classes, zone transfers, and types that are no data (OPT, TKEY, TSIG, IXFR…, but not ANY) are not for this resolver. */
function rcodeOf(type: number, qclass: number): number {
	if (qclass !== CLASS_IN || type === TYPE.OPT || (type >= TYPE.TKEY && type <= TYPE.AXFR)) return RCODE.REFUSED;
	return RCODE.NOERROR;
}

interface Additional {
	readonly edns: boolean;
	readonly version: number;
	readonly udpBytes: number;
	readonly dnssecOk: boolean;
}

const NO_ADDITIONAL: Additional = { edns: false, version: 0, udpBytes: PLAIN_UDP_BYTES, dnssecOk: false };

/** Finds the OPT record; undefined when the section is malformed or has two of them (RFC 6891 §6.1.1). */
function readAdditional(packet: Buffer, start: number, count: number): Additional | undefined {
	let found = NO_ADDITIONAL;
	let at = start;
	for (let i = 0; i < count; i++) {
		const record = recordAt(packet, at);
		if (record === undefined) return undefined;
		const { type, nameEnd, end } = record;
		if (type === TYPE.OPT) {
			if (found.edns || byte(packet, at) !== 0) return undefined;
			found = {
				edns: true,
				version: byte(packet, nameEnd + 5),
				udpBytes: Math.max(PLAIN_UDP_BYTES, uint16(packet, nameEnd + 2)),
				dnssecOk: (byte(packet, nameEnd + 6) & 0x80) !== 0,
			};
		}
		at = end;
	}
	return found;
}
