/** The bytes of DNS messages: where names and records end, and numbers of 16 bits. Nothing here throws; a number past the end is 0. */
import { NAME_BYTES } from "./name.ts";
import { FLAG, TYPE, UDP_BYTES } from "./protocol.ts";

/** After a question's name. */
export const TYPE_AND_CLASS_BYTES = 4;
/** After a record's name: type, class, TTL and the data's length. */
const RECORD_BYTES = 10;
/** An OPT record without options. */
export const OPT_BYTES = 11;

/** Where a name without compression ends (nothing stands before a question that it could point to); -1 when malformed. */
export function endOfPlainName(packet: Buffer, start: number): number {
	let at = start;
	for (;;) {
		const length = byte(packet, at);
		at += length + 1;
		if (length > 63 || at > packet.length || at - start > NAME_BYTES) return -1;
		if (length === 0) return at;
	}
}

/** Where a name that may end in a pointer ends in the packet; pointers are not followed. -1 when malformed. */
export function endOfName(packet: Buffer, start: number): number {
	let at = start;
	while (at < packet.length) {
		const length = byte(packet, at);
		if (length >= 0xc0) return at + 2 <= packet.length ? at + 2 : -1;
		at += length + 1;
		if (length > 63 || at - start > NAME_BYTES) return -1;
		if (length === 0) return at;
	}
	return -1;
}

/** 0 past the end; callers compare with the length before they believe it. */
export function byte(packet: Buffer, at: number): number {
	return packet[at] ?? 0;
}

export function uint16(packet: Buffer, at: number): number {
	return (byte(packet, at) << 8) | byte(packet, at + 1);
}

/** RFC 6891 §6.1.2: what we take over UDP, the upper bits of the code, version 0, and DO as the client had it. */
export function putOpt(
	packet: Buffer,
	at: number,
	rcode: number,
	dnssecOk: boolean,
	udpBytes: number = UDP_BYTES,
): void {
	packet[at] = 0;
	put16(packet, at + 1, TYPE.OPT);
	put16(packet, at + 3, udpBytes);
	packet[at + 5] = rcode >>> 4;
	packet[at + 6] = 0;
	put16(packet, at + 7, dnssecOk ? 0x8000 : 0);
	put16(packet, at + 9, 0);
}

export function put16(packet: Buffer, at: number, value: number): void {
	packet[at] = value >>> 8;
	packet[at + 1] = value & 0xff;
}

/** Where a record is in a packet. */
export interface RecordPlace {
	readonly type: number;
	/** Where its name ends, and type, class, TTL and the data's length begin. */
	readonly nameEnd: number;
	readonly dataStart: number;
	readonly end: number;
}

/** The record at `start`; undefined when it is malformed, or not all of it is there. */
export function recordAt(packet: Buffer, start: number): RecordPlace | undefined {
	const nameEnd = endOfName(packet, start);
	const dataStart = nameEnd + RECORD_BYTES;
	if (nameEnd < 0 || dataStart > packet.length) return undefined;
	const end = dataStart + uint16(packet, nameEnd + 8);
	return end > packet.length ? undefined : { type: uint16(packet, nameEnd), nameEnd, dataStart, end };
}

/** Of a message, as its header has it: the lower four bits. */
export function rcodeOf(message: Buffer): number {
	return uint16(message, 2) & FLAG.rcode;
}
