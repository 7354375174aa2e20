/** Whether the kernel can make links of a kind, without one being made. */
import { isErrno } from "../libc.ts";
import * as attribute from "./attribute.ts";
import { IFLA, INFO_KIND, interfaceHeader } from "./link-format.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "./message.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

const RTM_NEWLINK = 16;

/** An address that no Ethernet link may have: the kernel refuses it after it has looked for the kind, and before it makes anything. */
const IMPOSSIBLE_MAC = Buffer.alloc(6);

/** For Ethernet links (bridge, veth, vxlan, macvlan …). The kernel loads the kind's module, as the making of one would have it do. */
export function hasLinkKind(kind: string, netns?: string): boolean {
	using socket = NetlinkSocket.open(NETLINK_ROUTE, netns);
	const body = Buffer.concat([
		interfaceHeader({}),
		attribute.bytes(IFLA.address, IMPOSSIBLE_MAC),
		attribute.nested(IFLA.linkInfo, [attribute.string(INFO_KIND, kind)]),
	]);
	try {
		socket.request({ label: `probe links of kind ${kind}`, type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body });
	} catch (error) {
		if (isErrno(error, "EADDRNOTAVAIL")) return true;
		if (isErrno(error, "EOPNOTSUPP")) return false;
		throw error;
	}
	throw new TypeError(`the kernel made a ${kind} with an impossible address`);
}
