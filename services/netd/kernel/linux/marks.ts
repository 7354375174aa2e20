/** How a link says whose it is: its alias, or, in the moment before it has one, a name that only an id makes. */
import type { Link } from "#lib/linux/netlink/link-format.ts";
import { bridgeName, shimName } from "../../id.ts";

export const NETWORK_MARK = "wharf network ";
export const ENDPOINT_MARK = "wharf endpoint ";

/** The id behind the mark. */
export function marked(link: Link, mark: string): string | undefined {
	return link.alias?.startsWith(mark) === true ? link.alias.slice(mark.length) : undefined;
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
