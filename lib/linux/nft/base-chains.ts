/** Base chains of all tables of a namespace, by raw nfnetlink: whose rules a packet meets, without reading them. */
import * as attribute from "../netlink/attribute.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../netlink/socket.ts";
import { messageType } from "./batch.ts";
import { familyNamed, header, type TableFamily } from "./element.ts";

const GETCHAIN = messageType(4);
const NFGENMSG_BYTES = 4;
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5 } as const;
const HOOK_NUMBER = 1;
/** The same number in every family that forwards. */
const FORWARD = 2;
const POLICY_DROP = 0;

/** Those of what is forwarded; a packet of ARP, or one at a device, is not. */
type ForwardFamily = Exclude<TableFamily, "arp" | "netdev">;

export interface ForwardBaseChain {
	readonly family: ForwardFamily;
	readonly table: string;
	readonly chain: string;
	readonly policy: "accept" | "drop";
}

/** Those at the forward hook. */
export function forwardBaseChains(netns?: string): ForwardBaseChain[] {
	using socket = NetlinkSocket.open(NETLINK_NETFILTER, netns);
	const replies = socket.dump({ label: "list chains", type: GETCHAIN, flags: 0, body: header(0) });
	return replies.flatMap(({ body }) => {
		const family = familyNamed(body.readUInt8(0));
		const chain = attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES));
		if (family === undefined || !forwards(family) || chain.nested(CHAIN.hook)?.be32(HOOK_NUMBER) !== FORWARD) return [];
		const policy = chain.be32(CHAIN.policy) === POLICY_DROP ? "drop" : "accept";
		return [{ family, table: chain.string(CHAIN.table) ?? "", chain: chain.string(CHAIN.name) ?? "", policy }];
	});
}

function forwards(family: TableFamily): family is ForwardFamily {
	return family !== "arp" && family !== "netdev";
}
