/** How a link says whose it is: its alias, or, in the moment before it has one, a name that only an id makes. */
import { parseIfName } from "#lib/address/if-name.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import { bridgeName, shimName } from "../../id.ts";
import type { Bridge, Uplink } from "../links.ts";

export const NETWORK_MARK = "wharf network ";
export const ENDPOINT_MARK = "wharf endpoint ";

/** The id behind the mark; more words may follow. */
export function marked(link: Link, mark: string): string | undefined {
	return link.alias?.startsWith(mark) === true ? link.alias.slice(mark.length).split(" ", 1)[0] : undefined;
}

/** A network's mark of a bridge: from it alone is known what the host has to get back. */
export function bridgeMark({ networkId, uplink }: Pick<Bridge, "networkId" | "uplink">): string {
	const words = uplink === undefined ? "" : ` uplink ${uplink.name}${uplink.moves ? " moved" : ""}`;
	return NETWORK_MARK + networkId + words;
}

/** The uplink that a bridge's mark speaks of. */
export function markedUplink({ alias = "" }: Link): Pick<Uplink, "name" | "moves"> | undefined {
	const [, name, moved] = /^wharf network \S+ uplink (\S+)( moved)?$/.exec(alias) ?? [];
	return name === undefined ? undefined : { name: parseIfName(name), moves: moved !== undefined };
}

/** Somebody else's: it carries another's note. */
export function isForeign(link: Link): boolean {
	return link.alias !== undefined && marked(link, ENDPOINT_MARK) === undefined;
}

export function isOfNetwork(link: Link, networkId: string): boolean {
	const mark = marked(link, NETWORK_MARK);
	const isNamed = link.name === bridgeName(networkId) || link.name === shimName(networkId);
	return mark === networkId || (link.alias === undefined && isNamed);
}
