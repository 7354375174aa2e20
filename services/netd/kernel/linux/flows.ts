/** Tracked connections, removed by what a client sent them to. */
import type { Family, Ip } from "#lib/address/ip.ts";
import { type FlowFilter, FlowTable } from "#lib/linux/conntrack.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { HostPort, Protocol } from "../../port.ts";
import type { Flows } from "../flows.ts";

export class LinuxFlows implements Flows, Disposable {
	readonly #host: string | undefined;
	readonly #table: FlowTable;

	constructor(host?: string) {
		this.#host = host;
		this.#table = FlowTable.open(host);
	}

	async remove({ ports, addresses }: { ports: readonly HostPort[]; addresses: readonly Ip[] }): Promise<void> {
		const wildcards = ports.filter(isWildcard);
		// A port alone would also match what the host and its containers send to that port of others.
		const own = wildcards.length > 0 ? this.#hostAddresses() : [];
		const everywhere = (wildcards.length > 0 ? ([4, 6] as const) : []).map((family): FlowFilter => {
			const services = wildcards.filter(covers(family)).map(serviceOf);
			return { originalDestinations: { services, ips: own.filter((ip) => ip.family === family) } };
		});
		const single = ports
			.filter((port) => !isWildcard(port))
			.map((port): FlowFilter => ({ originalDestination: { ...serviceOf(port), ip: port.hostAddress } }));
		await this.#table.remove([...everywhere, ...single, ...addresses.map((address) => ({ address }))]);
	}

	[Symbol.dispose](): void {
		this.#table[Symbol.dispose]();
	}

	#hostAddresses(): Ip[] {
		using rtnl = Rtnetlink.open(this.#host);
		return rtnl.addresses.list().map(({ ip }) => ip);
	}
}

function isWildcard({ hostAddress }: HostPort): boolean {
	return hostAddress === undefined || hostAddress.value === 0n;
}

function covers(family: Family): (port: HostPort) => boolean {
	return ({ hostAddress }) => hostAddress === undefined || hostAddress.family === family;
}

function serviceOf({ protocol, hostPort: port }: HostPort): { protocol: Protocol; port: number } {
	return { protocol, port };
}
