/**
 * The making of an endpoint's veth pair: one end a port of the bridge, the other born in the sandbox under its final name.
 *
 * Two steps, so that the pair can be made while its addresses are being chosen. Where neighbours may know the addresses by another
 * MAC, for minutes, they are told (`arp_notify`, `ndisc_notify`) once the bridge forwards from the port: what the kernel tells when
 * the sandbox's end comes up is most often lost, as the port learns of its carrier later. It comes up in the first step therefore,
 * without addresses, and without IPv6, whose link-local address would be made of a MAC that does not stay. Telling goes to every
 * port of the bridge: with nine hundred it takes 3 ms.
 */
import { setImmediate } from "node:timers/promises";
import { existsSync } from "node:fs";
import type { IfName } from "#lib/address/if-name.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { Fault } from "#lib/fault/fault.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { inNetns } from "#lib/linux/netns.ts";
import type { Ipv6Setting, Ipv6Settings } from "#lib/linux/netlink/link-settings.ts";
import type { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import type { InnerEnd, Leg, Setting } from "../links.ts";
import type { Insides } from "./insides.ts";

/** The bridge forwards once the kernel's link watch has run, some 100 µs after the carrier came. */
const FORWARDING_TIMEOUT_MS = 1_000;

export interface LegBuilderParts {
	readonly rtnl: Rtnetlink;
	readonly host: string | undefined;
	readonly insides: Insides;
	readonly log: Log;
	readonly mark: (endpointId: string) => string;
}

export class LegBuilder {
	readonly hasIpv6 = existsSync("/proc/sys/net/ipv6");
	readonly #parts: LegBuilderParts;

	constructor(parts: LegBuilderParts) {
		this.#parts = parts;
	}

	async ensure(leg: Leg): Promise<void> {
		const { rtnl, log, mark } = this.#parts;
		const bridge = rtnl.links.get(leg.bridge).index;
		if (!(await this.#makePair(leg, bridge))) rtnl.links.set(leg.hostInterface, { master: bridge });
		const port = { hairpin: leg.hairpin, isolated: leg.isolated };
		rtnl.links.set(leg.hostInterface, { up: true, alias: mark(leg.endpointId), port });
		killPoint("netd.leg.up");
		this.#raise(leg);
		log.change("leg.ensure", { name: leg.hostInterface, bridge: leg.bridge, interface: leg.interface });
	}

	async ensureInnerEnd(end: InnerEnd): Promise<void> {
		using inside = this.#parts.insides.open(end.netns);
		const { rtnl } = inside;
		const link = rtnl.links.getWithIpv6(end.interface);
		const mac = link.mac === end.mac ? undefined : end.mac;
		// What IPv6 does when a link comes up, or is first of IPv6, is to be settled by then; and the MAC before that.
		if (!link.up) setIpv6(end, link.ipv6);
		rtnl.links.set(link.index, { up: true, mac, arpNotify: end.isAnnounced || undefined });
		if (link.up) setIpv6(end, link.ipv6);
		if (end.settings.length > 0)
			inNetns(end.netns, () => end.settings.forEach((one) => writeSetting(end.interface, one)));
		for (const { ip, prefix } of end.addresses) rtnl.addresses.replace({ link: link.index, ip, prefix });
		killPoint("netd.leg.addressed");
		if (end.hostInterface !== undefined) await this.#untilForwarding(end.hostInterface);
		if (!end.isAnnounced) return;
		// A MAC that is set, the same one too, is what the kernel tells the neighbours of, for every address.
		rtnl.links.set(link.index, { mac: end.mac });
		killPoint("netd.leg.announced");
	}

	#raise({ netns, interface: name }: Leg): void {
		using inside = this.#parts.insides.open(netns);
		const { index, up, ipv6 } = inside.rtnl.links.getWithIpv6(name);
		if (up) return;
		setIpv6({ netns, interface: name, ipv6: false }, ipv6);
		inside.rtnl.links.set(index, { up: true });
	}

	/** False when it is there. A pair of which only the host's end is where it should be is of no use, and made anew. */
	async #makePair(leg: Leg, bridge: number): Promise<boolean> {
		const { rtnl } = this.#parts;
		try {
			this.#addPair(leg, bridge);
		} catch (error) {
			const isThere = isErrno(error, "EEXIST") && rtnl.links.find(leg.hostInterface) !== undefined;
			if (!isThere) throw error;
			if (this.#isThere(leg)) return false;
			await rtnl.links.removeAside(leg.hostInterface);
			this.#addPair(leg, bridge);
		}
		return true;
	}

	#addPair({ hostInterface, netns, interface: name, mtu }: Leg, master: number): void {
		const { rtnl, host } = this.#parts;
		rtnl.links.addVeth({ name: hostInterface, mtu, master, peer: { name, netns, mtu } });
		killPoint("netd.leg.made");
		// A port needs no address of its own, and with IPv6 every port hears every other's multicast.
		if (this.hasIpv6) writeSysctl(host, `net/ipv6/conf/${hostInterface}/disable_ipv6`, "1");
	}

	/** The sandbox's end. */
	#isThere({ netns, interface: name }: Leg): boolean {
		using inside = this.#parts.insides.find(netns);
		return inside?.rtnl.links.find(name) !== undefined;
	}

	async #untilForwarding(hostInterface: IfName): Promise<void> {
		const { rtnl } = this.#parts;
		const deadline = performance.now() + FORWARDING_TIMEOUT_MS;
		do {
			if (performance.now() > deadline) throw notForwarding(hostInterface);
			await setImmediate();
		} while (rtnl.links.get(hostInterface).operational !== "up");
	}
}

/** Addresses that can be used at once, and none that a router on the segment thinks of. */
const WITH_IPV6 = { accept_ra: 0, accept_dad: 0, autoconf: 0, ndisc_notify: 1, disable_ipv6: 0 } as const;
const WITHOUT_IPV6 = { disable_ipv6: 1 } as const;

type Ipv6End = Pick<InnerEnd, "netns" | "interface" | "ipv6">;

/** In a namespace of ours a link without IPv6 is born so. */
function setIpv6({ netns, interface: name, ipv6 }: Ipv6End, present: Ipv6Settings | undefined): void {
	if (present === undefined) return;
	const wanted = Object.entries(ipv6 ? WITH_IPV6 : WITHOUT_IPV6) as [Ipv6Setting, number][];
	const missing = wanted.filter(([setting, value]) => present[setting] !== value);
	if (missing.length === 0) return;
	inNetns(netns, () => {
		for (const [setting, value] of missing) writeSysctl(undefined, `net/ipv6/conf/${name}/${setting}`, value);
	});
}

function writeSetting(name: IfName, setting: Setting): void {
	try {
		writeSysctl(undefined, `${setting.group}/${name}/${setting.name}`, setting.value);
	} catch (error) {
		if (!isErrno(error, "ENOENT", "EINVAL", "ERANGE", "EACCES", "EPERM", "EIO")) throw error;
		const words = error instanceof Error ? error.message.replace(/,.*/s, "") : "";
		const metadata = { setting: `${setting.group}/${setting.name}`, value: setting.value, words };
		throw faults.SETTING_REFUSED(metadata, { field: "options", cause: error });
	}
}

function notForwarding(name: IfName): Fault {
	return new Fault({
		code: "INTERNAL",
		reason: "KERNEL_REFUSED",
		domain: "netd",
		message: `The bridge does not forward at its port ${name}.`,
		metadata: { interface: name },
	});
}
