/** Bridges and legs of the model. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { faults } from "../../faults.ts";
import type {
	Bridge,
	DefaultRoutes,
	HostNeighbour,
	HostSettings,
	InnerEnd,
	Leg,
	Links,
	Macvlan,
	MacvlanRef,
	ObservedBridge,
	ObservedInside,
	ObservedLeg,
	ObservedMacvlan,
	Parent,
	Shim,
	SourceRoute,
	WrittenNeighbour,
} from "../links.ts";
import { ModelMacvlans } from "./macvlans.ts";
import type { State } from "./state.ts";
import { ModelUplinks } from "./uplinks.ts";

/** Some that every kernel has, and that take numbers. */
const SETTINGS: ReadonlySet<string> = new Set(["log_martians", "rp_filter", "arp_announce", "hop_limit"]);
const LOOPBACK = parseIfName("lo");

export class ModelLinks implements Links {
	readonly #state: State;
	readonly #macvlans: ModelMacvlans;
	readonly #uplinks: ModelUplinks;

	constructor(state: State) {
		this.#state = state;
		this.#macvlans = new ModelMacvlans(state);
		this.#uplinks = new ModelUplinks(state);
	}

	ensureForwarding({ ipv6 }: { readonly ipv6: boolean }): void {
		this.#state.forwarding.ipv4 = true;
		this.#state.forwarding.ipv6 ||= ipv6;
	}

	ensureBridge(bridge: Bridge): void {
		const { bridges, foreign, parents } = this.#state;
		const present = bridges.get(bridge.name);
		if (
			foreign.has(bridge.name) ||
			parents.has(bridge.name) ||
			(present !== undefined && present.networkId !== bridge.networkId)
		) {
			throw faults.INTERFACE_EXISTS({ interface: bridge.name });
		}
		const { uplink } = bridge;
		if (uplink !== undefined) this.#uplinks.refuse(bridge, uplink);
		bridges.set(bridge.name, bridge);
		if (uplink !== undefined) this.#uplinks.ensure(bridge, uplink);
	}

	observeUplink(bridge: IfName, uplink: IfName): HostSettings {
		return this.#uplinks.observe(bridge, uplink);
	}

	async removeBridge({ name, networkId, uplink }: Pick<Bridge, "name" | "networkId" | "uplink">): Promise<void> {
		const present = this.#state.bridges.get(name);
		if (present?.networkId === networkId) this.#uplinks.leave(present);
		if (this.#state.parents.get(name)?.networkId === networkId) this.#state.removeParent(name);
		if (this.#state.shims.get(name)?.networkId === networkId) this.#state.removeShim(name);
		if (uplink !== undefined && present === undefined) this.#uplinks.restoreAlone(uplink);
		if (present?.networkId !== networkId) return;
		this.#state.bridges.delete(name);
		this.#state.hostAddresses.delete(name);
		this.#state.removeNeighbours(name);
		for (const leg of this.#state.legs.values()) if (leg.bridge === name) leg.bridge = undefined;
	}

	isThere(name: IfName): boolean {
		return this.#state.isThere(name);
	}

	ensureParent(parent: Parent): void {
		this.#macvlans.ensureParent(parent);
	}

	ensureShim(shim: Shim): void {
		this.#macvlans.ensureShim(shim);
	}

	async ensureMacvlan(macvlan: Macvlan): Promise<void> {
		this.#macvlans.ensure(macvlan);
	}

	async removeMacvlan(macvlan: MacvlanRef): Promise<void> {
		this.#macvlans.remove(macvlan);
	}

	macvlans(netns: string): ObservedMacvlan[] {
		return this.#macvlans.observe(netns);
	}

	async ensureLeg(leg: Leg): Promise<void> {
		const { bridges, legs } = this.#state;
		const what = `connect ${leg.interface} to ${leg.bridge}`;
		const sandbox = this.#state.sandbox(leg.netns);
		if (!bridges.has(leg.bridge)) throw faults.KERNEL_REFUSED({ what, words: "No such device (ENODEV)" });
		const inside = sandbox.interfaces.get(leg.interface);
		if (inside !== undefined && inside.hostInterface !== leg.hostInterface) {
			throw faults.KERNEL_REFUSED({ what, words: "File exists (EEXIST)" });
		}
		const { endpointId, netns, interface: name, bridge, hairpin, hostInterface } = leg;
		legs.set(hostInterface, { endpointId, netns, interface: name, bridge, hairpin, up: true });
		if (inside !== undefined) inside.up = true;
		else sandbox.interfaces.set(name, { addresses: [], settings: [], up: true, hostInterface });
	}

	async ensureInnerEnd({ netns, interface: name, addresses, hostInterface, settings }: InnerEnd): Promise<void> {
		const inside = this.#state.sandbox(netns).interfaces.get(name);
		if (inside === undefined || inside.hostInterface !== hostInterface) {
			throw faults.KERNEL_REFUSED({ what: `give ${name} its addresses`, words: "No such device (ENODEV)" });
		}
		const unknown = settings.find((setting) => !/^-?\d+$/.test(setting.value) || !SETTINGS.has(setting.name));
		if (unknown !== undefined) {
			const { group, name: setting, value } = unknown;
			throw faults.SETTING_REFUSED({ setting: `${group}/${setting}`, value, words: "EINVAL" }, { field: "options" });
		}
		inside.settings = settings;
		inside.addresses = addresses;
		inside.up = true;
	}

	setHairpin(hostInterface: IfName, hairpin: boolean): void {
		const leg = this.#state.legs.get(hostInterface);
		if (leg?.bridge !== undefined) leg.hairpin = hairpin;
	}

	parkLeg(hostInterface: IfName, inside?: { readonly netns: string; readonly interface: IfName }): void {
		const leg = this.#state.legs.get(hostInterface);
		if (leg !== undefined) leg.up = false;
		const sandbox = inside && this.#state.sandboxes.get(inside.netns);
		const end = inside && sandbox?.interfaces.get(inside.interface);
		if (sandbox === undefined || end === undefined) return;
		end.up = false;
		sandbox.routes = this.#state.reachable(sandbox, sandbox.routes);
	}

	async removeLeg(hostInterface: IfName): Promise<void> {
		this.#state.removeLeg(hostInterface);
	}

	visit(netns: string): Disposable | undefined {
		return this.#state.sandboxes.has(netns) ? { [Symbol.dispose]: () => undefined } : undefined;
	}

	interfaces(netns: string): IfName[] {
		return [LOOPBACK, ...this.#state.sandbox(netns).interfaces.keys()];
	}

	observeInside(netns: string): ObservedInside {
		const { interfaces, routes, loopback: up } = this.#state.sandbox(netns);
		const loopback = { up, addresses: [] };
		return {
			interfaces: new Map([
				[LOOPBACK, loopback],
				...[...interfaces].map(([name, { up, addresses }]) => [name, { up, addresses }] as const),
			]),
			defaultRoutes: new Set(([4, 6] as const).filter((family) => routes[family] !== undefined)),
		};
	}

	ensureDefaultRoutes(netns: string, routes: DefaultRoutes): void {
		const sandbox = this.#state.sandbox(netns);
		const reachable = this.#state.reachable(sandbox, routes);
		if (routes[4] !== reachable[4] || routes[6] !== reachable[6]) {
			throw faults.KERNEL_REFUSED({
				what: "set a sandbox's default route",
				words: "Network is unreachable (ENETUNREACH)",
			});
		}
		sandbox.routes = reachable;
	}

	ensureSourceRoutes(netns: string, routes: readonly SourceRoute[]): void {
		const sandbox = this.#state.sandbox(netns);
		const present = routes.filter(({ source, gateway, interface: name }) => {
			const inside = sandbox.interfaces.get(name);
			if (inside === undefined || !inside.up || source.family !== gateway.family) return false;
			return inside.addresses.some((address) => address.network().contains(gateway));
		});
		sandbox.sourceRoutes = present;
	}

	writtenNeighbours(): WrittenNeighbour[] {
		return [...this.#state.neighbours];
	}

	ensureReachable({ interface: name, ip, mac }: HostNeighbour): boolean {
		const { neighbours } = this.#state;
		const wrong = neighbours.find((one) => one.interface === name && one.ip.equals(ip) && one.mac !== mac);
		if (wrong === undefined) return false;
		this.#state.neighbours = neighbours.filter((one) => one !== wrong);
		return true;
	}

	observe(): { bridges: ObservedBridge[]; legs: ObservedLeg[] } {
		const { bridges, parents, shims, legs } = this.#state;
		return {
			bridges: [
				...[...bridges.values()].map(({ name, networkId }) => ({ name, networkId })),
				...[...parents, ...shims].map(([name, { networkId }]) => ({ name, networkId })),
			],
			legs: [...legs].map(([hostInterface, { endpointId, bridge, up }]) => ({ hostInterface, endpointId, bridge, up })),
		};
	}
}
