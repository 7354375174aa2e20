/**
 * Values in the byte order in which nf_tables compares them in its registers.
 *
 * A single field stands as it is; in a concatenation each one is padded with zeros to four bytes.
 */
import type { IfName } from "#lib/address/if-name.ts";
import type { Ip } from "#lib/address/ip.ts";
import { align4 } from "../netlink/attribute.ts";

const IFNAME_BYTES = 16;

/** Internet protocol numbers (IANA). */
export const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
export type Protocol = keyof typeof PROTOCOLS;

/** One value of an nf_tables type, unpadded. */
export type Field = Uint8Array;

/** `inet_proto` */
export function inetProto(protocol: Protocol): Field {
	return Uint8Array.of(PROTOCOLS[protocol]);
}

/** `inet_service`: a port. */
export function service(port: number): Field {
	return Uint8Array.of(port >> 8, port & 0xff);
}

/** `ipv4_addr` or `ipv6_addr`, as the address is. */
export function address(ip: Ip): Field {
	return ip.toBytes();
}

/** `ifname` */
export function ifname(name: IfName): Field {
	const out = new Uint8Array(IFNAME_BYTES);
	out.set(Buffer.from(name, "utf8"));
	return out;
}

/** A key or a datum of one field, or several: `tcp . 8080` is `concatenation(inetProto("tcp"), service(8080))`. */
export function concatenation(...fields: readonly [Field, ...Field[]]): Buffer {
	if (fields.length === 1) return Buffer.from(fields[0]);
	const out = Buffer.alloc(fields.reduce((length, field) => length + align4(field.length), 0));
	let offset = 0;
	for (const field of fields) {
		out.set(field, offset);
		offset += align4(field.length);
	}
	return out;
}
