/** Bridges and legs through rtnetlink, in the namespace that is the host. */
import type { IfName } from "#lib/address/if-name.ts";
import { type IpInterface } from "#lib/address/cidr.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { readSysctl, writeSysctl } from "#lib/linux/sysctl.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import { bridgeName, isBridgeName, isLegName } from "../../id.ts";
import type {
	Bridge,
	DefaultRoutes,
	HostNeighbour,
	HostSettings,
	InnerEnd,
	Leg,
	Links,
	Macvlan,
	MacvlanRef,
	ObservedBridge,
	ObservedInside,
	ObservedLeg,
	ObservedMacvlan,
	Parent,
	Shim,
	SourceRoute,
	Uplink,
	WrittenNeighbour,
} from "../links.ts";
import { Insides } from "./insides.ts";
import { LegBuilder } from "./leg.ts";
import { Macvlans } from "./macvlan.ts";
import { bridgeMark, ENDPOINT_MARK, isForeign, isOfNetwork, marked, NETWORK_MARK } from "./marks.ts";
import { HostNeighbours } from "./neighbours.ts";
import { Parents } from "./parents.ts";
import { refusal, refusalAside } from "./refusal.ts";
import { ensureDefaultRoutes, ensureSourceRoutes, interfaceNames, observeInside } from "./sandbox-routes.ts";
import { Shims } from "./shims.ts";
import { Uplinks } from "./uplinks.ts";

/** What a network of ours can be on, and a shim is. */
const NETWORK_KINDS: readonly (string | undefined)[] = ["bridge", "dummy", "vlan", "macvlan"];

export class LinuxLinks implements Links, Disposable {
	readonly #rtnl: Rtnetlink;
	readonly #host: string | undefined;
	readonly #log: Log;
	readonly #insides = new Insides();
	readonly #legs: LegBuilder;
	readonly #macvlans: Macvlans;
	readonly #neighbours: HostNeighbours;
	readonly #parents: Parents;
	readonly #shims: Shims;
	readonly #uplinks: Uplinks;

	/** `host`: the namespace that plays the host; the process's own unless it is said. */
	constructor(log: Log, host?: string) {
		this.#rtnl = Rtnetlink.open(host);
		this.#host = host;
		this.#log = log;
		this.#legs = new LegBuilder({
			rtnl: this.#rtnl,
			host,
			insides: this.#insides,
			log,
			mark: (endpointId) => ENDPOINT_MARK + endpointId,
		});
		this.#macvlans = new Macvlans(this.#rtnl, this.#insides, log);
		this.#neighbours = new HostNeighbours(this.#rtnl, log);
		this.#parents = new Parents(this.#rtnl, log);
		this.#shims = new Shims(this.#rtnl, log);
		this.#uplinks = new Uplinks(this.#rtnl, log);
	}

	ensureForwarding({ ipv6 }: { readonly ipv6: boolean }): void {
		refusal("forward packets", () => {
			this.#setting("net/ipv4/ip_forward", "1");
			if (ipv6) this.#forwardIpv6();
		});
	}

	ensureBridge(bridge: Bridge): void {
		refusal(`make the bridge ${bridge.name}`, () => {
			const { uplink, mtu } = bridge;
			const present = this.#bridge(bridge);
			const port = uplink && this.#uplinks.usable(uplink, present, mtu);
			const link = present ?? this.#makeBridge(bridge);
			this.#ensureSettings(bridge);
			if (uplink === undefined) this.#ensureAddresses(link, bridge);
			// Who knows the host by its MAC goes on knowing it.
			const mac = (uplink?.moves === true ? port?.mac : undefined) ?? bridge.mac;
			// With the host's addresses it comes up in the step that brings them.
			const up = link.up || uplink?.moves !== true || port?.master === link.index;
			if (link.mtu !== mtu || link.mac !== mac || link.up !== up) {
				this.#rtnl.links.set(link.index, { up: up || undefined, mtu, mac });
				killPoint("netd.bridge.up");
			}
			if (uplink !== undefined && port !== undefined) this.#uplinks.ensure(link, port, uplink);
		});
	}

	observeUplink(bridge: IfName, uplink: IfName): HostSettings {
		return refusal(`look at ${uplink}`, () => this.#uplinks.observe(bridge, uplink));
	}

	async removeBridge(bridge: Pick<Bridge, "name" | "networkId" | "uplink">): Promise<void> {
		const { uplink } = bridge;
		const names = new Set([bridge.name, bridgeName(bridge.networkId)]);
		for (const name of names) {
			const link = this.#rtnl.links.find(name);
			if (link === undefined || !isOfNetwork(link, bridge.networkId)) continue;
			refusal(`take ${name} off its uplink`, () => this.#uplinks.leave(link));
			await refusalAside(`remove the bridge ${name}`, async () => {
				await tolerating("ENODEV", async () => {
					this.#rtnl.links.set(link.index, { up: false });
					await this.#rtnl.links.removeAside(link.index);
				});
			});
			killPoint("netd.bridge.removed");
			this.#log.change("bridge.remove", { name });
		}
		if (uplink !== undefined) refusal(`set up ${uplink.name} again`, () => this.#uplinks.restoreAlone(uplink));
	}

	isThere(name: IfName): boolean {
		return this.#rtnl.links.find(name) !== undefined;
	}

	ensureParent(parent: Parent): void {
		refusal(`make ${parent.name}`, () => this.#parents.ensure(parent));
	}

	ensureShim(shim: Shim): void {
		refusal(`make ${shim.name}`, () => this.#shims.ensure(shim));
	}

	ensureMacvlan(macvlan: Macvlan): Promise<void> {
		return refusalAside(`connect ${macvlan.interface} to ${macvlan.parent}`, () => this.#macvlans.ensure(macvlan));
	}

	removeMacvlan(macvlan: MacvlanRef): Promise<void> {
		return refusalAside("remove a macvlan", () => this.#macvlans.remove(macvlan));
	}

	macvlans(netns: string): ObservedMacvlan[] {
		return refusal("read a sandbox's macvlans", () => this.#macvlans.observe(netns));
	}

	ensureLeg(leg: Leg): Promise<void> {
		return refusalAside(`connect ${leg.interface} to ${leg.bridge}`, () => this.#legs.ensure(leg));
	}

	ensureInnerEnd(end: InnerEnd): Promise<void> {
		return refusalAside(`give ${end.interface} its addresses`, () => this.#legs.ensureInnerEnd(end));
	}

	setHairpin(hostInterface: IfName, hairpin: boolean): void {
		refusal(`set hairpin of ${hostInterface}`, () => {
			toleratingNow(["ENODEV", "EOPNOTSUPP"], () => this.#rtnl.links.set(hostInterface, { port: { hairpin } }));
		});
	}

	/** Down is enough, and half as long as coming off the bridge as well: the bridge forgets what it learnt there. */
	parkLeg(hostInterface: IfName, inside?: { readonly netns: string; readonly interface: IfName }): void {
		refusal(`bring ${hostInterface} down`, () => {
			toleratingNow(["ENODEV"], () => this.#rtnl.links.set(hostInterface, { up: false }));
			if (inside === undefined) return;
			using door = this.#insides.find(inside.netns);
			toleratingNow(["ENODEV"], () => door?.rtnl.links.set(inside.interface, { up: false }));
		});
		killPoint("netd.leg.parked");
	}

	async removeLeg(hostInterface: IfName): Promise<void> {
		if (this.#rtnl.links.find(hostInterface) === undefined) return;
		await refusalAside(`remove ${hostInterface}`, () =>
			tolerating("ENODEV", () => this.#rtnl.links.removeAside(hostInterface)),
		);
		killPoint("netd.leg.removed");
		this.#log.change("leg.remove", { name: hostInterface });
	}

	visit(netns: string): Disposable | undefined {
		return refusal("look into a sandbox", () => this.#insides.find(netns));
	}

	interfaces(netns: string): IfName[] {
		return this.#asking("read a sandbox's interfaces", netns, interfaceNames);
	}

	observeInside(netns: string): ObservedInside {
		return this.#asking("look into a sandbox", netns, observeInside);
	}

	ensureDefaultRoutes(netns: string, routes: DefaultRoutes): void {
		this.#asking("set a sandbox's default route", netns, (rtnl) => ensureDefaultRoutes(rtnl, routes));
		killPoint("netd.leg.routes");
	}

	ensureSourceRoutes(netns: string, routes: readonly SourceRoute[]): void {
		this.#asking("set a sandbox's source routes", netns, (rtnl) => ensureSourceRoutes(rtnl, routes));
		killPoint("netd.leg.source-routes");
	}

	writtenNeighbours(): WrittenNeighbour[] {
		return refusal("read the host's neighbours", () => this.#neighbours.written());
	}

	ensureReachable(neighbour: HostNeighbour): boolean {
		return refusal(`find ${neighbour.ip}`, () => this.#neighbours.ensureReachable(neighbour));
	}

	observe(): { bridges: ObservedBridge[]; legs: ObservedLeg[] } {
		const links = this.#rtnl.links.list();
		const names = new Map(links.map(({ index, name }) => [index, name]));
		const bridges = links
			.filter(({ kind }) => NETWORK_KINDS.includes(kind))
			.filter((link) => isBridgeName(link.name) || marked(link, NETWORK_MARK) !== undefined)
			.map((link) => ({ name: link.name, networkId: marked(link, NETWORK_MARK) }));
		const legs = links
			.filter((link) => link.kind === "veth" && isLegName(link.name) && !isForeign(link))
			.map((link) => ({
				hostInterface: link.name,
				endpointId: marked(link, ENDPOINT_MARK),
				bridge: link.master === undefined ? undefined : names.get(link.master),
				up: link.up,
			}));
		return { bridges, legs };
	}

	[Symbol.dispose](): void {
		this.#rtnl[Symbol.dispose]();
	}

	#asking<T>(what: string, netns: string, body: (rtnl: Rtnetlink) => T): T {
		return refusal(what, () => {
			using inside = this.#insides.open(netns);
			return body(inside.rtnl);
		});
	}

	/** The bridge when it is there and this network's. */
	#bridge({ name, networkId }: Bridge): Link | undefined {
		const link = this.#rtnl.links.find(name);
		if (link !== undefined && !isOfNetwork(link, networkId)) throw faults.INTERFACE_EXISTS({ interface: name });
		return link;
	}

	/** Under the name that only its id makes, marked, and then renamed: no moment leaves a link whose owner cannot be told. */
	#makeBridge(bridge: Bridge): Link {
		const { name, networkId, mac, mtu } = bridge;
		const first = bridgeName(networkId);
		if (this.#rtnl.links.find(first) === undefined) {
			this.#rtnl.links.addBridge({ name: first, mac, mtu });
			killPoint("netd.bridge.made");
		}
		this.#rtnl.links.set(first, { alias: bridgeMark(bridge) });
		killPoint("netd.bridge.marked");
		if (name !== first) {
			try {
				this.#rtnl.links.set(first, { name });
			} catch (error) {
				throw isErrno(error, "EEXIST") ? faults.INTERFACE_EXISTS({ interface: name }) : error;
			}
			killPoint("netd.bridge.named");
		}
		this.#log.change("bridge.add", { name, network: networkId });
		return this.#rtnl.links.get(name);
	}

	#ensureSettings({ name, ipv6, uplink }: Bridge): void {
		if (uplink !== undefined) return this.#ensureUplinkSettings(name, uplink);
		// The host's loopback is published at too: its packets leave by the bridge with a loopback source until they are masqueraded.
		this.#setting(`net/ipv4/conf/${name}/route_localnet`, "1");
		if (!this.#hasIpv6()) return;
		this.#setting(`net/ipv6/conf/${name}/accept_ra`, "0");
		// Nobody asks for a neighbour from a link-local address that is still looking for duplicates: the first seconds were lost.
		this.#setting(`net/ipv6/conf/${name}/accept_dad`, "0");
		this.#setting(`net/ipv6/conf/${name}/disable_ipv6`, ipv6 ? "0" : "1");
	}

	/** The bridge is to the host what the interface was; where the host stays out of the segment it has no IPv6 there. */
	#ensureUplinkSettings(name: IfName, uplink: Uplink): void {
		if (!this.#hasIpv6()) return;
		for (const key of ["accept_ra", "disable_ipv6"]) {
			const own = readSysctl(this.#host, `net/ipv6/conf/${uplink.name}/${key}`);
			this.#setting(`net/ipv6/conf/${name}/${key}`, uplink.moves ? own : key === "accept_ra" ? "0" : "1");
		}
	}

	#ensureAddresses(link: Link, { addresses, inhibitIpv4 }: Bridge): void {
		const ours = ({ ip: { family } }: Pick<IpInterface, "ip">): boolean => family === 6 || !inhibitIpv4;
		const wanted = addresses.filter(ours);
		const present = this.#rtnl.addresses
			.list({ link: link.index })
			.filter((address) => address.scope === "global" && ours(address));
		for (const address of present) {
			const keep = wanted.some(({ ip, prefix }) => ip.equals(address.ip) && prefix === address.prefix);
			if (!keep) this.#rtnl.addresses.remove(address);
		}
		for (const { ip, prefix } of wanted) {
			if (present.some((address) => address.ip.equals(ip) && address.prefix === prefix)) continue;
			this.#rtnl.addresses.add({ link: link.index, ip, prefix });
			killPoint("netd.bridge.addressed");
		}
	}

	/** A host that forwards no longer takes router advertisements, unless its interfaces say 2: those that had them keep them. */
	#forwardIpv6(): void {
		if (!this.#hasIpv6() || readSysctl(this.#host, "net/ipv6/conf/all/forwarding") !== "0") return;
		for (const { name, kind } of this.#rtnl.links.list()) {
			const setting = `net/ipv6/conf/${name}/accept_ra`;
			if (kind !== "bridge" && readSysctl(this.#host, setting) === "1") writeSysctl(this.#host, setting, "2");
		}
		writeSysctl(this.#host, "net/ipv6/conf/all/forwarding", "1");
		this.#log.change("sysctl", { name: "net/ipv6/conf/all/forwarding", value: "1" });
	}

	#hasIpv6(): boolean {
		return this.#legs.hasIpv6;
	}

	#setting(name: string, value: string): void {
		if (readSysctl(this.#host, name) === value) return;
		writeSysctl(this.#host, name, value);
		this.#log.change("sysctl", { name, value });
	}
}

async function tolerating(code: string, body: () => Promise<void>): Promise<void> {
	try {
		await body();
	} catch (error) {
		if (!isErrno(error, code)) throw error;
	}
}

function toleratingNow(codes: readonly string[], body: () => void): void {
	try {
		body();
	} catch (error) {
		if (!isErrno(error, ...codes)) throw error;
	}
}
