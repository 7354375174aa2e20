/**
 * Bridge networks: a bridge with the gateways' addresses, a veth pair for each endpoint, and the network's place in the packet rules.
 *
 * With an uplink, an interface of the host's is a port of the bridge, and endpoints are stations on its segment: the gateway is the
 * segment's router, and the host translates and publishes nothing there.
 */
import { IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import { macFromBytes, macFromIp, type Mac } from "#lib/address/mac.ts";
import type { Endpoint } from "../endpoint.ts";
import { faults } from "../faults.ts";
import { bridgeName } from "../id.ts";
import type { NetworkRules } from "../kernel/firewall.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type HostSettings, isInPlace, type ObservedLeg, type Uplink } from "../kernel/links.ts";
import type { Network, NetworkAsked, Subnet, TextMap } from "../network.ts";
import { hasOwnMac } from "../own-mac.ts";
import { type BridgeOptions, checkBridgeOptions, parseBridgeOptions, UPLINK } from "./bridge-options.ts";
import {
	ensureFound,
	type HostAddress,
	innerEndOf,
	type Linked,
	type LinkedDriver,
	onSegment,
	type Reach,
} from "./driver.ts";

export class BridgeDriver implements LinkedDriver {
	readonly kind = "linked";
	readonly name = "bridge";
	readonly #kernel: Pick<Kernel, "links" | "firewall">;
	readonly #binding: Ip | undefined;

	/** `binding`: where ports go for which neither their publisher nor the network says an address; every address unless it is said. */
	constructor(kernel: Pick<Kernel, "links" | "firewall">, binding?: Ip) {
		this.#kernel = kernel;
		this.#binding = binding;
	}

	check(options: TextMap, asked: NetworkAsked): void {
		checkBridgeOptions(options, asked);
	}

	/** ipamd keeps the gateway's address from others all the same. */
	subnetAs(subnet: Subnet, options: TextMap): Subnet {
		const isolated = parseBridgeOptions(options).gatewayModes[subnet.cidr.family] === "isolated";
		return isolated ? { ...subnet, gateway: undefined } : subnet;
	}

	interfaceOf(id: string, options: TextMap): IfName {
		return parseBridgeOptions(options).bridgeName ?? bridgeName(id);
	}

	hostLink(network: Network): IfName {
		return bridgeOf(network);
	}

	/** A bridge has the gateways', which are ipamd's already; one with an uplink those that the host has on the segment. */
	hostAddressesOf(network: Network): readonly HostAddress[] {
		const own = this.hostSettingsOf(network)?.addresses ?? [];
		return network.subnets.flatMap(({ id: subnetId, cidr, gateway }) => {
			const address = own.find(({ ip }) => cidr.contains(ip))?.ip;
			return address === undefined || gateway?.equals(address) === true ? [] : [{ subnetId, address }];
		});
	}

	hasHostAddresses({ options }: Network): boolean {
		return parseBridgeOptions(options).uplink?.moves === true;
	}

	hostSettingsOf(network: Network): HostSettings | undefined {
		const { uplink } = parseBridgeOptions(network.options);
		if (uplink?.moves !== true) return undefined;
		const settings = this.#kernel.links.observeUplink(bridgeOf(network), uplink.name);
		return settings.addresses.length > 0 ? settings : undefined;
	}

	/** An interface is one bridge's port, and has either a bridge or macvlans. */
	refuseBeside(network: Network, others: readonly Network[]): void {
		const { uplink } = parseBridgeOptions(network.options);
		const other = uplink && others.find(({ options }) => [options["parent"], options[UPLINK]].includes(uplink.name));
		if (uplink === undefined || other === undefined) return;
		const metadata = {
			parent: uplink.name,
			network: other.name,
			why: "an interface can be one network's uplink alone",
		};
		throw faults.PARENT_IN_USE(metadata, { field: `options[${UPLINK}]` });
	}

	warningsOf({ name, internal, options }: Network): readonly string[] {
		const { uplink } = parseBridgeOptions(options);
		return internal && uplink !== undefined ? [onSegment(name, uplink.name)] : [];
	}

	/** On a segment its endpoints are reached at their own addresses. */
	publishes({ options }: Network): boolean {
		return parseBridgeOptions(options).uplink === undefined;
	}

	takesOne(): boolean {
		return false;
	}

	/** The rules first: no packet passes a bridge before they are there. */
	ensureNetwork(network: Network): void {
		const { mtu, inhibitIpv4, uplink, masquerade } = parseBridgeOptions(network.options);
		if (uplink === undefined || masquerade) this.#kernel.links.ensureForwarding({ ipv6: network.ipv6 });
		this.#kernel.firewall.ensureNetwork(this.rulesOf(network));
		this.#kernel.links.ensureBridge({
			name: bridgeOf(network),
			networkId: network.id,
			mac: macOf(network),
			mtu,
			addresses: network.subnets.flatMap(({ cidr, gateway }) =>
				gateway ? [IpInterface.of(gateway, cidr.prefix)] : [],
			),
			ipv6: network.ipv6,
			inhibitIpv4,
			uplink: uplinkOf(network),
		});
	}

	async removeNetwork(network: Network): Promise<void> {
		const uplink = uplinkOf(network);
		await this.#kernel.links.removeBridge({ name: bridgeOf(network), networkId: network.id, uplink });
		this.#kernel.firewall.removeNetwork(bridgeOf(network));
	}

	rulesOf(network: Network): NetworkRules {
		const { masquerade, icc, sources, gatewayModes, trusted, uplink } = parseBridgeOptions(network.options);
		const families = network.internal ? [] : network.subnets.map(({ cidr }) => cidr.family).sort();
		const inMode = (...modes: readonly string[]): Family[] =>
			families.filter((family) => modes.includes(gatewayModes[family]));
		const translated = masquerade ? inMode("nat", "nat-unprotected") : [];
		return {
			bridge: bridgeOf(network),
			internal: network.internal && uplink === undefined,
			masquerade: translated,
			neighbours: icc,
			sources: sources.filter(({ family }) => translated.includes(family)),
			routed: inMode("routed"),
			unprotected: inMode("nat-unprotected"),
			trusted,
			segment: uplink !== undefined,
		};
	}

	reachOf({ options }: Network): Readonly<Record<Family, Reach>> {
		const parsed = parseBridgeOptions(options);
		return { 4: reach(parsed, 4), 6: reach(parsed, 6) };
	}

	ensureLink(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void> {
		const { mtu, icc } = parseBridgeOptions(network.options);
		return this.#kernel.links.ensureLeg({
			endpointId: endpoint.id,
			hostInterface: endpoint.hostInterface,
			bridge: bridgeOf(network),
			netns: netnsPath,
			interface: endpoint.interface,
			mtu,
			hairpin: endpoint.ports.length > 0,
			isolated: !icc,
		});
	}

	async ensureAddresses(network: Network, endpoint: Endpoint, netnsPath: string): Promise<void> {
		ensureFound(this.#kernel.links, this.hostLink(network), endpoint);
		const { hostInterface } = endpoint;
		const end = { hostInterface, isAnnounced: isAnnounced(network, endpoint) };
		await this.#kernel.links.ensureInnerEnd(innerEndOf({ network, endpoint, netnsPath }, end));
	}

	interfacePrefix(network: Network): string {
		return parseBridgeOptions(network.options).interfacePrefix;
	}

	isLinked({ network, endpoint }: Linked, legs: ReadonlyMap<string, ObservedLeg>): boolean {
		return isInPlace(legs.get(endpoint.hostInterface), network.interface);
	}

	async parkLink({ endpoint, netnsPath }: Linked, { ending }: { readonly ending: boolean }): Promise<void> {
		const inside = ending ? undefined : { netns: netnsPath, interface: endpoint.interface };
		this.#kernel.links.parkLeg(endpoint.hostInterface, inside);
	}

	removeLink({ endpoint }: Pick<Linked, "endpoint">): Promise<void> {
		return this.#kernel.links.removeLeg(endpoint.hostInterface);
	}

	hostBinding(network: Network): Ip | undefined {
		return parseBridgeOptions(network.options).hostBinding ?? this.#binding;
	}
}

/** With what was stored of the host's settings. */
function uplinkOf({ options, hostSettings: settings }: Network): Uplink | undefined {
	const { uplink } = parseBridgeOptions(options);
	return uplink && { ...uplink, settings };
}

function reach({ gatewayModes, trusted }: BridgeOptions, family: Family): Reach {
	if (gatewayModes[family] === "routed") return "own";
	return trusted.length > 0 ? "both" : "host";
}

function bridgeOf({ id, interface: name }: Network): IfName {
	return name ?? bridgeName(id);
}

/** Not where an address has one MAC, whoever has it: what neighbours know of it is true. On a segment there are others beside ours. */
function isAnnounced(network: Network, endpoint: Endpoint): boolean {
	const { uplink } = parseBridgeOptions(network.options);
	return network.otherMacs || !hasOwnMac(network, endpoint) || uplink !== undefined;
}

/** As an endpoint with the gateway's address would have it; without a gateway, from the id, which is random. */
function macOf({ id, subnets }: Network): Mac {
	const gateway = subnets.find((subnet) => subnet.gateway !== undefined)?.gateway;
	return gateway === undefined ? macFromBytes(Buffer.from(`02${id.slice(0, 10)}`, "hex")) : macFromIp(gateway);
}
