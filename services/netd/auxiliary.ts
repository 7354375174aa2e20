/** Addresses of a subnet that are kept from containers, by name; texts in the store and in messages. */
import { Ip } from "#lib/address/ip.ts";

export type Auxiliary = Readonly<Record<string, Ip>>;

/** Fault INVALID_ADDRESS for one that is none. */
export function readAuxiliary(texts: Readonly<Record<string, string>>): Auxiliary {
	return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Ip.parse(text)]));
}

export function writeAuxiliary(addresses: Auxiliary): Record<string, string> {
	return Object.fromEntries(Object.entries(addresses).map(([name, ip]) => [name, ip.toString()]));
}
