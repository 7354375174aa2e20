/**
 * The making of an endpoint's veth pair: one end a port of the bridge, the other born in the sandbox under its final name.
 *
 * Two steps, so that the pair can be made while its addresses are being chosen. Neighbours may know the addresses under another MAC
 * for minutes, so they are told (`arp_notify`, `ndisc_notify`) once the bridge forwards from the port: what the kernel tells when
 * the sandbox's end comes up is most often lost, as the port learns of its carrier later. It comes up without addresses therefore,
 * and where that does no harm in the first step.
 */
import { setImmediate } from "node:timers/promises";
import { existsSync } from "node:fs";
import type { IfName } from "#lib/address/if-name.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { Fault } from "#lib/fault/fault.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { inNetns } from "#lib/linux/netns.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { readSysctl, writeSysctl } from "#lib/linux/sysctl.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import type { InnerEnd, Leg, Setting } from "../links.ts";

/** The bridge forwards once the kernel's link watch has run, some 100 µs after the carrier came. */
const FORWARDING_TIMEOUT_MS = 1_000;

export interface LegBuilderParts {
	readonly rtnl: Rtnetlink;
	readonly host: string | undefined;
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
		if (leg.early) this.#raise(leg);
		log.change("leg.ensure", { name: leg.hostInterface, bridge: leg.bridge, interface: leg.interface });
	}

	/** All but the announcement during one visit to the namespace. */
	async ensureInnerEnd(end: InnerEnd): Promise<void> {
		using inside = inNetns(end.netns, () => this.#address(end));
		killPoint("netd.leg.addressed");
		if (end.hostInterface !== undefined) await this.#untilForwarding(end.hostInterface);
		// A MAC that is set, the same one too, is what the kernel tells the neighbours of, for every address.
		inside.links.set(end.interface, { mac: end.mac });
		killPoint("netd.leg.announced");
	}

	/** The thread is inside; what is answered with stays usable. */
	#address(end: InnerEnd): Rtnetlink {
		using doors = new DisposableStack();
		const rtnl = doors.use(Rtnetlink.open());
		const link = rtnl.links.get(end.interface);
		if (!link.up) this.#prepare(end);
		for (const setting of end.settings) writeSetting(end.interface, setting);
		rtnl.links.set(link.index, { up: true, mac: link.mac === end.mac ? undefined : end.mac });
		for (const { ip, prefix } of end.addresses) rtnl.addresses.replace({ link: link.index, ip, prefix });
		doors.move();
		return rtnl;
	}

	#raise({ netns, interface: name }: Leg): void {
		inNetns(netns, () => {
			using rtnl = Rtnetlink.open();
			this.#prepare({ interface: name, ipv6: false });
			rtnl.links.set(name, { up: true });
		});
	}

	/** The kernel's settings of an end that is about to come up. The thread is inside. */
	#prepare(end: Pick<InnerEnd, "interface" | "ipv6">): void {
		writeSysctl(undefined, `net/ipv4/conf/${end.interface}/arp_notify`, "1");
		if (this.hasIpv6) setIpv6(end);
	}

	/** False when it is there. A pair of which only the host's end is where it should be is of no use, and made anew. */
	async #makePair(leg: Leg, bridge: number): Promise<boolean> {
		const { rtnl } = this.#parts;
		try {
			this.#addPair(leg, bridge);
		} catch (error) {
			const isThere = isErrno(error, "EEXIST") && rtnl.links.find(leg.hostInterface) !== undefined;
			if (!isThere) throw error;
			if (hasLink(leg.netns, leg.interface)) return false;
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
const IPV6_SETTINGS = { disable_ipv6: "0", accept_ra: "0", accept_dad: "0", autoconf: "0", ndisc_notify: "1" } as const;

function setIpv6({ interface: name, ipv6 }: Pick<InnerEnd, "interface" | "ipv6">): void {
	const settings = ipv6 ? IPV6_SETTINGS : { disable_ipv6: "1" };
	for (const [key, value] of Object.entries(settings)) {
		const setting = `net/ipv6/conf/${name}/${key}`;
		// Writing takes the lock of all links; in a namespace of ours what a link is born with is right as a rule.
		if (readSysctl(undefined, setting) !== value) writeSysctl(undefined, setting, value);
	}
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

function hasLink(netns: string, name: IfName): boolean {
	try {
		using rtnl = Rtnetlink.open(netns);
		return rtnl.links.find(name) !== undefined;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return false;
		throw error;
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
