/** The host's own macvlans on the segments of networks. */
import type { IfName } from "#lib/address/if-name.ts";
import { bitsOf } from "#lib/address/ip.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import type { Shim } from "../links.ts";
import { isOfNetwork, NETWORK_MARK } from "./marks.ts";

export class Shims {
	readonly #rtnl: Rtnetlink;
	readonly #log: Log;

	constructor(rtnl: Rtnetlink, log: Log) {
		this.#rtnl = rtnl;
		this.#log = log;
	}

	/** A single address each, and a route: with the subnet's length the kernel would lead the host's whole segment this way. */
	ensure(shim: Shim): void {
		const lower = this.#rtnl.links.find(shim.parent)?.index;
		if (lower === undefined) throw faults.PARENT_NOT_FOUND({ parent: shim.parent });
		const link = this.#present(shim, lower) ?? this.#make(shim, lower);
		this.#ensureAddresses(link, shim);
		const { mac, mtu = link.mtu } = shim;
		if (!link.up || link.mac !== mac || link.mtu !== mtu) {
			this.#rtnl.links.set(link.index, { up: true, mac, mtu });
			killPoint("netd.shim.up");
		}
		for (const { address: source, range: destination } of shim.ways)
			this.#rtnl.routes.replace({ destination, link: link.index, source });
		killPoint("netd.shim.routed");
	}

	/** One on another parent or in another mode is of no use. */
	#present({ name, networkId }: Shim, lower: number): Link | undefined {
		const link = this.#rtnl.links.find(name);
		if (link === undefined) return undefined;
		if (!isOfNetwork(link, networkId)) throw faults.INTERFACE_EXISTS({ interface: name });
		if (link.kind === "macvlan" && link.lower === lower && link.macvlanMode === "bridge" && link.alias !== undefined)
			return link;
		this.#rtnl.links.remove(link.index);
		return undefined;
	}

	#make(shim: Shim, lower: number): Link {
		const { name, networkId, parent, mac, mtu } = shim;
		this.#refuseTaken(shim);
		this.#rtnl.links.addMacvlan({ name, lower, mode: "bridge", mac, mtu });
		killPoint("netd.shim.made");
		this.#rtnl.links.set(name, { alias: NETWORK_MARK + networkId });
		killPoint("netd.shim.marked");
		this.#log.change("shim.add", { name, parent, network: networkId });
		return this.#rtnl.links.get(name);
	}

	/** The host's own way to its segment would be lost to the shim, or the shim's to that. */
	#refuseTaken({ ways }: Shim): void {
		for (const { ip, link } of this.#rtnl.addresses.list()) {
			const taken = ways.find(({ range }) => range.contains(ip));
			if (taken === undefined) continue;
			const holder: IfName | undefined = this.#rtnl.links.find(link)?.name;
			const metadata = { range: taken.range.toString(), address: ip.toString(), interface: holder ?? "" };
			throw faults.SHIM_RANGE_TAKEN(metadata, { field: "subnets" });
		}
	}

	#ensureAddresses({ index: link }: Link, { ways }: Shim): void {
		const present = this.#rtnl.addresses.list({ link }).filter(({ scope }) => scope === "global");
		const isWanted = ({ ip, prefix }: (typeof present)[number]): boolean =>
			prefix === bitsOf(ip.family) && ways.some(({ address }) => address.equals(ip));
		for (const address of present.filter((one) => !isWanted(one))) this.#rtnl.addresses.remove(address);
		for (const { address: ip } of ways) {
			if (present.some((one) => one.ip.equals(ip) && isWanted(one))) continue;
			this.#rtnl.addresses.add({ link, ip, prefix: bitsOf(ip.family) });
			killPoint("netd.shim.addressed");
		}
	}
}
