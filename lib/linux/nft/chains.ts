/** The chains of all tables of a namespace, by raw nfnetlink: whose rules a packet meets, without reading them. */
import * as attribute from "../netlink/attribute.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../netlink/socket.ts";
import { messageType } from "./batch.ts";
import { familyNamed, header } from "./element.ts";
import type { ChainRef } from "./table.ts";

const GETCHAIN = messageType(4);
const NFGENMSG_BYTES = 4;
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5 } as const;
const HOOK_NUMBER = 1;
/** The same number in every family that forwards; in `arp` and `netdev` it is another hook. */
const FORWARD = 2;
const FORWARDING = ["inet", "ip", "ip6", "bridge"] as const;
const POLICY_DROP = 0;

/** One at the forward hook, where the packets of a family are that forwards. */
export interface ForwardBaseChain extends ChainRef {
	readonly family: (typeof FORWARDING)[number];
	readonly policy: "accept" | "drop";
}

export interface ListedChain extends ChainRef {
	/** Undefined for a chain at another hook, or at none. */
	readonly forward: ForwardBaseChain | undefined;
}

export function listChains(netns?: string): ListedChain[] {
	using socket = NetlinkSocket.open(NETLINK_NETFILTER, netns);
	const replies = socket.dump({ label: "list chains", type: GETCHAIN, flags: 0, body: header(0) });
	return replies.flatMap(({ body }) => {
		const family = familyNamed(body.readUInt8(0));
		const chain = attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES));
		if (family === undefined) return [];
		const ref = { family, table: chain.string(CHAIN.table) ?? "", chain: chain.string(CHAIN.name) ?? "" };
		return [{ ...ref, forward: forwardOf(ref, chain) }];
	});
}

function forwardOf(ref: ChainRef, chain: attribute.AttributeSet): ForwardBaseChain | undefined {
	const family = FORWARDING.find((one) => one === ref.family);
	if (family === undefined || chain.nested(CHAIN.hook)?.be32(HOOK_NUMBER) !== FORWARD) return undefined;
	return { ...ref, family, policy: chain.be32(CHAIN.policy) === POLICY_DROP ? "drop" : "accept" };
}
