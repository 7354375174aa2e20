/**
 * Endpoints' macvlans: each is in its sandbox alone, and nowhere on the host.
 *
 * It is born there under a name that only the endpoint's id makes; one message gives it its mark and its final name. So no
 * moment leaves a link whose owner cannot be told.
 */
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import { legName } from "../../id.ts";
import type { Macvlan, MacvlanRef, ObservedMacvlan } from "../links.ts";
import type { Insides } from "./insides.ts";
import { ENDPOINT_MARK, marked } from "./marks.ts";

export class Macvlans {
	readonly #host: Rtnetlink;
	readonly #insides: Insides;
	readonly #log: Log;

	constructor(host: Rtnetlink, insides: Insides, log: Log) {
		this.#host = host;
		this.#insides = insides;
		this.#log = log;
	}

	async ensure(wanted: Macvlan): Promise<void> {
		const { endpointId, netns, interface: name, parent, mode, mtu } = wanted;
		const lower = this.#host.links.find(parent)?.index;
		if (lower === undefined) throw faults.PARENT_NOT_FOUND({ parent });
		using inside = this.#insides.open(netns);
		const { rtnl } = inside;
		const present = ofEndpoint(rtnl, endpointId);
		if (present !== undefined) {
			if (present.name === name && present.macvlanMode === mode && present.lower === lower) return;
			await rtnl.links.removeAside(present.index);
		}
		const first = legName(endpointId);
		this.#host.links.addMacvlan({ name: first, lower, mode, mtu, netns });
		killPoint("netd.macvlan.made");
		rtnl.links.set(first, { name, alias: ENDPOINT_MARK + endpointId });
		killPoint("netd.macvlan.named");
		this.#log.change("macvlan.ensure", { interface: name, parent, mode });
	}

	async remove({ endpointId, netns }: MacvlanRef): Promise<void> {
		using inside = this.#insides.find(netns);
		if (inside === undefined) return;
		const { rtnl } = inside;
		const link = ofEndpoint(rtnl, endpointId);
		if (link === undefined) return;
		try {
			await rtnl.links.removeAside(link.index);
		} catch (error) {
			if (!isErrno(error, "ENODEV")) throw error;
		}
		killPoint("netd.macvlan.removed");
		this.#log.change("macvlan.remove", { interface: link.name });
	}

	observe(netns: string): ObservedMacvlan[] {
		using inside = this.#insides.open(netns);
		return inside.rtnl.links.list({ kind: "macvlan" }).flatMap((link) => {
			const endpointId = marked(link, ENDPOINT_MARK);
			if (endpointId === undefined) return [];
			const parent = link.lower === undefined ? undefined : this.#host.links.find(link.lower)?.name;
			return [{ interface: link.name, endpointId, parent, mode: link.macvlanMode, up: link.up }];
		});
	}
}

function ofEndpoint(rtnl: Rtnetlink, endpointId: string): Link | undefined {
	const name = legName(endpointId);
	return rtnl.links
		.list({ kind: "macvlan" })
		.find((link) => marked(link, ENDPOINT_MARK) === endpointId || link.name === name);
}
