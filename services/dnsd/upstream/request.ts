/**
 * What an upstream is asked, and whether something is the answer to it.
 *
 * Pure. A query's packet may be a slice of a buffer that is used again: whoever asks later asks with `lasting(query)`.
 */
import { randomBytes } from "node:crypto";
import { FLAG, HEADER_BYTES, RCODE } from "../protocol.ts";
import type { Query } from "../query.ts";
import { OPT_BYTES, putOpt, rcodeOf, TYPE_AND_CLASS_BYTES, uint16 } from "../wire.ts";

/** What no path cuts to pieces (DNS Flag Day 2020). */
const UPSTREAM_UDP_BYTES = 1232;
const CASE_BIT = 0x20;
/** Of a client's header, what an upstream gets to see. */
const PASSED_ON = FLAG.authenticData | FLAG.checkingDisabled;

/** The query with a packet of its own, up to the end of its question. */
export function lasting(query: Query): Query {
	return { ...query, packet: Buffer.from(query.packet.subarray(0, query.questionEnd)) };
}

/** Those whose queries have the same text may share one answer, from the same servers. No two texts mean the same. */
export function sameQuestion(query: Query): string {
	const bits = (query.flags & PASSED_ON) | (query.edns ? 1 : 0) | (query.dnssecOk ? 2 : 0);
	return String.fromCharCode(query.type, bits) + query.key;
}

export interface RequestOptions {
	readonly id: number;
	/** With none of the client's options: EDNS is between two neighbours (RFC 6891 §6.1.1). */
	readonly edns: boolean;
	/** Letters of the name in random case: sixteen bits of id are few (draft-vixie-dnsext-dns0x20). */
	readonly randomCase: boolean;
}

/** The client's question under another id. */
export function requestOf(query: Query, { id, edns, randomCase }: RequestOptions): Buffer {
	const request = Buffer.alloc(query.questionEnd + (edns ? OPT_BYTES : 0));
	request.writeUInt16BE(id, 0);
	request.writeUInt16BE(FLAG.recursionDesired | (query.flags & PASSED_ON), 2);
	request.writeUInt16BE(1, 4);
	request.writeUInt16BE(edns ? 1 : 0, 10);
	query.packet.copy(request, HEADER_BYTES, HEADER_BYTES, query.questionEnd);
	if (randomCase) mixCase(request.subarray(HEADER_BYTES, query.questionEnd - TYPE_AND_CLASS_BYTES));
	if (edns) putOpt(request, query.questionEnd, RCODE.NOERROR, query.dnssecOk, UPSTREAM_UDP_BYTES);
	return request;
}

/** A label's length is at most 63 and so never a letter. */
function mixCase(name: Buffer): void {
	const dice = randomBytes(name.length);
	for (const [i, byte] of name.entries()) {
		if (isLetter(byte)) name[i] = byte ^ ((dice[i] ?? 0) & CASE_BIT);
	}
}

/** Where the question of a request of ours ends: its name is not compressed. */
function questionEndOf(request: Buffer): number {
	let at = HEADER_BYTES;
	while ((request[at] ?? 0) !== 0) at += (request[at] ?? 0) + 1;
	return at + 1 + TYPE_AND_CLASS_BYTES;
}

/**
 * The id and the question are those of the request (RFC 5452 §9.1), in the same case if that is `exact`; an error may come without
 * a question.
 */
export function isAnswerTo(request: Buffer, response: Buffer, exact = false): boolean {
	if (response.length < HEADER_BYTES || uint16(response, 0) !== uint16(request, 0)) return false;
	const flags = uint16(response, 2);
	if ((flags & FLAG.response) === 0 || (flags & FLAG.opcode) !== 0) return false;
	const questions = uint16(response, 4);
	if (questions === 0) return rcodeOf(response) !== RCODE.NOERROR && rcodeOf(response) !== RCODE.NXDOMAIN;
	const end = questionEndOf(request);
	if (questions !== 1 || response.length < end) return false;
	const nameEnd = end - TYPE_AND_CLASS_BYTES;
	for (let at = HEADER_BYTES; at < end; at++) {
		const [one, other] = [request[at] ?? 0, response[at] ?? 0];
		if (one === other) continue;
		if (exact || at >= nameEnd || !isLetter(one) || (one ^ other) !== CASE_BIT) return false;
	}
	return true;
}

function isLetter(byte: number): boolean {
	const lower = byte | CASE_BIT;
	return lower >= 0x61 && lower <= 0x7a;
}

export function isTruncated(response: Buffer): boolean {
	return (uint16(response, 2) & FLAG.truncated) !== 0;
}
