/** Facts of the host from rtnetlink, /proc/sys and nf_tables, in the namespace that is the host. */
import { readFileSync } from "node:fs";
import { isErrno } from "#lib/linux/libc.ts";
import { neighbourTables } from "#lib/linux/netlink/neighbour-tables.ts";
import { TABLE_LOCAL } from "#lib/linux/netlink/routes.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { inNetnsOrHere } from "#lib/linux/netns.ts";
import { readSysctl } from "#lib/linux/sysctl.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import type { Fill, HostFacts, HostLink, HostRoute, MissingFeature, ObservedHost, PortRange } from "../host-facts.ts";
import { droppers } from "./droppers.ts";
import { missingFeatures } from "./host-features.ts";
import { refusal } from "./refusal.ts";

/** Who has tables before nf_tables (`xt_proto.c`), and where they are named. */
const PROGRAMS = [
	["iptables-legacy", "/proc/thread-self/net/ip_tables_names"],
	["ip6tables-legacy", "/proc/thread-self/net/ip6_tables_names"],
] as const;

export class LinuxHostFacts implements HostFacts {
	readonly #host: string | undefined;
	#lacksNothing = false;

	constructor(host?: string) {
		this.#host = host;
	}

	observe(): ObservedHost {
		return refusal("tell how the host is", () => {
			using rtnl = Rtnetlink.open(this.#host);
			const links = rtnl.links.list();
			return {
				forwards: { 4: this.#flag("net/ipv4/ip_forward") === true, 6: this.#flag("net/ipv6/conf/all/forwarding") },
				showsBridged: {
					4: this.#flag("net/bridge/bridge-nf-call-iptables") === true,
					6: this.#flag("net/bridge/bridge-nf-call-ip6tables") === true,
				},
				links: this.#links(links),
				routes: routes(rtnl, links),
				droppers: droppers(this.#host),
				unreadable: PROGRAMS.filter(([, names]) => this.#hasFilter(names)).map(([program]) => program),
				conntrack: this.#conntrack(),
				neighbours: this.#neighbours(rtnl),
				ephemeral: this.#ephemeral(),
				missing: this.#missing(),
			};
		});
	}

	/** What has been there is in use by then and cannot go; to try it again would stop everything for 20 ms. */
	#missing(): readonly MissingFeature[] {
		if (this.#lacksNothing) return [];
		const missing = missingFeatures(this.#host);
		this.#lacksNothing = missing.length === 0;
		return missing;
	}

	#links(links: readonly Link[]): HostLink[] {
		const names = new Map(links.map(({ index, name }) => [index, name]));
		return links.map(({ name, mtu, master }) => ({
			name,
			mtu,
			master: master === undefined ? undefined : names.get(master),
			// Hundreds of legs are not asked one by one.
			forwards: master !== undefined || this.#flag(`net/ipv4/conf/${name}/forwarding`) !== false,
			ipv6: master !== undefined || this.#flag(`net/ipv6/conf/${name}/disable_ipv6`) === false,
		}));
	}

	#conntrack(): Fill | undefined {
		const entries = this.#setting("net/netfilter/nf_conntrack_count");
		const limit = this.#setting("net/netfilter/nf_conntrack_max");
		return entries === undefined || limit === undefined
			? undefined
			: { entries: Number(entries), limit: Number(limit) };
	}

	#neighbours(rtnl: Rtnetlink): ObservedHost["neighbours"] {
		return neighbourTables(this.#host).map(({ family, entries, limit }) => {
			const permanent = rtnl.neighbours.list({ family }).filter((neighbour) => neighbour.permanent).length;
			return { family, entries: entries - permanent, limit };
		});
	}

	#ephemeral(): ObservedHost["ephemeral"] {
		const [first = 0, last = 0] = (this.#setting("net/ipv4/ip_local_port_range") ?? "").split(/\s+/).map(Number);
		return { first, last, kept: parseRanges(this.#setting("net/ipv4/ip_local_reserved_ports") ?? "") };
	}

	/** Only this table drops what is forwarded. */
	#hasFilter(names: string): boolean {
		return contentsOf(this.#host, names).split("\n").includes("filter");
	}

	#flag(name: string): boolean | undefined {
		const value = this.#setting(name);
		return value === undefined ? undefined : value !== "0";
	}

	/** Undefined without it: a module that is not loaded, a link that went meanwhile. */
	#setting(name: string): string | undefined {
		return unlessAbsent(() => readSysctl(this.#host, name));
	}
}

function contentsOf(host: string | undefined, path: string): string {
	return unlessAbsent(() => inNetnsOrHere(host, () => readFileSync(path, "utf8"))) ?? "";
}

function unlessAbsent(body: () => string): string | undefined {
	try {
		return body();
	} catch (error) {
		if (isErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

function routes(rtnl: Rtnetlink, links: readonly Link[]): HostRoute[] {
	const names = new Map(links.map(({ index, name }) => [index, name]));
	return rtnl.routes
		.list()
		.filter(({ table }) => table !== TABLE_LOCAL)
		.map(({ destination, nexthops, metric, table }) => ({
			destination,
			links: nexthops.map(({ link }) => names.get(link ?? 0)).filter((name) => name !== undefined),
			metric: metric ?? 0,
			table,
		}));
}

/** As `8080,9000-9100`. */
function parseRanges(text: string): PortRange[] {
	return text
		.split(",")
		.filter((part) => part !== "")
		.map((part) => {
			const [first = 0, last = first] = part.split("-").map(Number);
			return { first, last };
		});
}
