/** News of the host's links and packet rules. What our own socket does to the rules is known, and not told. */
import { Monitor } from "#lib/linux/netlink/monitor.ts";
import { type LinkNews, type News, tableKey } from "#lib/linux/netlink/monitor-news.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import { isLegName } from "../../id.ts";
import type { KernelNews } from "../news.ts";
import { ASKING_LINKS } from "./asking.ts";
import { PLACES } from "./foreign-places.ts";
import { TABLE } from "./skeleton.ts";

export interface WatchOptions {
	readonly log: Log;
	/** The namespace that plays the host; the process's own unless it is said. */
	readonly host: string | undefined;
	/** Of the socket by which we change the rules. */
	readonly ownPortId: number;
	/** Called some ten times a second at most. */
	readonly tell: (news: KernelNews) => void;
}

const OURS = (["inet", "ip", "ip6"] as const).map((family) => tableKey({ ...TABLE, family }));
const ASKING = Object.values(ASKING_LINKS);
const FOREIGN = [...new Set(PLACES.map(tableKey))];

export function watchHost({ log, host, ownPortId, tell }: WatchOptions): Disposable {
	using parts = new DisposableStack();
	const rtnl = parts.use(Rtnetlink.open(host));
	const nameOf = (index: number): string[] => {
		const link = rtnl.links.find(index);
		return link === undefined ? [] : [link.name];
	};
	const failed = (err: unknown): void =>
		log.error("the kernel's news are no longer heard; what others change is mended within a minute", { err });
	parts.use(
		Monitor.open({
			netns: host,
			passedOver: [ownPortId],
			failed,
			tell: (news) => {
				const links = new Set([...lost(news), ...[...news.addressLosses, ...news.writtenNeighbours].flatMap(nameOf)]);
				const apart = new Set([...news.links].filter(([, link]) => isApart(link)).map(([name]) => name));
				const isOurs = OURS.some((table) => news.tables.has(table)) || ASKING.some((name) => links.has(name));
				const everything = news.overrun || news.forwardingOff.size > 0 || isOurs;
				const foreignRules = news.overrun || FOREIGN.some((table) => news.tables.has(table));
				if (everything || foreignRules || links.size + apart.size > 0) tell({ everything, foreignRules, links, apart });
			},
		}),
	);
	return parts.move();
}

function lost({ links }: News): string[] {
	return [...links].filter(([name, news]) => isLost(name, news)).map(([name]) => name);
}

function isLost(name: string, link: LinkNews): boolean {
	return link.state !== "up" || (isLegName(name) && isApart(link));
}

function isApart({ state, isPort }: LinkNews): boolean {
	return state === "up" && !isPort;
}
