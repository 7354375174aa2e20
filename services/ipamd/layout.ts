/** Checks how a subnet that is asked for is to be divided, and chooses the gateway where none is said. Pure. */
import { Cidr } from "#lib/address/cidr.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { atField } from "#lib/fault/fault.ts";
import { ipamFaults } from "./faults.ts";
import { type Order, Pool, unusable } from "./pool.ts";
import type { Layout } from "./subnet.ts";

export interface LayoutRequest {
	readonly range?: IpRange | undefined;
	readonly gateway?: Ip | undefined;
	readonly auxiliary: ReadonlyMap<string, Ip>;
	readonly order: Order;
}

/** The longest a pool can be sliced for, and the largest that may be asked for. */
const SHORTEST_PREFIX: Readonly<Record<Family, number>> = { 4: 8, 6: 32 };

const UNUSABLE: readonly (readonly [Cidr, string])[] = [
	[Cidr.parse("0.0.0.0/8"), "this network (RFC 1122)"],
	[Cidr.parse("127.0.0.0/8"), "loopback"],
	[Cidr.parse("224.0.0.0/4"), "multicast"],
	[Cidr.parse("255.255.255.255/32"), "broadcast"],
	[Cidr.parse("::/127"), "loopback"],
	[Cidr.parse("::ffff:0:0/96"), "IPv4 in IPv6"],
	[Cidr.parse("fe80::/10"), "link-local"],
	[Cidr.parse("ff00::/8"), "multicast"],
];

/** A subnet that somebody asked for by name must be one that a container can be reached in. */
export function checkRequested(cidr: Cidr): void {
	const unusable = UNUSABLE.find(([other]) => other.overlaps(cidr));
	if (unusable !== undefined) {
		throw ipamFaults.SUBNET_UNUSABLE({ subnet: `${cidr}`, other: `${unusable[0]}`, purpose: unusable[1] });
	}
	checkSize(cidr);
}

/** Also of a subnet of which only the size was said. */
export function checkSize(cidr: Cidr): void {
	const shortest = SHORTEST_PREFIX[cidr.family];
	if (cidr.prefix < shortest) throw ipamFaults.SUBNET_TOO_LARGE({ subnet: `${cidr}`, shortest: `${shortest}` });
}

/** Refuses what cannot be, with the request's field named. */
export function planSubnet(cidr: Cidr, request: LayoutRequest): Layout {
	const { range, auxiliary, order } = request;
	if (range !== undefined && !(cidr.contains(range.first) && cidr.contains(range.last))) {
		const metadata = { what: "The range", value: `${range}`, subnet: `${cidr}` };
		throw ipamFaults.OUTSIDE_SUBNET(metadata, { field: "ip_range" });
	}
	const never = new Map(unusable(cidr).map(([as, ip]) => [`${ip}`, as]));
	const auxiliaries = new Set([...auxiliary.values()].map(String));
	const gateway = request.gateway ?? firstFree(range ?? IpRange.from(cidr), new Set([...never.keys(), ...auxiliaries]));
	if (gateway === undefined) throw ipamFaults.SUBNET_TOO_SMALL({ subnet: `${range ?? cidr}` }, { field: "cidr" });
	atField("gateway", () => checkInside("The gateway", gateway, cidr, never));
	const names = new Map([[`${gateway}`, "the gateway"]]);
	for (const [name, ip] of auxiliary) {
		const field = `auxiliary_addresses[${JSON.stringify(name)}]`;
		atField(field, () => checkInside("The auxiliary address", ip, cidr, never));
		const first = names.get(`${ip}`);
		const second = `the auxiliary address ${JSON.stringify(name)}`;
		if (first !== undefined) throw ipamFaults.ADDRESS_TWICE({ address: `${ip}`, first, second }, { field });
		names.set(`${ip}`, second);
	}
	const layout = { cidr, range, gateway, auxiliary, order };
	if (poolOf(layout).usage.size === 0n) {
		const field = range === undefined ? "cidr" : "ip_range";
		throw ipamFaults.SUBNET_TOO_SMALL({ subnet: `${range ?? cidr}` }, { field });
	}
	return layout;
}

/** The allocator of a subnet with this layout, with nothing leased. */
export function poolOf(
	layout: Layout,
	rest: { restMs: number; now: () => number } = { restMs: 0, now: () => 0 },
): Pool {
	const reserved = new Map([["the gateway", layout.gateway]]);
	for (const [name, ip] of layout.auxiliary) reserved.set(`the auxiliary address ${JSON.stringify(name)}`, ip);
	const { cidr: subnet, range, order } = layout;
	return new Pool({ subnet, range, order, reserved, ...rest });
}

function checkInside(what: string, ip: Ip, cidr: Cidr, never: ReadonlyMap<string, string>): void {
	if (!cidr.contains(ip)) throw ipamFaults.OUTSIDE_SUBNET({ what, value: `${ip}`, subnet: `${cidr}` });
	const as = never.get(`${ip}`);
	if (as !== undefined) throw ipamFaults.ADDRESS_RESERVED({ address: `${ip}`, subnet: `${cidr}`, as });
}

/** The first address of the range that is not one of `without`; of those there are few. */
function firstFree(range: IpRange, without: ReadonlySet<string>): Ip | undefined {
	for (let step = 0n; step < range.size; step++) {
		const ip = range.first.plus(step);
		if (!without.has(`${ip}`)) return ip;
	}
	return undefined;
}
