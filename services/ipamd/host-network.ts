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

/** Each range once, in the words that explain it best. */
export function obstaclesOf(observation: HostObservation): Obstacle[] {
	return eachOnce(everythingOf(observation));
}

/** All of it: addresses before the routes that the kernel made for them. */
export function everythingOf({ routes, addresses, nameservers }: HostObservation): Obstacle[] {
	return [
		...nameservers.map((ip) => ({ cidr: Cidr.of(ip, bitsOf(ip.family)), what: `the nameserver ${ip}` })),
		...addresses.map(({ address, link }) => ({
			cidr: address.network(),
			what: `the address ${address} of this host (${link})`,
			link,
		})),
		...routes.map(({ destination, link }) => ({
			cidr: destination,
			what: `this host's route ${destination}${link === undefined ? "" : ` (${link})`}`,
			link,
		})),
	];
}

/** The first of each range. */
export function eachOnce(obstacles: readonly Obstacle[]): Obstacle[] {
	const once = new Map<string, Obstacle>();
	for (const obstacle of obstacles) {
		const key = obstacle.cidr.toString();
		if (!once.has(key)) once.set(key, obstacle);
	}
	return [...once.values()];
}
