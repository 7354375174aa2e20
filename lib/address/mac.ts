/** Link-layer addresses: canonical text (lower case, colons), and the one that is derived from an IP address. */
import { createHash } from "node:crypto";
import { addressFaults } from "./faults.ts";
import type { Ip } from "./ip.ts";

declare const brand: unique symbol;

/** Six octets as `02:42:ac:11:00:02`. */
export type Mac = string & { readonly [brand]: "Mac" };

const TEXT = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i;
const ALL_ZERO = "00:00:00:00:00:00";

/** Colons or hyphens, either case. What no interface can have (a group address, all zeros) is a Fault INVALID_MAC. */
export function parseMac(text: string): Mac {
	const canonical = text.toLowerCase().replaceAll("-", ":");
	if (!TEXT.test(text) || isGroup(canonical) || canonical === ALL_ZERO) throw addressFaults.INVALID_MAC({ text });
	return canonical as Mac; // the pattern above is the brand's promise
}

/** Of many interfaces, and none's own: multicast and broadcast. */
export function isGroup(mac: string): boolean {
	return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/**
 * The address that an endpoint with this IP address gets when none is asked for; unique on a link as the IP address is.
 *
 * IPv4 as Docker does it, 02:42 and the four octets; IPv6 has no room for that: 02 and 40 bits of its SHA-256.
 */
export function macFromIp(ip: Ip): Mac {
	const bytes = ip.toBytes();
	const tail = ip.family === 4 ? [0x42, ...bytes] : createHash("sha256").update(bytes).digest().subarray(0, 5);
	return macFromBytes(Uint8Array.of(0x02, ...tail));
}

export function macToBytes(mac: Mac): Uint8Array {
	return Uint8Array.from(mac.split(":"), (octet) => Number.parseInt(octet, 16));
}

/** From six octets that the kernel gave; group addresses and zeros are let through. */
export function macFromBytes(bytes: Uint8Array): Mac {
	if (bytes.length !== 6) throw new RangeError(`a link-layer address has 6 bytes, not ${bytes.length}`);
	const hex = Buffer.from(bytes).toString("hex");
	// Two digits an octet by construction.
	return [0, 2, 4, 6, 8, 10].map((at) => hex.slice(at, at + 2)).join(":") as Mac;
}
