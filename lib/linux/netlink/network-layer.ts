/**
 * What a link has of the network layer (its addresses, and the routes that lead by it), and its passing to another link.
 *
 * That is one datagram, which the kernel works off to its end before anything else can happen to this process: no crash leaves a
 * host without its address. What the kernel says of an address or a route goes over as it is: lifetimes, metrics, who made it.
 */
import { AF_INET, AF_INET6 } from "../family.ts";
import { isErrno } from "../libc.ts";
import * as attribute from "./attribute.ts";
import { IFLA, interfaceHeader } from "./link-format.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, type Request } from "./message.ts";
import { RTM_F_CLONED, RTPROT_KERNEL, TABLE_LOCAL } from "./routes.ts";
import type { NetlinkSocket, Refusal } from "./socket.ts";

const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;

/** `struct ifaddrmsg`: family, prefix length, flags, scope, link. */
const ADDRESS_BYTES = 8;
const IFA = { label: 3, flags: 8, netnsid: 10 } as const;
const IFA_F_TEMPORARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
/** Home address, managed temporary addresses, no prefix route, multicast join: what somebody may ask for. */
const IFA_F_ASKED = 0x710;

/** `struct rtmsg`. */
const ROUTE_BYTES = 12;
const NEXTHOP_BYTES = 8;
const RTA = { oif: 4, gateway: 5, multipath: 9, cacheinfo: 12, table: 15, via: 18, expires: 23, nhid: 30 } as const;
const RTN_UNICAST = 1;
const RTNH_F_ONLINK = 4;
const TICKS_A_SECOND = 100;

const LINK_SCOPE = 253;

/** Messages of the kernel's, each an address or a route of the link. */
interface Layer {
	readonly addresses: readonly Buffer[];
	readonly routes: readonly Buffer[];
}

export interface Passing {
	/** Index of the link whose layer it is. */
	readonly from: number;
	readonly to: number;
	/** Of these two, the one that becomes, or ceases to be, a port of the other. */
	readonly port: number;
	/** Its master after, and before; 0: none. */
	readonly master: number;
	readonly before: number;
}

/** A master that is brought up with its first port is ready at once; up before that, it waits for the link watch, for up to a second. */
type Step = Omit<Passing, "before"> & { readonly brings?: "up" | undefined };

export class NetworkLayer {
	readonly #socket: NetlinkSocket;

	constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/**
	 * Passes all that `from` has to `to`, which is up then, together with the change of master. What is refused is taken back, and
	 * the first refusal thrown. Link-local and temporary IPv6 addresses stay: every link makes its own.
	 */
	pass(passing: Passing): void {
		const { from, to, port, master, before } = passing;
		const layer = this.#observe(from);
		const [refusal] = this.#send(messages(layer, { from, to, port, master, brings: "up" }));
		if (refusal === undefined) return;
		this.#send(messages(layer, { from: to, to: from, port, master: before }, from));
		throw refusal.error;
	}

	/** What was refused and matters: an address may have gone with another, and a route may be there. */
	#send(requests: readonly Request[]): Refusal[] {
		return this.#socket.transact(requests).filter(({ error }) => !isErrno(error, "EADDRNOTAVAIL", "EEXIST", "ESRCH"));
	}

	#observe(link: number): Layer {
		const addresses = [AF_INET, AF_INET6].flatMap((family) => this.#addresses(link, family));
		const keepsPrefixRoutes = addresses.some((body) => (flagsOf(body) & IFA_F_NOPREFIXROUTE) !== 0);
		const routes = [AF_INET, AF_INET6]
			.flatMap((family) => this.#routes(family))
			.filter((body) => isOf(body, link) && (keepsPrefixRoutes || body.readUInt8(5) !== RTPROT_KERNEL));
		// A gateway has to be reachable before a route leads over it.
		return { addresses, routes: routes.sort((one, other) => Number(hasGateway(one)) - Number(hasGateway(other))) };
	}

	#addresses(link: number, family: number): Buffer[] {
		const body = Buffer.alloc(ADDRESS_BYTES);
		body.writeUInt8(family, 0);
		body.writeUInt32LE(link, 4);
		return this.#dump({ label: "list addresses", type: RTM_GETADDR, flags: 0, body }).filter(
			(one) =>
				one.readUInt32LE(4) === link &&
				one.readUInt8(3) < LINK_SCOPE &&
				!(family === AF_INET6 && (flagsOf(one) & IFA_F_TEMPORARY) !== 0),
		);
	}

	#routes(family: number): Buffer[] {
		const body = Buffer.alloc(ROUTE_BYTES);
		body.writeUInt8(family, 0);
		return this.#dump({ label: "list routes", type: RTM_GETROUTE, flags: 0, body }).filter(
			(one) => (one.readUInt32LE(8) & RTM_F_CLONED) === 0,
		);
	}

	#dump(request: Request): Buffer[] {
		return this.#socket.dumpIfSupported(request).map(({ body }) => body);
	}
}

/** Addresses are at both links before they go from one, so the host is never without: what is bound to them, and routes from them, stay. */
function messages({ addresses, routes }: Layer, step: Step, routesOf = step.from): Request[] {
	const { from, to, port, master, brings } = step;
	const change = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	const passAddress = (type: number, flags: number, link: number) => (body: Buffer) => ({
		label: "pass an address",
		type,
		flags,
		body: addressAt(body, link),
	});
	const setLink = (index: number, up: boolean | undefined, attributes: Buffer): Request => ({
		label: `set link ${index}`,
		type: RTM_SETLINK,
		flags: NLM_F_ACK,
		body: Buffer.concat([interfaceHeader({ index, up }), attributes]),
	});
	return [
		setLink(port, undefined, attribute.u32(IFLA.master, master)),
		...(brings === undefined ? [] : [setLink(to, true, Buffer.alloc(0))]),
		...addresses.map(passAddress(RTM_NEWADDR, change, to)),
		...routes.map((body) => ({
			label: "pass a route",
			type: RTM_NEWROUTE,
			flags: change,
			body: routeBy(body, routesOf, to),
		})),
		...addresses.map(passAddress(RTM_DELADDR, NLM_F_ACK, from)),
	];
}

function addressAt(body: Buffer, link: number): Buffer {
	const header = Buffer.from(body.subarray(0, ADDRESS_BYTES));
	const isIpv6 = header.readUInt8(0) === AF_INET6;
	const flags = (flagsOf(body) & IFA_F_ASKED) | (isIpv6 ? IFA_F_NODAD : 0);
	header.writeUInt8(flags & 0xff, 2);
	header.writeUInt32LE(link, 4);
	// A label is the name of the link that it was at.
	const own = [...attribute.sequence(body.subarray(ADDRESS_BYTES))]
		.filter(([type]) => type !== IFA.label && type !== IFA.flags && type !== IFA.netnsid)
		.map(([type, payload]) => attribute.bytes(type, payload));
	return Buffer.concat([header, attribute.join([...own, attribute.u32(IFA.flags, flags)])]);
}

function flagsOf(body: Buffer): number {
	return attribute.AttributeSet.decode(body.subarray(ADDRESS_BYTES)).u32(IFA.flags) ?? body.readUInt8(2);
}

function isOf(body: Buffer, link: number): boolean {
	const set = attribute.AttributeSet.decode(body.subarray(ROUTE_BYTES));
	const table = set.u32(RTA.table) ?? body.readUInt8(4);
	if (table === TABLE_LOCAL || body.readUInt8(7) !== RTN_UNICAST) return false;
	const several = set.bytes(RTA.multipath);
	if (several !== undefined) return nexthopsOf(several).some((offset) => several.readInt32LE(offset + 4) === link);
	// A link-local prefix's is the kernel's own at every link.
	return set.u32(RTA.oif) === link && !isLinkLocal(set, body.readUInt8(1));
}

function isLinkLocal(set: attribute.AttributeSet, prefix: number): boolean {
	const destination = set.bytes(1);
	return destination?.length === 16 && prefix >= 10 && destination.readUInt16BE(0) === 0xfe80;
}

function hasGateway(body: Buffer): boolean {
	const set = attribute.AttributeSet.decode(body.subarray(ROUTE_BYTES));
	return [RTA.gateway, RTA.via, RTA.multipath].some((type) => set.bytes(type) !== undefined);
}

function routeBy(body: Buffer, from: number, to: number): Buffer {
	const header = Buffer.from(body.subarray(0, ROUTE_BYTES));
	// What the kernel says of its state is not for asking.
	header.writeUInt32LE(header.readUInt32LE(8) & RTNH_F_ONLINK, 8);
	const attributes = [...attribute.sequence(body.subarray(ROUTE_BYTES))].flatMap(([type, payload]) => {
		if (type === RTA.nhid) return [];
		if (type === RTA.oif) return [attribute.u32(type, payload.readUInt32LE(0) === from ? to : payload.readUInt32LE(0))];
		if (type === RTA.multipath) return [attribute.bytes(type, nexthopsBy(payload, from, to))];
		if (type === RTA.cacheinfo) return expiry(payload);
		return [attribute.bytes(type, payload)];
	});
	return Buffer.concat([header, attribute.join(attributes)]);
}

/** A route of a router's advertisement ends when that does (`struct rta_cacheinfo`). */
function expiry(payload: Buffer): attribute.Attribute[] {
	const ticks = payload.readInt32LE(8);
	return ticks > 0 ? [attribute.u32(RTA.expires, Math.ceil(ticks / TICKS_A_SECOND))] : [];
}

function nexthopsBy(payload: Buffer, from: number, to: number): Buffer {
	const out = Buffer.from(payload);
	for (const offset of nexthopsOf(out)) {
		out.writeUInt8(out.readUInt8(offset + 2) & RTNH_F_ONLINK, offset + 2);
		if (out.readInt32LE(offset + 4) === from) out.writeInt32LE(to, offset + 4);
	}
	return out;
}

/** Where each `struct rtnexthop` begins. */
function nexthopsOf(payload: Buffer): number[] {
	const offsets: number[] = [];
	let offset = 0;
	while (offset + NEXTHOP_BYTES <= payload.length) {
		const length = payload.readUInt16LE(offset);
		if (length < NEXTHOP_BYTES || offset + length > payload.length) break;
		offsets.push(offset);
		offset += attribute.align4(length);
	}
	return offsets;
}
