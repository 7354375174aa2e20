/** A resolver that is asked what is not known here. */
import type { Family, Ip } from "#lib/address/ip.ts";

export interface Server {
	readonly family: Family;
	/** As sockets take it; a link-local address with its interface, `fe80::1%eth0`. */
	readonly address: string;
	readonly port: number;
}

const DNS_PORT = 53;

export function serverAt(ip: Ip): Server {
	return { family: ip.family, address: ip.toString(), port: DNS_PORT };
}

/** The same text for the same server, and for no other. */
export function serverText({ family, address, port }: Server): string {
	if (port === DNS_PORT) return address;
	return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
