/**
 * Messages to and from an upstream: what is asked, whether something is the answer to it, and what the client gets of it.
 *
 * Pure. Nothing of an upstream is believed before `isAnswerTo` and `readRecords` have said so; nothing is read past its end.
 */
import { limitOf, putOpt, type Transport, truncation } from "../answer.ts";
import { keyOfWire } from "../name.ts";
import { FLAG, HEADER_BYTES, RCODE, TYPE } from "../protocol.ts";
import { endOfName, endOfPlainName, type Query, uint16 } from "../query.ts";

/** What no path cuts to pieces (DNS Flag Day 2020). */
const UPSTREAM_UDP_BYTES = 1232;
const OPT_BYTES = 11;
const RECORD_BYTES = 10;

/** What is asked: the client's question byte for byte with another id; EDNS where the client has it, with none of its options. */
export function requestOf(query: Query, id: number): Buffer {
	const request = Buffer.alloc(query.questionEnd + (query.edns ? OPT_BYTES : 0));
	request.writeUInt16BE(id, 0);
	request.writeUInt16BE(FLAG.recursionDesired | (query.flags & (FLAG.authenticData | FLAG.checkingDisabled)), 2);
	request.writeUInt16BE(1, 4);
	request.writeUInt16BE(query.edns ? 1 : 0, 10);
	request.set(query.packet.subarray(HEADER_BYTES, query.questionEnd), HEADER_BYTES);
	if (query.edns) putOpt(request, query.questionEnd, RCODE.NOERROR, query.dnssecOk, UPSTREAM_UDP_BYTES);
	return request;
}

/** Two clients whose queries have the same text may share one answer. */
export function sameQuestion(query: Query): string {
	const bits = query.flags & (FLAG.authenticData | FLAG.checkingDisabled);
	return `${query.type} ${bits} ${query.edns} ${query.dnssecOk} ${query.key}`;
}

/** The id and the question are those of the request (RFC 5452 §9.1); an error may come without a question. */
export function isAnswerTo(request: Buffer, response: Buffer): boolean {
	if (response.length < HEADER_BYTES || uint16(response, 0) !== uint16(request, 0)) return false;
	const flags = uint16(response, 2);
	if ((flags & FLAG.response) === 0 || (flags & FLAG.opcode) !== 0) return false;
	const questions = uint16(response, 4);
	if (questions === 0) return rcodeOf(response) !== RCODE.NOERROR && rcodeOf(response) !== RCODE.NXDOMAIN;
	if (questions !== 1) return false;
	const end = endOfPlainName(request, HEADER_BYTES) + 4;
	if (response.length < end) return false;
	const text = (packet: Buffer): string => keyOfWire(packet.toString("latin1", HEADER_BYTES, end - 4));
	return text(response) === text(request) && response.subarray(end - 4, end).equals(request.subarray(end - 4, end));
}

export function rcodeOf(response: Buffer): number {
	return uint16(response, 2) & FLAG.rcode;
}

export function isTruncated(response: Buffer): boolean {
	return (uint16(response, 2) & FLAG.truncated) !== 0;
}

export interface ResponseRecords {
	/** Where each record's TTL is, the OPT's excepted: it has none. */
	readonly ttlOffsets: readonly number[];
	/** For how long the answer may be kept: 0 when not at all. */
	readonly keepSeconds: number;
}

/** Undefined when the response is malformed. */
export function readRecords(response: Buffer): ResponseRecords | undefined {
	const answers = uint16(response, 6);
	const count = answers + uint16(response, 8) + uint16(response, 10);
	let at = endOfPlainName(response, HEADER_BYTES) + 4;
	const ttlOffsets: number[] = [];
	let leastTtl = Number.POSITIVE_INFINITY;
	let negativeTtl = 0;
	for (let i = 0; i < count; i++) {
		const nameEnd = endOfName(response, at);
		if (nameEnd < 0 || nameEnd + RECORD_BYTES > response.length) return undefined;
		const type = uint16(response, nameEnd);
		const end = nameEnd + RECORD_BYTES + uint16(response, nameEnd + 8);
		if (end > response.length) return undefined;
		if (type !== TYPE.OPT) {
			const ttl = response.readUInt32BE(nameEnd + 4);
			// RFC 2181 §8: with the upper bit set it is taken for 0.
			leastTtl = Math.min(leastTtl, ttl > 0x7fff_ffff ? 0 : ttl);
			ttlOffsets.push(nameEnd + 4);
			// RFC 2308 §5: the lesser of the SOA's TTL and its last field.
			if (type === TYPE.SOA && end - 4 >= nameEnd + RECORD_BYTES)
				negativeTtl = Math.min(ttl, response.readUInt32BE(end - 4));
		}
		at = end;
	}
	const isNegative = rcodeOf(response) === RCODE.NXDOMAIN || answers === 0;
	const keepSeconds = isNegative ? Math.min(negativeTtl, leastTtl) : leastTtl;
	return { ttlOffsets, keepSeconds: Number.isFinite(keepSeconds) ? keepSeconds : 0 };
}

/** The response as this client gets it: its id, its spelling of the name, and no longer than it takes. */
export function answerFor(query: Query, response: Buffer, transport: Transport): Buffer {
	if (response.length > limitOf(query, transport)) return truncation(query, rcodeOf(response));
	const answer = Buffer.from(response);
	answer.writeUInt16BE(query.id, 0);
	const own = FLAG.recursionDesired;
	answer.writeUInt16BE((uint16(response, 2) & ~own) | (query.flags & own) | FLAG.recursionAvailable, 2);
	answer.set(query.packet.subarray(HEADER_BYTES, query.questionEnd), HEADER_BYTES);
	return answer;
}
