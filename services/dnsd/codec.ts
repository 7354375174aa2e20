/**
 * Whole messages to and from readable values, for what is not the hot path; the only importer of dns2 but for tests.
 */
import { Packet } from "dns2";
import { findWire } from "./name.ts";
import { CLASS_IN, FLAG, HEADER_BYTES } from "./protocol.ts";
import { codeText } from "./query-text.ts";

export interface ReadableAnswer {
	/** As `NOERROR`. */
	readonly code: string;
	/** The answer section's data: addresses and names as text. */
	readonly data: readonly string[];
}

/** A query as a client would send it over TCP, recursion desired. The name must be a domain name. */
export function encodeQuery(id: number, name: string, type: number): Buffer {
	const wire = findWire(name);
	if (wire === undefined) throw new TypeError(`${name} is not a domain name`);
	const packet = Buffer.alloc(HEADER_BYTES + wire.length + 4);
	packet.writeUInt16BE(id, 0);
	packet.writeUInt16BE(FLAG.recursionDesired, 2);
	packet.writeUInt16BE(1, 4);
	packet.set(wire, HEADER_BYTES);
	packet.writeUInt16BE(type, HEADER_BYTES + wire.length);
	packet.writeUInt16BE(CLASS_IN, HEADER_BYTES + wire.length + 2);
	return packet;
}

/** Reads an answer of ours. */
export function readAnswer(packet: Buffer): ReadableAnswer {
	const { header, answers } = Packet.parse(packet);
	return { code: codeText(header.rcode), data: answers.map(textOf) };
}

function textOf(record: { readonly address?: string; readonly domain?: string }): string {
	return record.address ?? record.domain ?? "";
}
