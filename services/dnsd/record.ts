/**
 * The records of local names, encoded once when the name is learnt.
 *
 * Every record's owner is the question itself, by a pointer to where a question always stands; so the case of the question is
 * the case of the answer, and the bytes fit every answer.
 */
import type { Ip } from "#lib/address/ip.ts";
import { CLASS_IN, HEADER_BYTES, TYPE } from "./protocol.ts";

/** RFC 1035 §4.1.4. */
const POINTER = 0xc000;
const ROOT = Buffer.of(0);
/** Who looks after names that only exist here, as in RFC 6303 §3. */
const NOBODY = Buffer.from("\x06nobody\x07invalid\x00", "latin1");

function encode(owner: Uint8Array, type: number, ttlSeconds: number, data: Uint8Array): Buffer {
	const head = Buffer.alloc(10);
	head.writeUInt16BE(type, 0);
	head.writeUInt16BE(CLASS_IN, 2);
	head.writeUInt32BE(ttlSeconds, 4);
	head.writeUInt16BE(data.length, 8);
	return Buffer.concat([owner, head, data]);
}

function pointerTo(offset: number): Buffer {
	const pointer = Buffer.alloc(2);
	pointer.writeUInt16BE(POINTER | offset);
	return pointer;
}

const QUESTION = pointerTo(HEADER_BYTES);

/** A or AAAA of the question's name. */
export function addressRecord(ip: Ip, ttlSeconds: number): Buffer {
	return encode(QUESTION, ip.family === 4 ? TYPE.A : TYPE.AAAA, ttlSeconds, ip.toBytes());
}

/** PTR of the question's name; `target` is a wire name. */
export function pointerRecord(target: Uint8Array, ttlSeconds: number): Buffer {
	return encode(QUESTION, TYPE.PTR, ttlSeconds, target);
}

/**
 * The SOA that tells a resolver for how long to remember that there is nothing (RFC 2308).
 * The zone's apex is what stands at `offset` of the packet; undefined: the root.
 */
export function startOfAuthority(offset: number | undefined, ttlSeconds: number): Buffer {
	const apex = offset === undefined ? ROOT : pointerTo(offset);
	const numbers = Buffer.alloc(20);
	// Serial, refresh, retry and expire are for secondaries, of which there are none.
	[1, 3600, 1200, 604_800, ttlSeconds].forEach((value, index) => numbers.writeUInt32BE(value, index * 4));
	return encode(apex, TYPE.SOA, ttlSeconds, Buffer.concat([apex, NOBODY, numbers]));
}
