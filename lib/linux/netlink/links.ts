/**
 * Links through rtnetlink: each call is one message unless it says more, and happens whole or throws a `NetlinkError`.
 *
 * A link is named by its name or its index in the socket's namespace. Unknown is ENODEV, a taken name EEXIST.
 */
import { closeSync, openSync } from "node:fs";
import type { IfName } from "#lib/address/if-name.ts";
import { type Mac, macToBytes } from "#lib/address/mac.ts";
import { isErrno } from "../libc.ts";
import * as attribute from "./attribute.ts";
import { decodeLink, IFLA, interfaceHeader, type Link, linkAttributes } from "./link-format.ts";
import * as kind from "./link-kind.ts";
import { arpNotify, type Ipv6Settings, ipv6SettingsIn } from "./link-settings.ts";
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from "./message.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

/** RTEXT_FILTER_SKIP_STATS: half of what the kernel would write of a link. */
const WITHOUT_STATISTICS = attribute.u32(IFLA.extMask, 1 << 3);

/** One that nobody asks for. */
const PROVISIONAL_MTU = 1501;

export type LinkRef = IfName | number;

/** What every kind of link may be born with. */
export interface NewLink {
	readonly name: IfName;
	readonly mac?: Mac | undefined;
	readonly mtu?: number | undefined;
	/** Index of the bridge that it becomes a port of. */
	readonly master?: number | undefined;
	readonly up?: boolean | undefined;
}

export interface LinkChange {
	readonly up?: boolean | undefined;
	/** Neighbours are asked for; false: every frame goes to the link's own MAC. */
	readonly arp?: boolean | undefined;
	/** Index of the new master; null takes the link off its master. */
	readonly master?: number | null | undefined;
	readonly mtu?: number | undefined;
	readonly mac?: Mac | undefined;
	/** Free text, at most 255 bytes. The kernel takes it only for a link that is there. */
	readonly alias?: string | undefined;
	/** The new name. With `netns`, the name on arrival. */
	readonly name?: IfName | undefined;
	/** Its flags as a bridge's port, which it must be already (EOPNOTSUPP). */
	readonly port?: kind.BridgePortChange | undefined;
	/** Neighbours are told of the link's IPv4 addresses when its MAC is set from now on (`arp_notify`). */
	readonly arpNotify?: boolean | undefined;
	/** Moves the link to the namespace at this path. It arrives down. */
	readonly netns?: string | undefined;
}

export interface LinkFilter {
	readonly master?: number | undefined;
	readonly kind?: string | undefined;
}

export class Links {
	readonly #socket: NetlinkSocket;
	readonly #netns: string | undefined;

	constructor(socket: NetlinkSocket, netns: string | undefined) {
		this.#socket = socket;
		this.#netns = netns;
	}

	get(ref: LinkRef): Link {
		return decodeLink(this.#get(ref));
	}

	/** The link, and its settings of IPv6: undefined where the kernel has none. */
	getWithIpv6(ref: LinkRef): Link & { readonly ipv6: Ipv6Settings | undefined } {
		const body = this.#get(ref);
		const attributes = linkAttributes(body);
		return { ...decodeLink(body, attributes), ipv6: ipv6SettingsIn(attributes) };
	}

	find(ref: LinkRef): Link | undefined {
		try {
			return this.get(ref);
		} catch (error) {
			if (isErrno(error, "ENODEV")) return undefined;
			throw error;
		}
	}

	/** The kernel filters, so ports of one bridge among thousands of links are found without reading them all. */
	list(filter: LinkFilter = {}): Link[] {
		const replies = this.#socket.dump({
			label: "list links",
			type: RTM_GETLINK,
			flags: 0,
			body: Buffer.concat([
				interfaceHeader({}),
				attribute.join([
					WITHOUT_STATISTICS,
					filter.master === undefined ? undefined : attribute.u32(IFLA.master, filter.master),
					filter.kind === undefined ? undefined : kind.kindFilter(filter.kind),
				]),
			]),
		});
		// The kernel does not filter by a kind whose module is not loaded.
		return replies
			.map((reply) => decodeLink(reply.body))
			.filter((link) => filter.kind === undefined || link.kind === filter.kind);
	}

	/**
	 * A bridge keeps a MAC and an MTU that it was given; without them it takes the lowest of its ports'.
	 * Two messages when there is an MTU; if the second is refused, the bridge goes again.
	 */
	addBridge(link: NewLink & kind.BridgeOptions): void {
		const { mtu } = link;
		// An MTU in the message that makes a bridge counts as the kernel's choice, and the first port changes it. Only a
		// change afterwards counts as the administrator's, so the bridge is born with another one.
		this.#add({ ...link, mtu: mtu === undefined ? undefined : PROVISIONAL_MTU }, kind.bridgeInfo(link));
		if (mtu === undefined) return;
		try {
			this.set(link.name, { mtu });
		} catch (error) {
			this.remove(link.name);
			throw error;
		}
	}

	/** Makes both ends in one message; the peer is born down, in its namespace, under its final name. */
	addVeth(link: NewLink & { readonly peer: kind.VethPeer }): void {
		withNetns(link.peer.netns, (fd) => this.#add(link, kind.vethInfo(link.peer, fd)));
	}

	addVxlan(link: NewLink & kind.VxlanOptions): void {
		this.#add(link, kind.vxlanInfo(link));
	}

	/** `netns`: where the link is born; its lower link is in the socket's namespace. */
	addMacvlan(link: NewLink & kind.MacvlanOptions & { readonly netns?: string | undefined }): void {
		const lower = attribute.u32(IFLA.link, link.lower);
		if (link.netns === undefined) this.#add(link, lower, kind.macvlanInfo(link));
		else withNetns(link.netns, (fd) => this.#add(link, lower, kind.macvlanInfo(link), attribute.u32(IFLA.netNsFd, fd)));
	}

	/** A sub-interface by 802.1Q. EOPNOTSUPP where the kernel has none. */
	addVlan(link: NewLink & kind.VlanOptions): void {
		this.#add(link, attribute.u32(IFLA.link, link.lower), kind.vlanInfo(link));
	}

	/** A link that leads nowhere. EOPNOTSUPP where the kernel has none. */
	addDummy(link: NewLink): void {
		this.#add(link, kind.dummyInfo());
	}

	set(ref: LinkRef, change: LinkChange): void {
		if (change.netns === undefined) this.#set(ref, change);
		else withNetns(change.netns, (fd) => this.#set(ref, change, attribute.u32(IFLA.netNsFd, fd)));
	}

	/** Waits for an RCU grace period: 15 ms for a veth, 30 for a bridge. Both ends of a veth pair go. */
	remove(ref: LinkRef): void {
		this.#socket.request(message(`remove link ${ref}`, RTM_DELLINK, 0, { ref }, []));
	}

	/** As `remove`, waiting on another thread, with a socket of its own. */
	async removeAside(ref: LinkRef): Promise<void> {
		using socket = NetlinkSocket.open(NETLINK_ROUTE, this.#netns);
		await socket.requestAside(message(`remove link ${ref}`, RTM_DELLINK, 0, { ref }, []));
	}

	#get(ref: LinkRef): Buffer {
		const replies = this.#socket.request(message(`get link ${ref}`, RTM_GETLINK, 0, { ref }, [WITHOUT_STATISTICS]));
		const [reply] = replies;
		if (reply === undefined) throw new TypeError(`get link ${ref}: acknowledged without an answer`);
		return reply.body;
	}

	#add(link: NewLink, ...own: attribute.Attribute[]): void {
		const attributes = [
			attribute.string(IFLA.ifname, link.name),
			link.mac === undefined ? undefined : attribute.bytes(IFLA.address, macToBytes(link.mac)),
			link.mtu === undefined ? undefined : attribute.u32(IFLA.mtu, link.mtu),
			link.master === undefined ? undefined : attribute.u32(IFLA.master, link.master),
			...own,
		];
		const flags = NLM_F_CREATE | NLM_F_EXCL;
		// Up only when asked: "not up" in the header would be a change of flags as well.
		const up = link.up === true ? true : undefined;
		this.#socket.request(message(`add link ${link.name}`, RTM_NEWLINK, flags, { up }, attributes));
	}

	#set(ref: LinkRef, change: LinkChange, ...own: attribute.Attribute[]): void {
		const { mtu, mac, alias, name } = change;
		// A message has room for one name, and that is the new one.
		const target = name !== undefined && typeof ref !== "number" ? this.get(ref).index : ref;
		const attributes = [
			change.master === undefined ? undefined : attribute.u32(IFLA.master, change.master ?? 0),
			mtu === undefined ? undefined : attribute.u32(IFLA.mtu, mtu),
			mac === undefined ? undefined : attribute.bytes(IFLA.address, macToBytes(mac)),
			alias === undefined ? undefined : attribute.string(IFLA.ifalias, alias),
			name === undefined ? undefined : attribute.string(IFLA.ifname, name),
			change.port === undefined ? undefined : kind.bridgePortInfo(change.port),
			change.arpNotify === undefined ? undefined : arpNotify(change.arpNotify),
			...own,
		];
		// What a master keeps of its ports is changed by the message that makes links; for one that is there it does all of the other.
		const type = change.port === undefined ? RTM_SETLINK : RTM_NEWLINK;
		this.#socket.request(
			message(`set link ${ref}`, type, 0, { ref: target, up: change.up, arp: change.arp }, attributes),
		);
	}
}

function message(
	label: string,
	type: number,
	flags: number,
	header: Pick<LinkChange, "up" | "arp"> & { readonly ref?: LinkRef | undefined },
	attributes: attribute.Attributes,
): Request {
	const { ref, up, arp } = header;
	const index = typeof ref === "number" ? ref : undefined;
	const name = typeof ref === "string" ? attribute.string(IFLA.ifname, ref) : undefined;
	return {
		label,
		type,
		flags,
		body: Buffer.concat([interfaceHeader({ index, up, arp }), attribute.join([name, ...attributes])]),
	};
}

function withNetns(path: string, body: (fd: number) => void): void {
	const fd = openSync(path, "r");
	try {
		body(fd);
	} finally {
		closeSync(fd);
	}
}
