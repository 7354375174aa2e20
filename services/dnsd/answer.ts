/**
 * What is said to a query: a packet in; a packet out, or that somebody else must be asked, or nothing at all.
 *
 * Pure, and the hot path: records come encoded from the zone, the question is repeated byte for byte, and nothing is decoded
 * that need not be. Never more than one packet, never longer than the client takes, and nothing to what is a response itself.
 */
import { FLAG, HEADER_BYTES, RCODE, TCP_BYTES, TYPE, UDP_BYTES } from "./protocol.ts";
import type { NameKey } from "./name.ts";
import { parseQuery, type Query } from "./query.ts";
import { startOfAuthority } from "./record.ts";
import { OPT_BYTES, put16, putOpt, TYPE_AND_CLASS_BYTES } from "./wire.ts";
import type { Found, Records } from "./zone.ts";

export type Transport = "udp" | "tcp";

/** The zone as the asking sandbox sees it. */
export interface Asker {
	readonly ttlSeconds: number;
	/** False when all of its networks are internal. */
	readonly forwards: boolean;
	lookUp(key: NameKey): Found;
}

type Local = Extract<Found, { kind: "records" }>;

export type Outcome =
	/** `isSettled`: the same query of the same asker is answered with the same bytes until names change. */
	| { readonly kind: "answer"; readonly packet: Buffer; readonly isSettled: boolean }
	/** `mayComeToBe`: it may be a name of a container that is not there yet. */
	| { readonly kind: "forward"; readonly query: Query; readonly mayComeToBe: boolean }
	| { readonly kind: "ignore" };

const IGNORE: Outcome = { kind: "ignore" };

export function answer(packet: Buffer, asker: Asker, transport: Transport): Outcome {
	const query = parseQuery(packet);
	if (query === undefined) return IGNORE;
	if (query.rcode !== RCODE.NOERROR) return refused(query, query.rcode);

	const found = asker.lookUp(query.key);
	if (found.kind === "records") return local(query, found, asker.ttlSeconds, transport);
	// A network may be called as a domain is (`dev`): what nobody in it is called may be a name out there.
	// Its own link is nobody else's.
	const isLink = found.kind === "absent" && found.link === true;
	if (isLink || !asker.forwards) return nowhere(query, found, asker.ttlSeconds, transport);
	// A client that wants no recursion asks for what we know ourselves (RFC 1034 §4.3.1), and this is none of it.
	if ((query.flags & FLAG.recursionDesired) === 0) return refused(query, RCODE.REFUSED);
	return { kind: "forward", query, mayComeToBe: found.kind === "absent" || isSingleLabel(query.key) };
}

function isSingleLabel(key: NameKey): boolean {
	return key.length > 0 && key.charCodeAt(0) + 1 === key.length;
}

/**
 * Nothing but local names exists for a sandbox without a way out. NXDOMAIN is the one answer that every client takes for
 * final: glibc asks again after SERVFAIL and REFUSED, and musl ignores REFUSED and waits out its five seconds.
 */
function nowhere(query: Query, found: Found, ttlSeconds: number, transport: Transport): Outcome {
	const isBelow = found.kind === "absent";
	// The name ends with the apex and the root's byte.
	const apex = isBelow ? query.questionEnd - TYPE_AND_CLASS_BYTES - 1 - found.apex.length : undefined;
	const authority = [startOfAuthority(apex, ttlSeconds)];
	// The root is there, and so is a network: NXDOMAIN would say that nothing below is, local names included (RFC 8020 §2).
	const rcode = query.key === "" || found.kind === "network" ? RCODE.NOERROR : RCODE.NXDOMAIN;
	const packet = write(query, { rcode, authoritative: isBelow, authority }, transport);
	return { kind: "answer", packet, isSettled: !isBelow || found.link !== true };
}

/** A packet that says no more than why not. */
export function refusal(query: Query, rcode: number): Buffer {
	return write(query, { rcode }, "udp"); // header, question and OPT: it fits in 512 bytes
}

/** The most that an answer over this transport may have. */
export function limitOf(query: Query, transport: Transport): number {
	return transport === "tcp" ? TCP_BYTES : Math.min(query.udpBytes, UDP_BYTES);
}

/** The header and question of an answer that did not fit: the client comes again over TCP. */
export function truncation(query: Query, rcode: number): Buffer {
	return write(query, { rcode, truncated: true }, "udp");
}

function refused(query: Query, rcode: number): Outcome {
	return { kind: "answer", packet: refusal(query, rcode), isSettled: false };
}

/** The name exists: its records of the type, or NOERROR and an SOA (never NXDOMAIN: musl and others drop the A answer for it). */
function local(query: Query, { records, link }: Local, ttlSeconds: number, transport: Transport): Outcome {
	const answers = recordsOf(records, query.type);
	const authority = answers.length > 0 ? NONE : [startOfAuthority(HEADER_BYTES, ttlSeconds)];
	const content = { rcode: RCODE.NOERROR, authoritative: true, answers: shuffled(answers), authority };
	return { kind: "answer", packet: write(query, content, transport), isSettled: answers.length < 2 && link !== true };
}

function recordsOf(records: Records, type: number): readonly Buffer[] {
	switch (type) {
		case TYPE.A:
			return records.a;
		case TYPE.AAAA:
			return records.aaaa;
		case TYPE.PTR:
			return records.ptr;
		case TYPE.ANY:
			// One set of them, as RFC 8482 §4.1 allows: enough for a look, nothing for an amplifier.
			return [records.a, records.aaaa, records.ptr].find((set) => set.length > 0) ?? [];
		default:
			return [];
	}
}

/** Clients take the first: over many queries each address is that as often as any other (Fisher and Yates). */
function shuffled(records: readonly Buffer[]): readonly Buffer[] {
	if (records.length < 2) return records;
	const order = [...records];
	for (let i = order.length - 1; i > 0; i--) {
		const j = Math.floor(Math.random() * (i + 1));
		const record = order[i] as Buffer; // i and j are within the array
		order[i] = order[j] as Buffer;
		order[j] = record;
	}
	return order;
}

interface Content {
	readonly rcode: number;
	readonly authoritative?: boolean;
	readonly truncated?: boolean;
	readonly answers?: readonly Buffer[];
	readonly authority?: readonly Buffer[];
}

const NONE: readonly Buffer[] = [];

/** Whole records as long as they fit; if some do not, TC is set (RFC 2181 §9), and an old client uses those that are there. */
function write(query: Query, content: Content, transport: Transport): Buffer {
	const { answers = NONE, authority = NONE } = content;
	const room = limitOf(query, transport) - query.questionEnd - (query.edns ? OPT_BYTES : 0);
	let length = 0;
	let fitting = 0;
	for (const record of answers) {
		if (length + record.length > room) break;
		length += record.length;
		fitting += 1;
	}
	let authorities = 0;
	for (const record of authority) {
		if (length + record.length > room) break;
		length += record.length;
		authorities += 1;
	}

	const packet = Buffer.allocUnsafe(query.questionEnd + length + (query.edns ? OPT_BYTES : 0));
	const truncated = content.truncated === true || fitting < answers.length;
	const flags =
		FLAG.response |
		(query.flags & (FLAG.opcode | FLAG.recursionDesired | FLAG.checkingDisabled)) |
		FLAG.recursionAvailable |
		(content.authoritative === true ? FLAG.authoritative : 0) |
		(truncated ? FLAG.truncated : 0) |
		(content.rcode & FLAG.rcode);
	put16(packet, 0, query.id);
	put16(packet, 2, flags);
	put16(packet, 4, query.questionEnd > HEADER_BYTES ? 1 : 0);
	put16(packet, 6, fitting);
	put16(packet, 8, authorities);
	put16(packet, 10, query.edns ? 1 : 0);
	packet.set(query.packet.subarray(HEADER_BYTES, query.questionEnd), HEADER_BYTES);
	let at = query.questionEnd;
	for (let i = 0; i < fitting; i++) at = append(packet, at, answers[i]);
	for (let i = 0; i < authorities; i++) at = append(packet, at, authority[i]);
	if (query.edns) putOpt(packet, at, content.rcode, query.dnssecOk);
	return packet;
}

function append(packet: Buffer, at: number, record: Buffer | undefined): number {
	if (record === undefined) return at;
	packet.set(record, at);
	return at + record.length;
}
