/**
 * Removal of tracked connections through ctnetlink, so that what was translated or allowed once is not for ever.
 *
 * The table of a busy host has hundreds of thousands of entries. It is read on another thread, a datagram at a time, and
 * matched in slices between which the loop runs; one reading serves any number of filters.
 */
import { setImmediate } from "node:timers/promises";
import type { Ip } from "#lib/address/ip.ts";
import { Turns } from "#lib/concurrency/turns.ts";
import * as attribute from "./netlink/attribute.ts";
import { NLM_F_ACK, type Request } from "./netlink/message.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink/socket.ts";
import { PROTOCOLS, type Protocol } from "./nft/field.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
const CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
const CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
const NFGENMSG_BYTES = 4;
const CTA = { original: 1, reply: 2, id: 12, zone: 18 } as const;
const TUPLE = { ip: 1, proto: 2 } as const;
const TUPLE_IP = { v4Source: 1, v4Destination: 2, v6Source: 3, v6Destination: 4 } as const;
const TUPLE_PROTO = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const DELETES_AT_ONCE = 256;

interface Service {
	readonly protocol: Protocol;
	readonly port: number;
}

/** A port of a protocol, at one address or, without one, at any. */
interface Destination extends Service {
	readonly ip?: Ip | undefined;
}

export type FlowFilter =
	/** Flows that a client sent there, before any translation. */
	| { readonly originalDestination: Destination }
	/** Flows that a client sent to any of these ports at any of these addresses, before any translation. */
	| { readonly originalDestinations: { readonly services: readonly Service[]; readonly ips: readonly Ip[] } }
	/** Flows that are answered from there: with a published port, the container's side of it. */
	| { readonly target: Destination }
	/** Flows with this address at either end, before or after translation. */
	| { readonly address: Ip };

interface Tuple {
	readonly source: string;
	readonly destination: string;
	readonly protocol: number;
	readonly destinationPort: number;
	readonly sourcePort: number;
}

/**
 * The flows of one namespace, in all zones.
 *
 * Its socket is kept: the kernel lets a netfilter socket be closed only when all elements of rules that were removed by then are
 * freed, up to 15 ms later.
 */
export class FlowTable implements Disposable {
	readonly #socket: NetlinkSocket;
	readonly #turns = new Turns();

	private constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/** Of the namespace at `netns`, or of the thread's own. */
	static open(netns?: string): FlowTable {
		return new FlowTable(NetlinkSocket.open(NETLINK_NETFILTER, netns));
	}

	/** Removes the flows that match any of `filters`. One that begins meanwhile may be missed: change the rules first. Gives how many. */
	async remove(filters: readonly FlowFilter[]): Promise<number> {
		if (filters.length === 0) return 0;
		return this.#turns.take(["table"], async () => this.#delete(await this.#find(matcher(filters))));
	}

	async #find(matches: (flow: attribute.AttributeSet) => boolean): Promise<Request[]> {
		const removals: Request[] = [];
		const request = { label: "list flows", type: CT_GET, flags: 0, body: Buffer.alloc(NFGENMSG_BYTES) };
		for await (const replies of this.#socket.dumpAside(request)) {
			for (const { body } of replies) {
				const flow = attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES));
				if (matches(flow)) removals.push(removal(body, flow));
			}
		}
		return removals;
	}

	async #delete(removals: readonly Request[]): Promise<number> {
		let removed = 0;
		for (let from = 0; from < removals.length; from += DELETES_AT_ONCE) {
			const slice = removals.slice(from, from + DELETES_AT_ONCE);
			const refusals = this.#socket.transact(slice);
			const failed = refusals.find(({ error }) => error.code !== "ENOENT");
			if (failed !== undefined) throw failed.error;
			removed += slice.length - refusals.length;
			await setImmediate();
		}
		return removed;
	}

	[Symbol.dispose](): void {
		this.#socket[Symbol.dispose]();
	}
}

/** The flow is named by its tuple as it was read, and by its id: a later flow of the same tuple is not meant. */
function removal(body: Buffer, flow: attribute.AttributeSet): Request {
	const named = [CTA.original, CTA.id, CTA.zone].map((type) => {
		const payload = flow.bytes(type);
		if (payload === undefined) return undefined;
		return type === CTA.original ? attribute.nested(type, [payload]) : attribute.bytes(type, payload);
	});
	return {
		label: "remove flow",
		type: CT_DELETE,
		flags: NLM_F_ACK,
		body: Buffer.concat([body.subarray(0, NFGENMSG_BYTES), attribute.join(named)]),
	};
}

/** Filters become sets of keys, so a flow costs the same whether one port was unpublished or a thousand. */
function matcher(filters: readonly FlowFilter[]): (flow: attribute.AttributeSet) => boolean {
	const originals = new Set<string>();
	const targets = new Set<string>();
	const addresses = new Set<string>();
	const products: { readonly services: ReadonlySet<string>; readonly ips: ReadonlySet<string> }[] = [];
	for (const filter of filters) {
		if ("address" in filter) addresses.add(ipKey(filter.address));
		else if ("originalDestinations" in filter) {
			const { services, ips } = filter.originalDestinations;
			products.push({ services: new Set(services.map(serviceKey)), ips: new Set(ips.map(ipKey)) });
		} else if ("target" in filter) targets.add(destinationKey(filter.target));
		else originals.add(destinationKey(filter.originalDestination));
	}
	const ports = (keys: ReadonlySet<string>, ip: string, protocol: number, port: number): boolean =>
		keys.has(`${protocol} ${port} ${ip}`) || keys.has(`${protocol} ${port} `);
	return (flow) => {
		const original = tupleOf(flow.nested(CTA.original));
		const reply = tupleOf(flow.nested(CTA.reply));
		if (original === undefined || reply === undefined) return false;
		const service = `${original.protocol} ${original.destinationPort}`;
		return (
			products.some(({ services, ips }) => services.has(service) && ips.has(original.destination)) ||
			(originals.size > 0 && ports(originals, original.destination, original.protocol, original.destinationPort)) ||
			(targets.size > 0 && ports(targets, reply.source, reply.protocol, reply.sourcePort)) ||
			(addresses.size > 0 &&
				[original.source, original.destination, reply.source, reply.destination].some((ip) => addresses.has(ip)))
		);
	};
}

function destinationKey({ ip, ...service }: Destination): string {
	return `${serviceKey(service)} ${ip === undefined ? "" : ipKey(ip)}`;
}

function serviceKey({ protocol, port }: Service): string {
	return `${PROTOCOLS[protocol]} ${port}`;
}

function ipKey(ip: Ip): string {
	return addressKey(ip.toBytes());
}

function addressKey(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function tupleOf(tuple: attribute.AttributeSet | undefined): Tuple | undefined {
	const ip = tuple?.nested(TUPLE.ip);
	const proto = tuple?.nested(TUPLE.proto);
	const source = ip?.bytes(TUPLE_IP.v4Source) ?? ip?.bytes(TUPLE_IP.v6Source);
	const destination = ip?.bytes(TUPLE_IP.v4Destination) ?? ip?.bytes(TUPLE_IP.v6Destination);
	if (source === undefined || destination === undefined) return undefined;
	return {
		source: addressKey(source),
		destination: addressKey(destination),
		protocol: proto?.u8(TUPLE_PROTO.number) ?? 0,
		sourcePort: proto?.be16(TUPLE_PROTO.sourcePort) ?? 0,
		destinationPort: proto?.be16(TUPLE_PROTO.destinationPort) ?? 0,
	};
}
