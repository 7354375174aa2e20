/** A link of the host's that containers reach its segment by: macvlans are on it, or it is a port of their bridge. */
import type { IfName } from "#lib/address/if-name.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { faults } from "../../faults.ts";

interface Use {
	/** What frames need there at least, in bytes; 0: they take what it has. */
	readonly mtu: number;
	/** It shall be a port of the bridge with this index; undefined: of one that is not there yet. Absent: no port. */
	readonly port?: { readonly of: number | undefined };
}

/** The link, if it can be that and lets frames pass. Fault PARENT_NOT_FOUND, PARENT_UNUSABLE. */
export function getLowerLink({ links }: Rtnetlink, name: IfName, use: Use): Link {
	const link = links.find(name);
	if (link === undefined) throw faults.PARENT_NOT_FOUND({ parent: name });
	const masterName = (index: number): string => links.find(index)?.name ?? "another link";
	const why = obstacle(link, use, masterName);
	if (why !== undefined) throw faults.PARENT_UNUSABLE({ parent: name, why });
	return link;
}

function obstacle(link: Link, { mtu, port }: Use, masterName: (index: number) => string): string | undefined {
	const { loopback, kind, master, up } = link;
	if (loopback) return "it is the loopback";
	if (port !== undefined && kind === "bridge") return "it is a bridge itself";
	if (master !== undefined && master !== port?.of) return `it is a port of ${masterName(master)}`;
	if (!up) return "it is down";
	if (link.mtu < mtu) return `its MTU is ${link.mtu}, and the network's ${mtu}`;
	return undefined;
}
