/** Neighbours (who has which address on a link) and forwarding entries of bridges and VXLANs, through rtnetlink (RTM_*NEIGH). */
import { type Family, Ip } from "#lib/address/ip.ts";
import { isGroup, type Mac, macFromBytes, macToBytes } from "#lib/address/mac.ts";
import { kernelFamily } from "../family.ts";
import { isErrno } from "../libc.ts";
import * as attribute from "./attribute.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

const HEADER_BYTES = 12;
const MAC_BYTES = 6;
const ALL_ZERO = Buffer.alloc(MAC_BYTES);
const NDA = { dst: 1, lladdr: 2, ifindex: 8 } as const;
const PF_BRIDGE = 7;
const NTF_SELF = 0x02;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;

export interface Neighbour {
	/** Index of the link. */
	readonly link: number;
	readonly ip: Ip;
	readonly mac: Mac;
}

export interface ObservedNeighbour {
	readonly link: number;
	readonly ip: Ip;
	/** Absent while the kernel is still asking for it. */
	readonly mac: Mac | undefined;
	/** Written by someone, not learnt: nobody is asked, and it does not pass. */
	readonly permanent: boolean;
}

/** Where a VXLAN sends frames. */
export interface Forwarding {
	/** Index of the VXLAN. */
	readonly link: number;
	/** The frame's destination; absent for what has no entry of its own, which may go to several hosts. */
	readonly mac?: Mac | undefined;
	readonly remote: Ip;
}

export class Neighbours {
	readonly #socket: NetlinkSocket;

	constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/** A permanent entry. One that is there, even learnt, is EEXIST. */
	add(neighbour: Neighbour): void {
		this.#socket.request(neighbourRequest("add", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, neighbour));
	}

	/** A permanent entry, in place of what is known of the address. */
	replace(neighbour: Neighbour): void {
		this.#socket.request(neighbourRequest("replace", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neighbour));
	}

	/** Absent is ENOENT. */
	remove(neighbour: Pick<Neighbour, "link" | "ip">): void {
		this.#socket.request(neighbourRequest("remove", RTM_DELNEIGH, 0, neighbour));
	}

	/** What is known of one address, or is being asked for. */
	find({ link, ip }: Pick<Neighbour, "link" | "ip">): ObservedNeighbour | undefined {
		const body = Buffer.concat([header(kernelFamily(ip.family), link, 0, 0), attribute.bytes(NDA.dst, ip.toBytes())]);
		const label = `find neighbour ${ip} at link ${link}`;
		try {
			const [reply] = this.#socket.request({ label, type: RTM_GETNEIGH, flags: 0, body });
			return reply && decodeNeighbour(reply.body);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return undefined;
			throw error;
		}
	}

	/** As `ip neigh`: what is known, asked for or written. */
	list(filter: { readonly link?: number | undefined; readonly family?: Family | undefined } = {}): ObservedNeighbour[] {
		const header = Buffer.alloc(HEADER_BYTES);
		header.writeUInt8(filter.family === undefined ? 0 : kernelFamily(filter.family), 0);
		const link = filter.link === undefined ? undefined : attribute.u32(NDA.ifindex, filter.link);
		const body = Buffer.concat([header, attribute.join([link])]);
		return this.#socket
			.dump({ label: "list neighbours", type: RTM_GETNEIGH, flags: 0, body })
			.map((reply) => decodeNeighbour(reply.body))
			.filter((neighbour) => neighbour !== undefined);
	}

	/** Sends frames for `mac` to `remote` only. */
	replaceForwarding(entry: Forwarding): void {
		this.#socket.request(forwardingRequest("replace", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, entry));
	}

	/** Sends frames to `remote` as well; only for an entry without a MAC. */
	appendForwarding(entry: Forwarding): void {
		this.#socket.request(forwardingRequest("append", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, entry));
	}

	/** Absent is ENOENT. */
	removeForwarding(entry: Forwarding): void {
		this.#socket.request(forwardingRequest("remove", RTM_DELNEIGH, 0, entry));
	}

	/** The entries of one VXLAN that lead to another host. */
	listForwarding(link: number): Forwarding[] {
		const header = Buffer.alloc(HEADER_BYTES);
		header.writeUInt8(PF_BRIDGE, 0);
		header.writeInt32LE(link, 4);
		return this.#socket
			.dump({ label: `list forwarding of link ${link}`, type: RTM_GETNEIGH, flags: 0, body: header })
			.map((reply) => decodeForwarding(reply.body))
			.filter((entry) => entry !== undefined)
			.filter((entry) => entry.link === link);
	}
}

function neighbourRequest(
	verb: string,
	type: number,
	flags: number,
	neighbour: Pick<Neighbour, "link" | "ip"> & { readonly mac?: Mac },
): Request {
	const { link, ip, mac } = neighbour;
	const attributes = attribute.join([
		attribute.bytes(NDA.dst, ip.toBytes()),
		mac === undefined ? undefined : attribute.bytes(NDA.lladdr, macToBytes(mac)),
	]);
	const body = Buffer.concat([header(kernelFamily(ip.family), link, NUD_PERMANENT, 0), attributes]);
	return { label: `${verb} neighbour ${ip} at link ${link}`, type, flags, body };
}

function forwardingRequest(verb: string, type: number, flags: number, entry: Forwarding): Request {
	const { link, mac, remote } = entry;
	const attributes = attribute.join([
		attribute.bytes(NDA.lladdr, mac === undefined ? ALL_ZERO : macToBytes(mac)),
		attribute.bytes(NDA.dst, remote.toBytes()),
	]);
	const body = Buffer.concat([header(PF_BRIDGE, link, NUD_NOARP | NUD_PERMANENT, NTF_SELF), attributes]);
	return { label: `${verb} forwarding of ${mac ?? "the rest"} to ${remote} at link ${link}`, type, flags, body };
}

/** `struct ndmsg`. */
function header(family: number, link: number, state: number, flags: number): Buffer {
	const out = Buffer.alloc(HEADER_BYTES);
	out.writeUInt8(family, 0);
	out.writeInt32LE(link, 4);
	out.writeUInt16LE(state, 8);
	out.writeUInt8(flags, 10);
	return out;
}

function decodeNeighbour(body: Buffer): ObservedNeighbour | undefined {
	const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
	const ip = attributes.bytes(NDA.dst);
	if (ip === undefined) return undefined;
	const state = body.readUInt16LE(8);
	const mac = macOf(attributes);
	// Multicast and the like, for which nobody is ever asked, has entries of the kernel's own.
	if (state === NUD_NOARP && (mac === undefined || isGroup(mac))) return undefined;
	return {
		link: body.readInt32LE(4),
		ip: Ip.fromBytes(ip),
		mac,
		permanent: (state & (NUD_PERMANENT | NUD_NOARP)) !== 0,
	};
}

function decodeForwarding(body: Buffer): Forwarding | undefined {
	const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
	const remote = attributes.bytes(NDA.dst);
	if (remote === undefined) return undefined;
	return { link: body.readInt32LE(4), mac: macOf(attributes), remote: Ip.fromBytes(remote) };
}

function macOf(attributes: attribute.AttributeSet): Mac | undefined {
	const bytes = attributes.bytes(NDA.lladdr);
	return bytes?.length === MAC_BYTES && !ALL_ZERO.equals(bytes) ? macFromBytes(bytes) : undefined;
}
