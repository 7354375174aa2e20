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
import { getLowerLink } from "./lower-link.ts";
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
			getLowerLink(this.#rtnl, parent.name, { mtu: parent.mtu ?? 0 });
			return;
		}
		const link = this.#find(parent) ?? this.#make(parent, parent.made);
		if (link.up) return;
		this.#rtnl.links.set(link.index, { up: true });
		killPoint("netd.parent.up");
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
			if (made.kind === "dummy") return this.#rtnl.links.addDummy({ name, mtu });
			const { index: lower } = getLowerLink(this.#rtnl, made.on, { mtu: mtu ?? 0 });
			this.#rtnl.links.addVlan({ name, mtu, lower, id: made.id });
		} catch (error) {
			throw isErrno(error, "EOPNOTSUPP") ? faults.LINK_KIND_UNSUPPORTED({ kind: made.kind }) : error;
		}
	}
}
