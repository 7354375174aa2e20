/** Links, namespaces and routes of the model. */
import type { IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { faults } from "../../faults.ts";
import type { Protocol } from "../../port.ts";
import type {
	Bridge,
	DefaultRoutes,
	HostNeighbour,
	MacvlanMode,
	MadeParent,
	Setting,
	Shim,
	SourceRoute,
} from "../links.ts";

export interface LegState {
	readonly endpointId: string;
	readonly netns: string;
	readonly interface: IfName;
	bridge: IfName | undefined;
	up: boolean;
	hairpin: boolean;
}

interface InterfaceState {
	addresses: readonly IpInterface[];
	settings: readonly Setting[];
	up: boolean;
	/** The leg that it is the other end of. */
	readonly hostInterface: IfName | undefined;
	readonly macvlan?: MacvlanState;
}

export interface MacvlanState {
	readonly endpointId: string;
	readonly parent: IfName;
	readonly mode: MacvlanMode;
}

export interface SandboxState {
	/** It is up. */
	loopback: boolean;
	readonly interfaces: Map<IfName, InterfaceState>;
	routes: DefaultRoutes;
	sourceRoutes: readonly SourceRoute[];
	redirect: number | undefined;
}

/** Every link's. */
const ITS_MTU = 1500;

/** The host's own. */
export const HOST_NAMESPACE = "/proc/1/ns/net";

export type BridgeState = Bridge;

export class State {
	readonly bridges = new Map<IfName, BridgeState>();
	readonly legs = new Map<IfName, LegState>();
	readonly sandboxes = new Map<string, SandboxState>();
	/** Those of the paths that are in netd's folder. */
	readonly pinned = new Set<string>();
	/** The paths of their namespaces, by pid. */
	readonly processes = new Map<number, string>();
	/** Links of others. */
	readonly foreign = new Set<IfName>();
	/** Those that were made for networks, beside bridges. */
	readonly parents = new Map<IfName, { readonly networkId: string }>();
	/** The host's own macvlans, by name. */
	readonly shims = new Map<IfName, Shim>();
	/** Interfaces that are ports of bridges. */
	readonly ports = new Map<IfName, IfName>();
	/** The host's own, at links of others, and where they have moved to. */
	readonly hostAddresses = new Map<IfName, readonly IpInterface[]>();
	/** What somebody has written of who has an address. */
	neighbours: readonly HostNeighbour[] = [];
	/** Kinds of links that it does not have. */
	readonly lacking = new Set<MadeParent["kind"] | Protocol>();
	readonly forwarding = { ipv4: false, ipv6: false };

	sandbox(netns: string): SandboxState {
		const sandbox = this.sandboxes.get(netns);
		if (sandbox === undefined) {
			throw faults.KERNEL_REFUSED({ what: `enter ${netns}`, words: "No such file or directory (ENOENT)" });
		}
		return sandbox;
	}

	isThere(name: IfName): boolean {
		const { foreign, parents, bridges, legs, shims } = this;
		return [foreign, parents, bridges, legs, shims].some((links) => links.has(name));
	}

	/** Fault PARENT_NOT_FOUND, PARENT_UNUSABLE: `why`, where that is said, or an MTU of less than `mtu`. */
	refuseLower(parent: IfName, mtu = 0, why?: string): void {
		if (!this.isThere(parent)) throw faults.PARENT_NOT_FOUND({ parent });
		if (why !== undefined) throw faults.PARENT_UNUSABLE({ parent, why });
		if (mtu > ITS_MTU) throw faults.PARENT_UNUSABLE({ parent, why: `its MTU is ${ITS_MTU}, and the network's ${mtu}` });
	}

	/** One that is not a leg; what is on it goes with it. */
	removeParent(name: IfName): void {
		this.foreign.delete(name);
		this.bridges.delete(name);
		for (const [port, bridge] of this.ports) if (bridge === name) this.ports.delete(port);
		this.ports.delete(name);
		this.hostAddresses.delete(name);
		this.parents.delete(name);
		this.removeNeighbours(name);
		for (const shim of this.shims.values()) if (shim.parent === name) this.removeShim(shim.name);
		for (const sandbox of this.sandboxes.values()) {
			for (const [inside, { macvlan }] of sandbox.interfaces) {
				if (macvlan?.parent === name) sandbox.interfaces.delete(inside);
			}
			sandbox.routes = this.reachable(sandbox, sandbox.routes);
		}
	}

	removeShim(name: IfName): void {
		this.shims.delete(name);
		this.removeNeighbours(name);
	}

	removeNeighbours(link: IfName): void {
		this.neighbours = this.neighbours.filter((one) => one.interface !== link);
	}

	/** Both ends of a pair go together, whichever was removed. */
	removeLeg(name: IfName): void {
		const leg = this.legs.get(name);
		if (leg === undefined) return;
		this.legs.delete(name);
		for (const sandbox of this.sandboxes.values()) {
			if (sandbox.interfaces.get(leg.interface)?.hostInterface !== name) continue;
			sandbox.interfaces.delete(leg.interface);
			sandbox.routes = this.reachable(sandbox, sandbox.routes);
		}
	}

	removeSandbox(path: string): void {
		const sandbox = this.sandboxes.get(path);
		this.sandboxes.delete(path);
		this.pinned.delete(path);
		// Another path holds it.
		if (sandbox === undefined || [...this.sandboxes.values()].includes(sandbox)) return;
		for (const { hostInterface } of sandbox.interfaces.values()) {
			if (hostInterface !== undefined) this.legs.delete(hostInterface);
		}
	}

	/** The kernel drops a route with the link that it leads through. */
	reachable({ interfaces }: SandboxState, routes: DefaultRoutes): DefaultRoutes {
		const networks = [...interfaces.values()]
			.filter(({ up }) => up)
			.flatMap(({ addresses }) => addresses.map((address) => address.network()));
		const kept = ([4, 6] as const).flatMap((family) => {
			const gateway = routes[family];
			return gateway !== undefined && networks.some((network) => network.contains(gateway)) ? [[family, gateway]] : [];
		});
		return Object.fromEntries(kept) as DefaultRoutes; // the keys are the families above
	}

	snapshot(): object {
		return {
			bridges: [...this.bridges.keys()].sort(),
			parents: [...this.parents.keys()].sort(),
			ports: [...this.ports].map(([name, bridge]) => `${name} of ${bridge}`),
			hostAddresses: [...this.hostAddresses].map(([name, addresses]) => `${name} ${addresses.join(" ")}`).sort(),
			shims: [...this.shims].map(([name, { parent, ways }]) => ({
				name,
				parent,
				ways: ways.map(({ address, range }) => `${range} from ${address}`),
			})),
			legs: [...this.legs].map(([name, { bridge, up }]) => ({ name, bridge, up })),
			sandboxes: [...this.sandboxes].map(([path, { interfaces, routes, sourceRoutes, redirect }]) => ({
				path,
				interfaces: [...interfaces].map(([name, { addresses, settings, up }]) => ({
					name,
					up,
					addresses: addresses.map(String),
					settings,
				})),
				routes: { 4: routes[4]?.toString(), 6: routes[6]?.toString() },
				sourceRoutes: sourceRoutes.map(({ source, gateway }) => `${source} via ${gateway}`),
				redirect,
			})),
			foreign: [...this.foreign],
		};
	}
}
