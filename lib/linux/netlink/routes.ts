/** Routes through rtnetlink (RTM_*ROUTE), in any table. */
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { AF_INET6, kernelFamily } from "../family.ts";
import * as attribute from "./attribute.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const HEADER_BYTES = 12;
const NEXTHOP_BYTES = 8;
const RTA = { dst: 1, oif: 4, gateway: 5, priority: 6, prefsrc: 7, multipath: 9, table: 15, via: 18 } as const;

/** Who made a route: the kernel, for an address. */
export const RTPROT_KERNEL = 2;
/** `ip route`'s mark of routes that were set up at boot or by hand; programs that clean up after others leave them alone. */
export const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
/** A copy that the kernel made for one destination, no route of anybody's. */
export const RTM_F_CLONED = 0x200;

export const TABLE_MAIN = 254;
/** Where the kernel keeps the routes to its own addresses. */
export const TABLE_LOCAL = 255;

const TYPES = {
	unicast: 1,
	local: 2,
	broadcast: 3,
	anycast: 4,
	multicast: 5,
	blackhole: 6,
	unreachable: 7,
	prohibit: 8,
	throw: 9,
} as const;
type RouteType = keyof typeof TYPES | "other";

interface Nexthop {
	readonly gateway: Ip | undefined;
	/** Index of the outgoing link; absent for blackholes and their like. */
	readonly link: number | undefined;
}

/** What identifies a route and where it leads. Without a gateway the destination is on the link. */
export interface Route {
	/** 0.0.0.0/0 or ::/0 is the default route. */
	readonly destination: Cidr;
	readonly link?: number | undefined;
	readonly gateway?: Ip | undefined;
	/** Default: unicast. */
	readonly type?: Exclude<RouteType, "other"> | undefined;
	/** Preferred source address. */
	readonly source?: Ip | undefined;
	/** Lower wins. */
	readonly metric?: number | undefined;
	/** Default: main. */
	readonly table?: number | undefined;
}

export interface ObservedRoute {
	readonly destination: Cidr;
	readonly type: RouteType;
	readonly table: number;
	/** Who made it: 2 the kernel, 3 boot, 4 static, 9 router advertisement, 16 DHCP …, `/etc/iproute2/rt_protos`. */
	readonly protocol: number;
	readonly source: Ip | undefined;
	readonly metric: number | undefined;
	/** Several for a multipath route, none for a blackhole. */
	readonly nexthops: readonly Nexthop[];
}

export class Routes {
	readonly #socket: NetlinkSocket;

	constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/** The same destination, table and metric twice is EEXIST. */
	add(route: Route): void {
		this.#socket.request(request("add", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route));
	}

	/** Makes the route, in place of one with the same destination, table and metric. */
	replace(route: Route): void {
		this.#socket.request(request("replace", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route));
	}

	/** Removes the first route that fits what is said of it. Absent is ESRCH. */
	remove(route: Route): void {
		this.#socket.request(request("remove", RTM_DELROUTE, 0, route));
	}

	/** Every route of every table, IPv4 and IPv6: gatewayed, local and blackholes too; copies in caches are not. */
	list(filter: { readonly family?: Family | undefined; readonly table?: number | undefined } = {}): ObservedRoute[] {
		const families: readonly Family[] = filter.family === undefined ? [4, 6] : [filter.family];
		return families
			.flatMap((family) => this.#list(family))
			.filter((route) => filter.table === undefined || route.table === filter.table);
	}

	#list(family: Family): ObservedRoute[] {
		const body = Buffer.alloc(HEADER_BYTES);
		body.writeUInt8(kernelFamily(family), 0);
		return this.#socket
			.dumpIfSupported({ label: `list IPv${family} routes`, type: RTM_GETROUTE, flags: 0, body })
			.filter((reply) => reply.type === RTM_NEWROUTE && (reply.body.readUInt32LE(8) & RTM_F_CLONED) === 0)
			.map((reply) => decodeRoute(reply.body));
	}
}

function request(verb: string, type: number, flags: number, route: Route): Request {
	const { destination, gateway, source } = route;
	const table = route.table ?? TABLE_MAIN;
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt8(kernelFamily(destination.family), 0);
	header.writeUInt8(destination.prefix, 1);
	header.writeUInt8(table < 256 ? table : 0, 4);
	header.writeUInt8(RTPROT_BOOT, 5);
	header.writeUInt8(scopeOf(type, route), 6);
	header.writeUInt8(TYPES[route.type ?? "unicast"], 7);
	if (type === RTM_DELROUTE) header.writeUInt8(0, 5); // any protocol
	const attributes = [
		destination.prefix === 0 ? undefined : attribute.bytes(RTA.dst, destination.base.toBytes()),
		attribute.u32(RTA.table, table),
		route.link === undefined ? undefined : attribute.u32(RTA.oif, route.link),
		gatewayAttribute(destination.family, gateway),
		source === undefined ? undefined : attribute.bytes(RTA.prefsrc, source.toBytes()),
		route.metric === undefined ? undefined : attribute.u32(RTA.priority, route.metric),
	];
	return {
		label: `${verb} route ${destination}${gateway === undefined ? "" : ` via ${gateway}`}`,
		type,
		flags,
		body: Buffer.concat([header, attribute.join(attributes)]),
	};
}

function scopeOf(type: number, route: Route): number {
	// A removal that says "nowhere" fits any scope. IPv6 has no scopes and ignores the field.
	if (type === RTM_DELROUTE) return RT_SCOPE_NOWHERE;
	const onLink = (route.type ?? "unicast") === "unicast" && route.gateway === undefined;
	return onLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** RFC 5549: an IPv4 route may lead over an IPv6 gateway; that one is said with its family. */
function gatewayAttribute(family: Family, gateway: Ip | undefined): attribute.Attribute | undefined {
	if (gateway === undefined) return undefined;
	if (gateway.family === family) return attribute.bytes(RTA.gateway, gateway.toBytes());
	const prefix = Buffer.alloc(2);
	prefix.writeUInt16LE(kernelFamily(gateway.family));
	return attribute.bytes(RTA.via, Buffer.concat([prefix, gateway.toBytes()]));
}

/** The body of a message about a route. */
export function decodeRoute(body: Buffer): ObservedRoute {
	const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
	const family: Family = body.readUInt8(0) === AF_INET6 ? 6 : 4;
	const destination = attributes.bytes(RTA.dst);
	const source = attributes.bytes(RTA.prefsrc);
	const multipath = attributes.bytes(RTA.multipath);
	const single = nexthop(attributes, attributes.u32(RTA.oif));
	return {
		destination: Cidr.of(destination === undefined ? Ip.of(family, 0n) : Ip.fromBytes(destination), body.readUInt8(1)),
		type: typeOf(body.readUInt8(7)),
		table: attributes.u32(RTA.table) ?? body.readUInt8(4),
		protocol: body.readUInt8(5),
		source: source === undefined ? undefined : Ip.fromBytes(source),
		metric: attributes.u32(RTA.priority),
		nexthops:
			multipath !== undefined
				? [...decodeMultipath(multipath)]
				: single.link === undefined && single.gateway === undefined
					? []
					: [single],
	};
}

/** `struct rtnexthop`s, each with attributes of its own. */
function* decodeMultipath(buffer: Buffer): Generator<Nexthop> {
	let offset = 0;
	while (offset + NEXTHOP_BYTES <= buffer.length) {
		const length = buffer.readUInt16LE(offset);
		if (length < NEXTHOP_BYTES || offset + length > buffer.length) return;
		const attributes = attribute.AttributeSet.decode(buffer.subarray(offset + NEXTHOP_BYTES, offset + length));
		yield nexthop(attributes, buffer.readInt32LE(offset + 4));
		offset += attribute.align4(length);
	}
}

function nexthop(attributes: attribute.AttributeSet, link: number | undefined): Nexthop {
	const gateway = attributes.bytes(RTA.gateway) ?? attributes.bytes(RTA.via)?.subarray(2);
	return { link, gateway: gateway === undefined ? undefined : Ip.fromBytes(gateway) };
}

function typeOf(value: number): RouteType {
	const entry = Object.entries(TYPES).find(([, number]) => number === value);
	// The keys of TYPES are route types.
	return entry === undefined ? "other" : (entry[0] as RouteType);
}
