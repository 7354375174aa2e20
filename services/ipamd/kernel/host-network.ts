/** The host's routes and addresses through rtnetlink, and its nameservers from where resolvers look. */
import { readFileSync } from "node:fs";
import { bitsOf, Ip } from "#lib/address/ip.ts";
import { IpInterface } from "#lib/address/cidr.ts";
import type { ObservedRoute } from "#lib/linux/netlink/routes.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { HostNetwork, HostObservation, HostRoute } from "../host-network.ts";

/** The second has the real servers where the first names systemd-resolved's stub. */
const RESOLVERS = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

export class KernelHostNetwork implements HostNetwork, Disposable {
	readonly #rtnetlink: Rtnetlink;
	readonly #resolvers: readonly string[];

	/** Of the network namespace at `netns`, or of the process's own. */
	constructor({ netns, resolvers = RESOLVERS }: { netns?: string; resolvers?: readonly string[] } = {}) {
		this.#rtnetlink = Rtnetlink.open(netns);
		this.#resolvers = resolvers;
	}

	async observe(): Promise<HostObservation> {
		const { links, addresses, routes } = this.#rtnetlink;
		const names = new Map(links.list().map(({ index, name }) => [index, name]));
		return {
			routes: routes
				.list()
				.filter(isSomewhere)
				.map(({ destination, nexthops }) => hostRoute(destination, names.get(nexthops[0]?.link ?? 0))),
			addresses: addresses.list().map(({ ip, prefix, link }) => ({
				address: IpInterface.of(ip, prefix),
				link: names.get(link) ?? `link ${link}`,
			})),
			nameservers: this.#resolvers.flatMap(nameservers),
		};
	}

	[Symbol.dispose](): void {
		this.#rtnetlink[Symbol.dispose]();
	}
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
