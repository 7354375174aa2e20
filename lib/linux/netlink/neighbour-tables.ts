/** How full the kernel's neighbour tables are (RTM_GETNEIGHTBL). There is one a family for the whole machine, whatever the namespace. */
import type { Family } from "#lib/address/ip.ts";
import { AF_INET, AF_INET6 } from "../family.ts";
import * as attribute from "./attribute.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

const RTM_GETNEIGHTBL = 66;
const HEADER_BYTES = 4;
const NDTA = { threshold3: 4, config: 5 } as const;
/** In `struct ndt_config`, behind the lengths of keys and entries. */
const ENTRIES_OFFSET = 4;

export interface NeighbourTable {
	readonly family: Family;
	/** Of all namespaces. Permanent ones are counted as well, though the limit is not theirs. */
	readonly entries: number;
	/** gc_thresh3: with so many, who is new is not reached. */
	readonly limit: number;
}

export function neighbourTables(netns?: string): NeighbourTable[] {
	using socket = NetlinkSocket.open(NETLINK_ROUTE, netns);
	const request = { label: "list neighbour tables", type: RTM_GETNEIGHTBL, flags: 0, body: Buffer.alloc(HEADER_BYTES) };
	return socket.dump(request).flatMap(({ body }) => {
		const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
		const limit = attributes.u32(NDTA.threshold3);
		const entries = attributes.bytes(NDTA.config)?.readUInt32LE(ENTRIES_OFFSET);
		const family = FAMILIES.get(body.readUInt8(0));
		// A table's entry is followed by those of single links, which have neither.
		return family === undefined || limit === undefined || entries === undefined ? [] : [{ family, entries, limit }];
	});
}

const FAMILIES: ReadonlyMap<number, Family> = new Map([
	[AF_INET, 4],
	[AF_INET6, 6],
]);
