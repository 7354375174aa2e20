/** What the settings say of the network `bridge`, and where it is otherwise. Pure. */
import type { Cidr, IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { configFaults } from "#lib/config/faults.ts";
import type { SubnetSpec } from "./allocator.ts";
import { ICC, MASQUERADE, MTU, parseBridgeOptions } from "./drivers/bridge-options.ts";
import { type Network, type Subnet, subnetOf, type TextMap } from "./network.ts";
import { DEFAULT_GATEWAY } from "./sandbox-view.ts";

/** The settings that are about it; what is undefined is not said. */
export interface BridgeSettings {
	/** Its address, and by that its subnet. */
	readonly bip?: IpInterface | undefined;
	readonly bip6?: IpInterface | undefined;
	/** Where automatic addresses come from; without the above, the subnet as well. */
	readonly fixedCidr?: Cidr | undefined;
	readonly fixedCidrV6?: Cidr | undefined;
	/** The router of its containers, where it is not the bridge. */
	readonly defaultGateway?: Ip | undefined;
	readonly defaultGatewayV6?: Ip | undefined;
	readonly ipv6?: boolean | undefined;
	readonly mtu?: number | undefined;
	readonly icc?: boolean | undefined;
	readonly ipMasq?: boolean | undefined;
}

/** The network as it shall be. */
export interface DefaultBridge {
	readonly interface: IfName;
	readonly options: TextMap;
	readonly subnets: readonly SubnetSpec[];
}

/** One thing that is otherwise than the settings say. */
export interface Difference {
	/** In words, as `the MTU`. */
	readonly what: string;
	readonly is: string;
	readonly wanted: string;
}

/** Settings that contradict each other are the fault INVALID_SETTING. */
export function defaultBridge(name: IfName, settings: BridgeSettings): DefaultBridge {
	const { bip, bip6, fixedCidr, fixedCidrV6, defaultGateway, defaultGatewayV6, mtu, icc, ipMasq } = settings;
	const six = { family: 6, bip: bip6, range: fixedCidrV6, router: defaultGatewayV6 } as const;
	const saysSix = Object.values(six).some((value) => value !== 6 && value !== undefined);
	if (saysSix && settings.ipv6 === false) {
		throw refused("netd.ipv6", "false", "true where netd.bip6, netd.fixedCidrV6 or netd.defaultGatewayV6 are given");
	}
	const options = { [MTU]: mtu, [ICC]: icc, [MASQUERADE]: ipMasq };
	return {
		interface: name,
		options: Object.fromEntries(
			Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
		),
		subnets: [
			subnetSpec({ family: 4, bip, range: fixedCidr, router: defaultGateway }),
			...((settings.ipv6 ?? saysSix) ? [subnetSpec(six)] : []),
		],
	};
}

interface Said {
	readonly family: Family;
	readonly bip: IpInterface | undefined;
	readonly range: Cidr | undefined;
	readonly router: Ip | undefined;
}

function subnetSpec({ family, bip, range, router }: Said): SubnetSpec {
	const suffix = family === 4 ? "" : "V6";
	const cidr = bip?.network() ?? range;
	if (range !== undefined && cidr?.contains(range) === false) {
		throw refused(`netd.fixedCidr${suffix}`, `${range}`, `a part of ${cidr}, which is the subnet of ${bip}`);
	}
	if (router !== undefined && cidr?.contains(router) !== true) {
		const allowed = cidr === undefined ? "one beside netd.bip or netd.fixedCidr" : `an address of ${cidr}`;
		throw refused(`netd.defaultGateway${suffix}`, `${router}`, allowed);
	}
	const isBridge = router === undefined || bip?.ip.equals(router) === true;
	return {
		family,
		cidr,
		ipRange: bip === undefined || range === undefined ? undefined : IpRange.from(range),
		gateway: bip?.ip,
		auxiliary: isBridge ? {} : { [DEFAULT_GATEWAY[family]]: router },
	};
}

function refused(setting: string, value: string, allowed: string): Error {
	return configFaults.INVALID_SETTING({ setting, value, allowed });
}

/** What can be changed while containers are on it comes first. */
export function differences(network: Network, wanted: DefaultBridge): Difference[] {
	const is = parseBridgeOptions(network.options);
	const shall = parseBridgeOptions(wanted.options);
	const plain = [
		{ what: "masquerading", is: onOff(is.masquerade), wanted: onOff(shall.masquerade) },
		{ what: "the bridge's name", is: network.interface ?? "none", wanted: wanted.interface },
		{ what: "the MTU", is: String(is.mtu), wanted: String(shall.mtu) },
		{ what: "traffic between containers", is: onOff(is.icc), wanted: onOff(shall.icc) },
	].filter((one) => one.is !== one.wanted);
	return [...plain, ...([4, 6] as const).flatMap((family) => subnetDifference(network, wanted, family))];
}

function subnetDifference(network: Network, { subnets }: DefaultBridge, family: Family): Difference[] {
	const is = subnetOf(network, family);
	const wanted = subnets.find((spec) => spec.family === family);
	if (is === undefined && wanted === undefined) return [];
	if (is !== undefined && wanted !== undefined && agree(is, wanted)) return [];
	return [{ what: `the IPv${family} subnet`, is: textOf(is), wanted: textOf(wanted) }];
}

function agree(is: Subnet, wanted: SubnetSpec): boolean {
	if (wanted.cidr === undefined) return is.automatic;
	if (!is.cidr.equals(wanted.cidr) || is.ipRange?.toString() !== wanted.ipRange?.toString()) return false;
	const [one, other] = [is.auxiliary, wanted.auxiliary].map((auxiliary) => auxiliary[DEFAULT_GATEWAY[is.cidr.family]]);
	if (one?.toString() !== other?.toString()) return false;
	return wanted.gateway === undefined || is.gateway?.equals(wanted.gateway) === true;
}

/** `172.17.0.0/16`, with what there is of its parts. */
function textOf(subnet: Pick<SubnetSpec, "cidr" | "ipRange" | "gateway" | "auxiliary"> | undefined): string {
	if (subnet === undefined) return "none";
	const { cidr, ipRange, gateway, auxiliary } = subnet;
	if (cidr === undefined) return "an automatic one";
	const router = Object.values(auxiliary)[0];
	return [
		`${cidr}`,
		ipRange && `addresses from ${ipRange}`,
		gateway && `the bridge at ${gateway}`,
		router && `the router at ${router}`,
	]
		.filter((part) => part !== undefined)
		.join(", ");
}

function onOff(value: boolean): string {
	return value ? "on" : "off";
}

/** As words of a sentence: `the MTU is 1500, and not 1400`. */
export function differenceText({ what, is, wanted }: Difference): string {
	return `${what} is ${is}, and not ${wanted}`;
}

/** The options with those of the settings that can change while containers are on the network. */
export function withLiveOptions(options: TextMap, wanted: TextMap): TextMap {
	const { [MASQUERADE]: _, ...others } = options;
	const masquerade = wanted[MASQUERADE];
	return masquerade === undefined ? others : { ...others, [MASQUERADE]: masquerade };
}
