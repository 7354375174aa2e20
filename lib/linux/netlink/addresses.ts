/** Addresses of links through rtnetlink (RTM_*ADDR). */
import { type Family, Ip } from "#lib/address/ip.ts";
import { kernelFamily } from "../family.ts";
import * as attribute from "./attribute.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const HEADER_BYTES = 8;
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const IFA_F_NODAD = 0x02;
const IFA_F_TENTATIVE = 0x40;

const SCOPES = { global: 0, site: 200, link: 253, host: 254 } as const;
type AddressScope = keyof typeof SCOPES;

export interface LinkAddress {
	/** Index of the link. */
	readonly link: number;
	readonly ip: Ip;
	readonly prefix: number;
	readonly broadcast?: Ip | undefined;
	/** Default: global. */
	readonly scope?: AddressScope | undefined;
}

export interface ObservedAddress extends LinkAddress {
	readonly scope: AddressScope;
	/** IPv6, still looking for duplicates: cannot be bound or used yet. */
	readonly tentative: boolean;
}

export class Addresses {
	readonly #socket: NetlinkSocket;

	constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/**
	 * Adds an address; one that the link has already is EEXIST.
	 *
	 * IPv6 addresses skip duplicate detection: they are leased, nobody else has them, and one can be bound at once.
	 */
	add(address: LinkAddress): void {
		this.#socket.request(request("add", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address));
	}

	/** As `add`; an address that is there with the same prefix is success, and its properties become these. */
	replace(address: LinkAddress): void {
		this.#socket.request(request("replace", RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address));
	}

	/** Absent is EADDRNOTAVAIL. Removing a primary IPv4 address removes the secondary ones of its subnet. */
	remove(address: LinkAddress): void {
		this.#socket.request(request("remove", RTM_DELADDR, 0, address));
	}

	list(filter: { readonly link?: number | undefined; readonly family?: Family | undefined } = {}): ObservedAddress[] {
		const header = Buffer.alloc(HEADER_BYTES);
		header.writeUInt8(filter.family === undefined ? 0 : kernelFamily(filter.family), 0);
		header.writeUInt32LE(filter.link ?? 0, 4);
		return this.#socket
			.dump({ label: "list addresses", type: RTM_GETADDR, flags: 0, body: header })
			.map((reply) => decode(reply.body))
			.filter((address) => address !== undefined);
	}
}

function request(verb: string, type: number, flags: number, address: LinkAddress): Request {
	const { ip, broadcast } = address;
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt8(kernelFamily(ip.family), 0);
	header.writeUInt8(address.prefix, 1);
	header.writeUInt8(SCOPES[address.scope ?? "global"], 3);
	header.writeUInt32LE(address.link, 4);
	const attributes = [
		attribute.bytes(IFA.local, ip.toBytes()),
		attribute.bytes(IFA.address, ip.toBytes()),
		broadcast === undefined ? undefined : attribute.bytes(IFA.broadcast, broadcast.toBytes()),
		ip.family === 6 ? attribute.u32(IFA.flags, IFA_F_NODAD) : undefined,
	];
	return {
		label: `${verb} address ${ip}/${address.prefix} at link ${address.link}`,
		type,
		flags,
		body: Buffer.concat([header, attribute.join(attributes)]),
	};
}

/** Undefined for an address without a value: the far end's only, which a point-to-point link may have. */
function decode(body: Buffer): ObservedAddress | undefined {
	const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
	// On a point-to-point link IFA_ADDRESS is the far end; IPv6 has no IFA_LOCAL elsewhere.
	const own = attributes.bytes(IFA.local) ?? attributes.bytes(IFA.address);
	if (own === undefined) return undefined;
	const broadcast = attributes.bytes(IFA.broadcast);
	const flags = attributes.u32(IFA.flags) ?? body.readUInt8(2);
	return {
		link: body.readUInt32LE(4),
		ip: Ip.fromBytes(own),
		prefix: body.readUInt8(1),
		broadcast: broadcast === undefined ? undefined : Ip.fromBytes(broadcast),
		scope: scopeOf(body.readUInt8(3)),
		tentative: (flags & IFA_F_TENTATIVE) !== 0,
	};
}

function scopeOf(value: number): AddressScope {
	if (value >= SCOPES.host) return "host";
	if (value === SCOPES.link) return "link";
	return value === SCOPES.site ? "site" : "global";
}
