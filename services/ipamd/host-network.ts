/** The host's own network as ipamd sees it: what no automatic subnet may overlap. A port; the adapter is in kernel/. */
import { Cidr, type IpInterface } from "#lib/address/cidr.ts";
import { bitsOf, type Ip } from "#lib/address/ip.ts";
import type { Obstacle } from "./choice.ts";

export interface HostRoute {
	readonly destination: Cidr;
	/** Name of the interface it leads over; absent for a blackhole and its like. */
	readonly link?: string | undefined;
}

interface HostAddress {
	readonly address: IpInterface;
	readonly link: string;
}

export interface HostObservation {
	/** Of every table and both families. */
	readonly routes: readonly HostRoute[];
	readonly addresses: readonly HostAddress[];
	readonly nameservers: readonly Ip[];
}

export interface HostNetwork {
	/** As it is now. */
	observe(): Promise<HostObservation>;
}

/** Each range once: the address that explains it best, before the route that the kernel made for it. */
export function obstaclesOf({ routes, addresses, nameservers }: HostObservation): Obstacle[] {
	const all: Obstacle[] = [
		...nameservers.map((ip) => ({ cidr: Cidr.of(ip, bitsOf(ip.family)), what: `the nameserver ${ip}` })),
		...addresses.map(({ address, link }) => ({
			cidr: address.network(),
			what: `the address ${address} of this host (${link})`,
		})),
		...routes.map(({ destination, link }) => ({
			cidr: destination,
			what: `this host's route ${destination}${link === undefined ? "" : ` (${link})`}`,
		})),
	];
	const once = new Map<string, Obstacle>();
	for (const obstacle of all) {
		const key = obstacle.cidr.toString();
		if (!once.has(key)) once.set(key, obstacle);
	}
	return [...once.values()];
}
