/** The host's routes and addresses through rtnetlink, and its nameservers from where resolvers look. */
import { readFileSync } from "node:fs";
import { bitsOf, Ip } from "#lib/address/ip.ts";
import { IpInterface } from "#lib/address/cidr.ts";
import type { ObservedRoute } from "#lib/linux/netlink/routes.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { HostNetwork, HostObservation, HostRoute } from "../host-network.ts";

/** The second has the real servers where the first names systemd-resolved's stub. */
const RESOLVERS = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/** One answer for all is as long as some ten for one each. */
const FEW = 30;

export class KernelHostNetwork implements HostNetwork, Disposable {
	readonly #rtnetlink: Rtnetlink;
	readonly #resolvers: readonly string[];

	/** Of the network namespace at `netns`, or of the process's own. */
	constructor({ netns, resolvers = RESOLVERS }: { netns?: string; resolvers?: readonly string[] } = {}) {
		this.#rtnetlink = Rtnetlink.open(netns);
		this.#resolvers = resolvers;
	}

	async observe(): Promise<HostObservation> {
		const routes = this.#rtnetlink.routes.list().filter(isSomewhere);
		const addresses = this.#rtnetlink.addresses.list();
		const links = [...addresses.map(({ link }) => link), ...routes.map(linkOf)];
		const names = this.#names(new Set(links.filter((link) => link !== undefined)));
		return {
			routes: routes.map((route) => hostRoute(route.destination, names.get(linkOf(route) ?? 0))),
			addresses: addresses.map(({ ip, prefix, link }) => ({
				address: IpInterface.of(ip, prefix),
				link: names.get(link) ?? `link ${link}`,
			})),
			nameservers: this.#resolvers.flatMap(nameservers),
		};
	}

	/** Most links of a host with containers have neither addresses nor routes: few are asked for one by one, many all at once. */
	#names(indexes: ReadonlySet<number>): Map<number, string> {
		const { links } = this.#rtnetlink;
		const found = indexes.size > FEW ? links.list() : [...indexes].map((index) => links.find(index));
		return new Map(found.filter((link) => link !== undefined).map(({ index, name }) => [index, name]));
	}

	[Symbol.dispose](): void {
		this.#rtnetlink[Symbol.dispose]();
	}
}

function linkOf({ nexthops }: ObservedRoute): number | undefined {
	return nexthops[0]?.link;
}

function hostRoute(destination: HostRoute["destination"], link: string | undefined): HostRoute {
	return link === undefined ? { destination } : { destination, link };
}

/** Without what the kernel adds to each address (its own /32, broadcast, multicast): the addresses are told themselves. */
function isSomewhere({ type, destination }: ObservedRoute): boolean {
	if (type === "broadcast" || type === "multicast" || type === "anycast") return false;
	return type !== "local" || destination.prefix < bitsOf(destination.family);
}

/** resolv.conf(5). A file that is not there names none; what is no address (or has a zone) names no server that matters here. */
function nameservers(path: string): Ip[] {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch {
		return [];
	}
	return [...text.matchAll(/^nameserver[ \t]+([0-9a-fA-F.:]+)[ \t]*$/gm)].flatMap(([, address = ""]) => {
		try {
			return [Ip.parse(address)];
		} catch {
			return [];
		}
	});
}
