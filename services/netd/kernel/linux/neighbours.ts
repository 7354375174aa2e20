/**
 * What the host knows of who has an address. netd writes none of it, and the kernel learns it; but what somebody has written
 * stays, and nobody is asked.
 */
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import type { HostNeighbour, WrittenNeighbour } from "../links.ts";

export class HostNeighbours {
	readonly #rtnl: Rtnetlink;
	readonly #log: Log;

	constructor(rtnl: Rtnetlink, log: Log) {
		this.#rtnl = rtnl;
		this.#log = log;
	}

	written(): WrittenNeighbour[] {
		return this.#rtnl.neighbours
			.list()
			.filter(({ permanent }) => permanent)
			.flatMap(({ link, ip, mac }) => {
				const name = this.#rtnl.links.find(link)?.name;
				return name === undefined ? [] : [{ interface: name, ip, mac }];
			});
	}

	ensureReachable({ interface: name, ip, mac }: HostNeighbour): boolean {
		const link = this.#rtnl.links.find(name)?.index;
		const present = link === undefined ? undefined : this.#rtnl.neighbours.find({ link, ip });
		if (present === undefined || !present.permanent || present.mac === mac) return false;
		try {
			this.#rtnl.neighbours.remove(present);
		} catch (error) {
			if (!isErrno(error, "ENOENT", "ENODEV")) throw error;
		}
		killPoint("netd.neighbour.removed");
		this.#log.change("neighbour.remove", { interface: name, address: ip.toString(), mac: present.mac });
		return true;
	}
}
