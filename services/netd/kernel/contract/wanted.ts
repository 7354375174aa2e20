/** What the contract's tests ask for. */
import { IpInterface } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { bridgeName, legName, newId } from "../../id.ts";
import type { Bridge, InnerEnd, Leg, Macvlan } from "../links.ts";
import type { Current } from "./subject.ts";

export const ip = (text: string): Ip => Ip.parse(text);
export const GATEWAY = IpInterface.parse("10.60.0.1/24");

export function bridgeFor(networkId: string, name: IfName = bridgeName(networkId)): Bridge {
	return {
		name,
		networkId,
		mac: macFromIp(GATEWAY.ip),
		mtu: 1500,
		addresses: [GATEWAY],
		ipv6: false,
		inhibitIpv4: false,
	};
}

export function legFor(bridge: Bridge, netns: string, name = "eth0"): Leg {
	const endpointId = newId();
	return {
		endpointId,
		hostInterface: legName(endpointId),
		bridge: bridge.name,
		netns,
		interface: parseIfName(name),
		mtu: bridge.mtu,
		hairpin: false,
		isolated: false,
	};
}

/** With this address alone. */
export function innerEndOf(
	{ hostInterface, netns, interface: name }: Pick<InnerEnd, "hostInterface" | "netns" | "interface">,
	address: string,
): InnerEnd {
	const at = IpInterface.parse(address);
	const inside = { hostInterface, netns, interface: name };
	return { ...inside, mac: macFromIp(at.ip), addresses: [at], ipv6: false, isAnnounced: true, settings: [] };
}

/** Of the host. */
export const ETH1 = parseIfName("eth1");

export function macvlanFor(netns: string, more: Partial<Macvlan> = {}): Macvlan {
	const name = parseIfName("eth0");
	return { endpointId: newId(), netns, interface: name, parent: ETH1, mode: "bridge", mtu: undefined, ...more };
}

/** A bridge and a namespace that are there, and a leg between them that is still to be made. */
export function unjoined({ kernel, subject }: Current, more: Partial<Bridge> = {}) {
	const bridge = { ...bridgeFor(newId()), ...more };
	const netns = subject.netnsPath("a");
	kernel.links.ensureBridge(bridge);
	kernel.namespaces.create(netns);
	return { bridge, netns, leg: legFor(bridge, netns) };
}
