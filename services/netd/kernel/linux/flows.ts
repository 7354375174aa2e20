/** Tracked connections, removed by what a client sent them to. */
import type { Ip } from "#lib/address/ip.ts";
import { type FlowFilter, removeFlows } from "#lib/linux/conntrack.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { HostPort } from "../../port.ts";
import type { Flows } from "../flows.ts";

export class LinuxFlows implements Flows {
	readonly #host: string | undefined;

	constructor(host?: string) {
		this.#host = host;
	}

	async remove({ ports, addresses }: { ports: readonly HostPort[]; addresses: readonly Ip[] }): Promise<void> {
		// A port alone would also match what the host and its containers send to that port of others.
		const own = ports.some(isWildcard) ? this.#hostAddresses() : [];
		const filters: FlowFilter[] = ports.flatMap((port) => {
			const ips = isWildcard(port) ? own.filter(covered(port)) : [port.hostAddress];
			return ips.map((ip) => ({ originalDestination: { protocol: port.protocol, ip, port: port.hostPort } }));
		});
		await removeFlows([...filters, ...addresses.map((address) => ({ address }))], this.#host);
	}

	#hostAddresses(): Ip[] {
		using rtnl = Rtnetlink.open(this.#host);
		return rtnl.addresses.list().map(({ ip }) => ip);
	}
}

function isWildcard({ hostAddress }: HostPort): boolean {
	return hostAddress === undefined || hostAddress.value === 0n;
}

function covered({ hostAddress }: HostPort): (ip: Ip) => boolean {
	return (ip) => hostAddress === undefined || hostAddress.family === ip.family;
}
