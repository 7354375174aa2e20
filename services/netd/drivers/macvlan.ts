/**
 * Macvlan networks: every endpoint is a station of its own on the segment of one of the host's interfaces, the parent.
 *
 * The host takes no part in it: nothing is masqueraded, published or kept apart by its rules, and by the kernel's design it does
 * not reach its own containers there, unless it has a macvlan of its own beside theirs (`wharf.macvlan.host_shim`). Without a
 * parent the network has one of its own that leads nowhere.
 */
import type { IfName } from "#lib/address/if-name.ts";
import type { Family } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import type { Endpoint } from "../endpoint.ts";
import { faults } from "../faults.ts";
import { bridgeName, shimName } from "../id.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Parent, Shim } from "../kernel/links.ts";
import type { Network, NetworkAsked, Subnet, TextMap } from "../network.ts";
import { DEFAULT_INTERFACE_PREFIX } from "./bridge-options.ts";
import {
	ensureFound,
	type HostAddress,
	innerEndOf,
	type Linked,
	type LinkedDriver,
	onSegment,
	type Reach,
} from "./driver.ts";
import { checkMacvlanOptions, parseMacvlanOptions, shimAddress, subInterfaceOf } from "./macvlan-options.ts";

export class MacvlanDriver implements LinkedDriver {
	readonly kind = "linked";
	readonly name = "macvlan";
	readonly #links: Kernel["links"];

	constructor({ links }: Pick<Kernel, "links">) {
		this.#links = links;
	}

	check(options: TextMap, asked: NetworkAsked): void {
		checkMacvlanOptions(options, asked);
	}

	/** A sub-interface that is there already is used as it is, and nobody's to remove. */
	interfaceOf(id: string, options: TextMap): IfName | undefined {
		const { parent } = parseMacvlanOptions(options);
		if (parent === undefined) return bridgeName(id);
		return subInterfaceOf(parent) === undefined || this.#links.isThere(parent) ? undefined : parent;
	}

	subnetAs(subnet: Subnet): Subnet {
		return subnet;
	}

	hostAddressesOf({ options, subnets }: Network): HostAddress[] {
		const { shim } = parseMacvlanOptions(options);
		if (shim === undefined) return [];
		return subnets.flatMap(({ id: subnetId, cidr }) => {
			const address = shimAddress(shim, cidr.family);
			return address === undefined ? [] : [{ subnetId, address: address === "auto" ? undefined : address }];
		});
	}

	hasHostAddresses({ options }: Network): boolean {
		return parseMacvlanOptions(options).shim !== undefined;
	}

	refuseBeside(network: Network, others: readonly Network[]): void {
		const parent = parentOf(network);
		for (const other of others) {
			if (other.driver !== this.name || parentOf(other) !== parent) continue;
			const why = conflict(network, other);
			if (why === undefined) continue;
			throw faults.PARENT_IN_USE({ parent, network: other.name, why }, { field: "options[parent]" });
		}
	}

	warningsOf({ name, internal, options }: Network): readonly string[] {
		const { parent } = parseMacvlanOptions(options);
		return internal && parent !== undefined ? [onSegment(name, parent)] : [];
	}

	takesOne(network: Network): boolean {
		return parseMacvlanOptions(network.options).mode === "passthru";
	}

	ensureNetwork(network: Network): void {
		this.#links.ensureParent(parentAsMade(network));
		const shim = shimOf(network);
		if (shim !== undefined) this.#links.ensureShim(shim);
	}

	async removeNetwork(network: Network): Promise<void> {
		const { id: networkId, interface: parent, options } = network;
		if (parseMacvlanOptions(options).shim !== undefined)
			await this.#links.removeBridge({ name: shimName(networkId), networkId });
		if (parent !== undefined) await this.#links.removeBridge({ name: parent, networkId });
	}

	rulesOf(): undefined {
		return undefined;
	}

	/** Its endpoints are reached at their own addresses. */
	publishes(): boolean {
		return false;
	}

	hostLink({ id, hostAddresses }: Network): IfName | undefined {
		return hostAddresses.length > 0 ? shimName(id) : undefined;
	}

	hostSettingsOf(): undefined {
		return undefined;
	}

	reachOf(): Readonly<Record<Family, Reach>> {
		return { 4: "host", 6: "host" };
	}

	ensureLink(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void> {
		const { mode, mtu } = parseMacvlanOptions(network.options);
		return this.#links.ensureMacvlan({
			endpointId: endpoint.id,
			netns: netnsPath,
			interface: endpoint.interface,
			parent: parentOf(network),
			mode,
			mtu,
		});
	}

	ensureAddresses(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void> {
		ensureFound(this.#links, this.hostLink(network), endpoint);
		return this.#links.ensureInnerEnd(
			innerEndOf({ network, endpoint, netnsPath }, { hostInterface: undefined, isAnnounced: true }),
		);
	}

	interfacePrefix(): string {
		return DEFAULT_INTERFACE_PREFIX;
	}

	isLinked({ network, endpoint, netnsPath }: Linked): boolean {
		const { mode } = parseMacvlanOptions(network.options);
		const link = this.#links.macvlans(netnsPath).find(({ endpointId }) => endpointId === endpoint.id);
		if (link === undefined || !link.up || link.interface !== endpoint.interface) return false;
		return link.mode === mode && link.parent === parentOf(network);
	}

	/** Whole: nothing would find what a crash leaves in a namespace that is not netd's, and `passthru` keeps others off the parent. */
	parkLink(at: Linked): Promise<void> {
		return this.removeLink(at);
	}

	removeLink({ endpoint, netnsPath }: Pick<Linked, "endpoint" | "netnsPath">): Promise<void> {
		return this.#links.removeMacvlan({ endpointId: endpoint.id, netns: netnsPath });
	}

	hostBinding(): undefined {
		return undefined;
	}
}

function parentOf(network: Network): IfName {
	return parseMacvlanOptions(network.options).parent ?? network.interface ?? bridgeName(network.id);
}

function parentAsMade(network: Network): Parent {
	const { parent, mtu } = parseMacvlanOptions(network.options);
	const common = { name: parentOf(network), networkId: network.id, mtu };
	if (network.interface === undefined) return { ...common, made: undefined };
	return { ...common, made: parent === undefined ? { kind: "dummy" } : subInterfaceOf(parent) };
}

/** Undefined for a network that has none; the addresses are known by then. */
function shimOf(network: Network): Shim | undefined {
	const { id: networkId, subnets, hostAddresses } = network;
	const [first] = hostAddresses;
	if (first === undefined) return undefined;
	return {
		name: shimName(networkId),
		networkId,
		parent: parentOf(network),
		mac: macFromIp(first.ip),
		mtu: parseMacvlanOptions(network.options).mtu,
		ways: hostAddresses.flatMap(({ ip: address }) =>
			subnets
				.filter(({ cidr }) => cidr.family === address.family)
				.flatMap(({ cidr, ipRange }) => [...(ipRange?.cidrs() ?? [cidr])])
				.map((range) => ({ address, range })),
		),
	};
}

/** Why two networks cannot have the same parent. */
function conflict(network: Network, other: Network): string | undefined {
	const modes = [network, other].map(({ options }) => parseMacvlanOptions(options).mode);
	if (modes.includes("passthru")) return "one in the mode passthru shares its parent with no other";
	return other.interface === undefined ? undefined : "it goes with that network";
}
