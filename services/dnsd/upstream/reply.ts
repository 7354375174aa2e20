/**
 * What a client gets of an upstream's answer: its own id, its spelling of the name, what is left of the TTLs, and no more than
 * it takes. Pure, and the hot path of answers that are kept.
 */
import { limitOf, type Transport, truncation } from "../answer.ts";
import { FLAG, HEADER_BYTES, RCODE } from "../protocol.ts";
import type { Query } from "../query.ts";
import { OPT_BYTES, put16, recordAt, uint16 } from "../wire.ts";
import type { Response } from "./response.ts";

/** For how long a client may keep what it is told. */
export interface Validity {
	/** Since the upstream said it. */
	readonly ageSeconds: number;
	/** No TTL is more than this. */
	readonly mostSeconds: number;
	/** Nor does a name not exist for longer than this after the upstream said so. */
	readonly mostNegativeSeconds: number;
}

/** What of its own header a client finds in the answer's (RFC 1035 §4.1.1, RFC 4035 §3.2.2). */
const REPEATED = FLAG.recursionDesired | FLAG.checkingDisabled;

export function replyTo(query: Query, response: Response, transport: Transport, validity: Validity): Buffer {
	const { packet } = response;
	const reply = Buffer.allocUnsafe(packet.length);
	reply.set(packet);
	put16(reply, 0, query.id);
	put16(reply, 2, uint16(packet, 2) | (query.flags & REPEATED));
	const asked = query.packet;
	for (let at = HEADER_BYTES; at < query.questionEnd; at++) reply[at] = asked[at] as number; // both have a question there
	limitTtls(reply, response, validity);
	const limit = limitOf(query, transport);
	return reply.length <= limit ? reply : cut(reply, query, limit);
}

function limitTtls(reply: Buffer, response: Response, validity: Validity): void {
	const { ageSeconds, mostSeconds, mostNegativeSeconds } = validity;
	if (ageSeconds > 0 || mostSeconds < Number.POSITIVE_INFINITY) {
		for (const offset of response.ttlOffsets) {
			put32(reply, offset, Math.min(Math.max(0, get32(reply, offset) - ageSeconds), mostSeconds));
		}
	}
	const { absence } = response;
	if (absence === undefined || mostNegativeSeconds === Number.POSITIVE_INFINITY) return;
	const left = Math.max(0, mostNegativeSeconds - ageSeconds);
	put32(reply, absence.ttlAt, Math.min(get32(reply, absence.ttlAt), left));
	put32(reply, absence.minimumAt, Math.min(get32(reply, absence.minimumAt), mostNegativeSeconds));
}

/** The answers that fit, whole ones, marked as cut (RFC 2181 §9): a client that does not come again over TCP uses what is there. */
function cut(reply: Buffer, query: Query, limit: number): Buffer {
	const room = limit - (query.edns ? OPT_BYTES : 0);
	const answers = uint16(reply, 6);
	let end = query.questionEnd;
	let fitting = 0;
	while (fitting < answers) {
		const record = recordAt(reply, end);
		if (record === undefined || record.end > room) break;
		end = record.end;
		fitting += 1;
	}
	const empty = truncation(query, RCODE.NOERROR);
	const records = reply.subarray(query.questionEnd, end);
	const short = Buffer.concat([empty.subarray(0, query.questionEnd), records, empty.subarray(query.questionEnd)]);
	put16(short, 2, uint16(reply, 2) | FLAG.truncated);
	put16(short, 6, fitting);
	return short;
}

function get32(packet: Buffer, at: number): number {
	return uint16(packet, at) * 0x1_0000 + uint16(packet, at + 2);
}

function put32(packet: Buffer, at: number, value: number): void {
	put16(packet, at, value >>> 16);
	put16(packet, at + 2, value & 0xffff);
}
