/** The host's links that macvlans are on: an interface of the host's as it is, or one that netd makes for a network. */
import type { IfName } from "#lib/address/if-name.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import { bridgeName } from "../../id.ts";
import type { MadeParent, Parent } from "../links.ts";
import { isOfNetwork, NETWORK_MARK } from "./marks.ts";

export class Parents {
	readonly #rtnl: Rtnetlink;
	readonly #log: Log;

	constructor(rtnl: Rtnetlink, log: Log) {
		this.#rtnl = rtnl;
		this.#log = log;
	}

	ensure(parent: Parent): void {
		if (parent.made === undefined) {
			this.#usable(parent.name, parent.mtu);
			return;
		}
		const link = this.#find(parent) ?? this.#make(parent, parent.made);
		if (link.up) return;
		this.#rtnl.links.set(link.index, { up: true });
		killPoint("netd.parent.up");
	}

	/** One that macvlans can be on, and that lets frames pass. */
	#usable(name: IfName, mtu = 0): Link {
		const link = this.#rtnl.links.find(name);
		if (link === undefined) throw faults.PARENT_NOT_FOUND({ parent: name });
		if (link.loopback) throw faults.PARENT_UNUSABLE({ parent: name, why: "it is the loopback" });
		if (link.master !== undefined) {
			const master = this.#rtnl.links.find(link.master)?.name ?? "another link";
			throw faults.PARENT_UNUSABLE({ parent: name, why: `it is a port of ${master}` });
		}
		if (!link.up) throw faults.PARENT_UNUSABLE({ parent: name, why: "it is down" });
		if (link.mtu < mtu)
			throw faults.PARENT_UNUSABLE({ parent: name, why: `its MTU is ${link.mtu}, and the network's ${mtu}` });
		return link;
	}

	#find({ name, networkId }: Parent): Link | undefined {
		const link = this.#rtnl.links.find(name);
		if (link === undefined) return undefined;
		if (!isOfNetwork(link, networkId)) throw faults.INTERFACE_EXISTS({ interface: name });
		return link.alias === undefined ? undefined : link;
	}

	/** As a bridge is made: under the name that only its id makes, marked, and then renamed. */
	#make({ name, networkId, mtu }: Parent, made: MadeParent): Link {
		const first = bridgeName(networkId);
		if (this.#rtnl.links.find(first) === undefined) {
			this.#add(first, mtu, made);
			killPoint("netd.parent.made");
		}
		this.#rtnl.links.set(first, { alias: NETWORK_MARK + networkId });
		killPoint("netd.parent.marked");
		if (name !== first) this.#rtnl.links.set(first, { name });
		this.#log.change("parent.add", { name, network: networkId });
		return this.#rtnl.links.get(name);
	}

	#add(name: IfName, mtu: number | undefined, made: MadeParent): void {
		try {
			if (made.kind === "dummy") this.#rtnl.links.addDummy({ name, mtu });
			else this.#rtnl.links.addVlan({ name, mtu, lower: this.#usable(made.on, mtu).index, id: made.id });
		} catch (error) {
			throw isErrno(error, "EOPNOTSUPP") ? faults.LINK_KIND_UNSUPPORTED({ kind: made.kind }) : error;
		}
	}
}
