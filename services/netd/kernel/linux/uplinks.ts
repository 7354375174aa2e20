/**
 * Interfaces of the host's as ports of networks' bridges, and what the host has there: addresses and routes.
 *
 * Whatever happens, the host keeps its way: joining and leaving are one step of the kernel's each, and the bridge's mark says
 * what has to go back, so that it does also when nothing else is known of the bridge any more.
 */
import { readFileSync } from "node:fs";
import { IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import { RTPROT_KERNEL, TABLE_LOCAL } from "#lib/linux/netlink/routes.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import type { HostRoute, HostSettings, Uplink } from "../links.ts";
import { getLowerLink } from "./lower-link.ts";
import { markedUplink } from "./marks.ts";

export class Uplinks {
	readonly #rtnl: Rtnetlink;
	readonly #log: Log;

	constructor(rtnl: Rtnetlink, log: Log) {
		this.#rtnl = rtnl;
		this.#log = log;
	}

	/** The interface if it can be, or is, a port of this bridge. */
	usable({ name, moves }: Uplink, bridge: Link | undefined, mtu: number): Link {
		const link = getLowerLink(this.#rtnl, name, { mtu, port: { of: bridge?.index } });
		const [address] = link.master === undefined && !moves ? this.#addresses(link) : [];
		if (address !== undefined)
			throw faults.UPLINK_HAS_ADDRESSES({ uplink: name, address: address.toString() }, { field: "options" });
		return link;
	}

	/** What came to the interface since it joined goes over as well. The bridge is up then. */
	ensure(bridge: Link, port: Link, { moves, settings }: Uplink): void {
		const { index: to } = bridge;
		const isPort = port.master === to;
		const isBare = moves && this.#addresses(port).length === 0;
		if (!isPort || (moves && !isBare)) {
			const passing = { from: port.index, to, port: port.index, master: to, before: port.master ?? 0 };
			if (moves) this.#rtnl.layer.pass(passing);
			else this.#rtnl.links.set(port.index, { master: to });
			killPoint("netd.uplink.joined");
			this.#log.change("uplink.join", { name: port.name, bridge: bridge.name, moves });
		}
		if (isBare) this.#restore(bridge, settings);
		// The kernel forgets routes, and IPv6 addresses, with a link that is taken down.
		if (isPort && moves && !bridge.up) this.#apply(bridge, settings);
	}

	/** What the bridge's mark says, and nothing where it is no port any more. */
	leave(bridge: Link): void {
		const uplink = markedUplink(bridge);
		const port = uplink && this.#rtnl.links.find(uplink.name);
		if (uplink === undefined || port === undefined || port.master !== bridge.index) return;
		const { index: from } = bridge;
		if (uplink.moves) this.#rtnl.layer.pass({ from, to: port.index, port: port.index, master: 0, before: from });
		else this.#rtnl.links.set(port.index, { master: null });
		killPoint("netd.uplink.left");
		this.#log.change("uplink.leave", { name: uplink.name, bridge: bridge.name });
	}

	/** After the bridge was taken away with what had moved there. */
	restoreAlone({ name, moves, settings }: Uplink): void {
		const link = this.#rtnl.links.find(name);
		if (!moves || link === undefined || link.master !== undefined) return;
		this.#restore(link, settings);
	}

	observe(bridge: IfName, uplink: IfName): HostSettings {
		const links = [uplink, bridge]
			.map((name) => this.#rtnl.links.find(name))
			.filter((link) => link !== undefined)
			.filter(({ up }) => up);
		const routes = this.#rtnl.routes
			.list()
			.flatMap(({ destination, protocol, type, table, source, metric, nexthops }) => {
				const [nexthop] = nexthops;
				const isOurs = nexthop !== undefined && links.some(({ index }) => index === nexthop.link);
				// What the kernel made for an address it makes again.
				if (!isOurs || type !== "unicast" || protocol === RTPROT_KERNEL || table === TABLE_LOCAL) return [];
				return [{ destination, gateway: nexthop.gateway, source, metric, table }];
			});
		return { bootId: bootId(), addresses: links.flatMap((link) => this.#addresses(link)), routes: distinct(routes) };
	}

	/** Where the host has nothing, and had something since the machine runs. */
	#restore(link: Link, settings: HostSettings | undefined): void {
		if (this.#addresses(link).length === 0) this.#apply(link, settings);
	}

	#apply(link: Link, settings: HostSettings | undefined): void {
		if (settings === undefined || settings.bootId !== bootId()) return;
		for (const { ip, prefix } of settings.addresses) this.#rtnl.addresses.replace({ link: link.index, ip, prefix });
		const direct = settings.routes.filter(({ gateway }) => gateway === undefined);
		for (const route of [...direct, ...settings.routes.filter((one) => !direct.includes(one))])
			this.#restoreRoute(link, route);
		killPoint("netd.uplink.restored");
		this.#log.change("uplink.restore", { name: link.name, addresses: settings.addresses.map(String) });
	}

	/** One that the kernel does not take now is none that the others should wait for. */
	#restoreRoute({ index: link }: Link, route: HostRoute): void {
		try {
			this.#rtnl.routes.replace({ ...route, link });
		} catch (error) {
			if (!isErrno(error, "EEXIST", "ENETUNREACH", "EHOSTUNREACH", "EINVAL")) throw error;
			this.#log.warn("a route of the host's could not be put back", {
				route: route.destination.toString(),
				err: error,
			});
		}
	}

	#addresses({ index: link }: Link): IpInterface[] {
		return this.#rtnl.addresses
			.list({ link })
			.filter((address) => address.link === link && address.scope === "global")
			.map(({ ip, prefix }) => IpInterface.of(ip, prefix));
	}
}

function distinct(routes: readonly HostRoute[]): HostRoute[] {
	return [...new Map(routes.map((route) => [`${route.destination} ${route.metric} ${route.table}`, route])).values()];
}

function bootId(): string {
	return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
