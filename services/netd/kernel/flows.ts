/** Tracked connections that would outlive what they were translated by. */
import type { Ip } from "#lib/address/ip.ts";
import type { HostPort } from "../port.ts";

export interface Flows {
	/** Those to ports of the host, and those with one of the addresses at an end. Slow where there are many. */
	remove(of: { readonly ports: readonly HostPort[]; readonly addresses: readonly Ip[] }): Promise<void>;
}
