/** How many connections the kernel tracks in a namespace, through ctnetlink; EINVAL where the kernel has no ctnetlink. */
import * as attribute from "./netlink/attribute.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink/socket.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
const CT_GET_STATS = (NFNL_SUBSYS_CTNETLINK << 8) | 5;
const NFGENMSG_BYTES = 4;
const STATS_ENTRIES = 1;

/** Of the namespace at `netns`, or of the thread's own. */
export function countFlows(netns?: string): number {
	using socket = NetlinkSocket.open(NETLINK_NETFILTER, netns);
	const request = { label: "count flows", type: CT_GET_STATS, flags: 0, body: Buffer.alloc(NFGENMSG_BYTES) };
	const [reply] = socket.request(request);
	const entries = reply && attribute.AttributeSet.decode(reply.body.subarray(NFGENMSG_BYTES)).be32(STATS_ENTRIES);
	if (entries === undefined) throw new TypeError("count flows: acknowledged without an answer");
	return entries;
}
