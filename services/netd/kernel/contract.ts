/** What every kernel behind netd's ports does: run by the adapters in throw-away namespaces, and by the strict model. */
import { beforeEach, describe, expect, test, afterEach } from "vitest";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { Fault } from "#lib/fault/fault.ts";
import { bridgeName, legName, newId, shimName } from "../id.ts";
import { isPublication, type NetworkRules, type Opening, type Publication, type Published } from "./firewall.ts";
import type { Kernel } from "./kernel.ts";
import type { Bridge, InnerEnd, Leg, Macvlan, Parent, Shim } from "./links.ts";

/** A fresh host for one test. */
export interface Subject extends Disposable {
	readonly kernel: Kernel;
	/** A path in netd's folder where a namespace may be made. */
	netnsPath(name: string): string;
	/** The addresses that have a default route of their own in a namespace. */
	sourceRules(netns: string): string[];
	/** A link of somebody else's, up. */
	addForeignLink(name: IfName): void;
	/** Docker's rules are written, or written again: with the policy DROP or ACCEPT, and a place for others' rules. */
	writeDockersRules(policy: "drop" | "accept"): void;
	/** The host has this address at one of them. */
	addAddress(name: IfName, address: IpInterface): void;
	/** The host's at a link, in order, as text. */
	addressesOf(name: IfName): string[];
	/** It has links of this kind, or this transport. */
	supports(kind: "dummy" | "802.1q" | "sctp"): boolean;
	/** Takes it away again, and what is on it. */
	removeForeignLink(name: IfName): void;
	/** A process of somebody else's in a namespace of its own, until its end. */
	foreignProcess(): Promise<ForeignProcess>;
	/** Where the host's own namespace is. */
	readonly hostPath: string;
}

export interface ForeignProcess {
	readonly pid: number;
	/** Of its namespace. */
	readonly path: string;
	end(): Promise<void>;
}

const ip = (text: string): Ip => Ip.parse(text);
const GATEWAY = IpInterface.parse("10.60.0.1/24");

function bridgeFor(networkId: string, name: IfName = bridgeName(networkId)): Bridge {
	return {
		name,
		networkId,
		mac: macFromIp(GATEWAY.ip),
		mtu: 1500,
		addresses: [GATEWAY],
		ipv6: false,
		inhibitIpv4: false,
	};
}

function legFor(bridge: Bridge, netns: string, name = "eth0"): Leg {
	const endpointId = newId();
	return {
		endpointId,
		hostInterface: legName(endpointId),
		bridge: bridge.name,
		netns,
		interface: parseIfName(name),
		mtu: bridge.mtu,
		hairpin: false,
		isolated: false,
		early: false,
	};
}

function innerEndOf({ hostInterface, netns, interface: name }: Leg, address: string): InnerEnd {
	const at = IpInterface.parse(address);
	return { hostInterface, netns, interface: name, mac: macFromIp(at.ip), addresses: [at], ipv6: false, settings: [] };
}

const ETH1 = parseIfName("eth1");

function macvlanFor(netns: string, more: Partial<Macvlan> = {}): Macvlan {
	const name = parseIfName("eth0");
	return { endpointId: newId(), netns, interface: name, parent: ETH1, mode: "bridge", mtu: undefined, ...more };
}

const IDLE = { bridge: () => false, hostPort: () => false, shortcut: () => false, openPort: () => false };

export function kernelContract(name: string, make: () => Subject): void {
	describe(`${name}: the kernel's contract`, () => {
		let subject: Subject;
		let kernel: Kernel;
		beforeEach(() => {
			subject = make();
			({ kernel } = subject);
		});
		afterEach(() => subject[Symbol.dispose]());

		describe("links", () => {
			test("a bridge is made once, seen with its owner, and removed; absent is success", async () => {
				const bridge = bridgeFor(newId());
				kernel.links.ensureBridge(bridge);
				kernel.links.ensureBridge(bridge);
				expect(kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
				await kernel.links.removeBridge(bridge);
				await kernel.links.removeBridge(bridge);
				expect(kernel.links.observe().bridges).toEqual([]);
			});

			test("a bridge may have a name of its own; a name that is another's is refused, and that link left alone", async () => {
				const mine = bridgeFor(newId(), parseIfName("lan0"));
				kernel.links.ensureBridge(mine);
				expect(kernel.links.observe().bridges).toEqual([{ name: "lan0", networkId: mine.networkId }]);
				const taken = bridgeFor(newId(), parseIfName("lan0"));
				expect(() => kernel.links.ensureBridge(taken)).toThrow("An interface lan0 is there already");
				await kernel.links.removeBridge(taken);
				subject.addForeignLink(parseIfName("eth9"));
				const foreign = bridgeFor(newId(), parseIfName("eth9"));
				expect(() => kernel.links.ensureBridge(foreign)).toThrow("An interface eth9 is there already");
				await kernel.links.removeBridge(foreign);
				expect(() => kernel.links.ensureBridge(foreign)).toThrow("An interface eth9 is there already");
				expect(kernel.links.observe().bridges).toEqual([{ name: "lan0", networkId: mine.networkId }]);
			});

			describe("with an uplink", () => {
				const segment = (moves: boolean, more: Partial<Bridge> = {}): Bridge => ({
					...bridgeFor(newId()),
					addresses: [],
					uplink: { name: ETH1, moves, settings: undefined },
					...more,
				});
				const [first, second] = [IpInterface.parse("10.60.0.5/24"), IpInterface.parse("10.60.0.6/24")];
				const outcomeOf = (bridge: Bridge): string => {
					try {
						kernel.links.ensureBridge(bridge);
						return "made";
					} catch (error) {
						return error instanceof Fault ? error.message : String(error);
					}
				};
				beforeEach(() => subject.addForeignLink(ETH1));

				test("a bare interface becomes a port, and is free when the bridge goes", async () => {
					const bridge = segment(false);
					expect([bridge, bridge].map(outcomeOf)).toEqual(["made", "made"]);
					expect(outcomeOf(segment(true))).toContain(`it is a port of ${bridge.name}`);
					expect(kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
					await kernel.links.removeBridge(bridge);
					await kernel.links.removeBridge(bridge);
					expect(outcomeOf(segment(true))).toBe("made");
				});

				test("the host's addresses move to the bridge and back, also those that come later, and by a stray's mark alone", async () => {
					subject.addAddress(ETH1, first);
					expect(outcomeOf(segment(false))).toContain("has the host's address 10.60.0.5/24");
					const bridge = segment(true);
					expect([bridge, bridge].map(outcomeOf)).toEqual(["made", "made"]);
					expect([subject.addressesOf(ETH1), subject.addressesOf(bridge.name)]).toEqual([[], ["10.60.0.5/24"]]);
					subject.addAddress(ETH1, second);
					expect(outcomeOf(bridge)).toBe("made");
					const { name, networkId } = bridge;
					const settings = kernel.links.observeUplink(name, ETH1);
					expect(settings.addresses.map(String).sort()).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
					await kernel.links.removeBridge({ name, networkId });
					expect(subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
					await kernel.links.removeBridge(bridge);
					expect(subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
				});

				test("what was lost with a bridge is put back from what was stored while the machine runs, and not over what is there", async () => {
					subject.addAddress(ETH1, first);
					const bridge = segment(true);
					kernel.links.ensureBridge(bridge);
					const settings = kernel.links.observeUplink(bridge.name, ETH1);
					const uplink = { name: ETH1, moves: true, settings };
					subject.removeForeignLink(bridge.name);
					expect(subject.addressesOf(ETH1)).toEqual([]);
					const old = { ...uplink, settings: { ...settings, bootId: "another" } };
					kernel.links.ensureBridge({ ...bridge, uplink: old });
					expect(subject.addressesOf(bridge.name)).toEqual([]);
					kernel.links.ensureBridge({ ...bridge, uplink });
					expect(subject.addressesOf(bridge.name)).toEqual(["10.60.0.5/24"]);
					subject.removeForeignLink(bridge.name);
					await kernel.links.removeBridge({ ...bridge, uplink: old });
					expect(subject.addressesOf(ETH1)).toEqual([]);
					await kernel.links.removeBridge({ ...bridge, uplink });
					expect(subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24"]);
				});

				test("one that is not there, is a bridge, or is too narrow is refused, and nothing is made", () => {
					const other = bridgeFor(newId(), parseIfName("lan0"));
					kernel.links.ensureBridge(other);
					const on = (name: IfName) => segment(true, { uplink: { name, moves: true, settings: undefined } });
					expect(outcomeOf(on(parseIfName("eth7")))).toContain("no interface eth7");
					expect(outcomeOf(on(other.name))).toContain("it is a bridge itself");
					expect(outcomeOf(segment(true, { mtu: 9000 }))).toContain("its MTU is 1500, and the network's 9000");
					expect(kernel.links.observe().bridges).toHaveLength(1);
				});
			});

			test("a leg joins a sandbox to a bridge; it is parked at once, and removed with both ends", async () => {
				const bridge = bridgeFor(newId());
				const netns = subject.netnsPath("a");
				kernel.links.ensureBridge(bridge);
				kernel.namespaces.create(netns);
				const leg = legFor(bridge, netns);
				await kernel.links.ensureLeg(leg);
				await kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
				await kernel.links.ensureLeg(leg);
				await kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
				expect(kernel.links.interfaces(netns).sort()).toEqual(["eth0", "lo"]);
				const seen = { hostInterface: leg.hostInterface, endpointId: leg.endpointId };
				expect(kernel.links.observe().legs).toEqual([{ ...seen, bridge: bridge.name, up: true }]);
				const inside = kernel.links.observeInside(netns).interfaces;
				expect([...inside.keys()].sort()).toEqual(["eth0", "lo"]);
				expect(inside.get("eth0")?.up).toBe(true);
				expect(inside.get("eth0")?.addresses.map(String)).toContain("10.60.0.2/24");
				kernel.links.setHairpin(leg.hostInterface, true);
				kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
				expect(kernel.links.observe().legs).toEqual([{ ...seen, bridge: undefined, up: false }]);
				await kernel.links.removeLeg(leg.hostInterface);
				await kernel.links.removeLeg(leg.hostInterface);
				kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
				expect(kernel.links.observe().legs).toEqual([]);
				expect(kernel.links.interfaces(netns)).toEqual(["lo"]);
			});

			test("an early leg is up inside before it has an address", async () => {
				const bridge = bridgeFor(newId());
				const netns = subject.netnsPath("a");
				kernel.links.ensureBridge(bridge);
				kernel.namespaces.create(netns);
				const leg = legFor(bridge, netns);
				const isUp = () => kernel.links.observeInside(netns).interfaces.get("eth0")?.up;
				await kernel.links.ensureLeg(leg);
				expect(isUp()).toBe(false);
				await kernel.links.ensureLeg({ ...leg, early: true });
				expect(isUp()).toBe(true);
				await kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
				expect(kernel.links.observeInside(netns).interfaces.get("eth0")?.addresses.map(String)).toEqual([
					"10.60.0.2/24",
				]);
			});

			test("a leg needs its bridge and its namespace, and a free name inside", async () => {
				const bridge = bridgeFor(newId());
				const netns = subject.netnsPath("a");
				await expect(kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("The kernel refused to");
				kernel.links.ensureBridge(bridge);
				await expect(kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("The kernel refused to");
				kernel.namespaces.create(netns);
				await kernel.links.ensureLeg(legFor(bridge, netns));
				await expect(kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("EEXIST");
				expect(kernel.links.observe().legs).toHaveLength(1);
			});

			test("a default route needs a gateway that is on a link; without one there is none", async () => {
				const bridge = bridgeFor(newId());
				const netns = subject.netnsPath("a");
				kernel.links.ensureBridge(bridge);
				kernel.namespaces.create(netns);
				expect(() => kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip })).toThrow("The kernel refused to");
				const leg = legFor(bridge, netns);
				await kernel.links.ensureLeg(leg);
				expect(() => kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip })).toThrow("The kernel refused to");
				await kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
				expect([...kernel.links.observeInside(netns).defaultRoutes]).toEqual([]);
				kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
				kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
				expect([...kernel.links.observeInside(netns).defaultRoutes]).toEqual([4]);
				kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
				expect([...kernel.links.observeInside(netns).defaultRoutes]).toEqual([]);
				kernel.links.ensureDefaultRoutes(netns, {});
				kernel.links.ensureDefaultRoutes(netns, {});
			});
		});

		test("source routes are made where they can be: others are passed over; none is success; the namespace must be there", async () => {
			const bridge = bridgeFor(newId());
			const netns = subject.netnsPath("a");
			kernel.links.ensureBridge(bridge);
			kernel.namespaces.create(netns);
			const leg = legFor(bridge, netns);
			const route = { source: ip("10.60.0.2"), gateway: GATEWAY.ip, interface: leg.interface };
			const count = () => subject.sourceRules(netns);
			kernel.links.ensureSourceRoutes(netns, [route]);
			await kernel.links.ensureLeg(leg);
			kernel.links.ensureSourceRoutes(netns, [route]);
			expect(count()).toEqual([]);
			await kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
			const astray = { ...route, gateway: ip("10.61.0.1") };
			kernel.links.ensureSourceRoutes(netns, [astray]);
			expect(count()).toEqual([]);
			kernel.links.ensureSourceRoutes(netns, [route]);
			kernel.links.ensureSourceRoutes(netns, [route]);
			expect(count()).toEqual(["10.60.0.2"]);
			kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
			kernel.links.ensureSourceRoutes(netns, [route]);
			expect(count()).toEqual([]);
			kernel.links.ensureSourceRoutes(netns, []);
			expect(() => kernel.links.ensureSourceRoutes(subject.netnsPath("b"), [])).toThrow("The kernel refused to");
		});

		test("settings of an interface are written; those that the kernel does not have, or take, are refused", async () => {
			const bridge = bridgeFor(newId());
			const netns = subject.netnsPath("a");
			kernel.links.ensureBridge(bridge);
			kernel.namespaces.create(netns);
			const leg = legFor(bridge, netns);
			await kernel.links.ensureLeg(leg);
			const end = innerEndOf(leg, "10.60.0.2/24");
			const setting = { group: "net/ipv4/conf", name: "log_martians", value: "1" };
			await kernel.links.ensureInnerEnd({ ...end, settings: [setting] });
			for (const wrong of [
				{ ...setting, name: "no_such_thing" },
				{ ...setting, value: "x" },
			]) {
				const refused = kernel.links.ensureInnerEnd({ ...end, settings: [wrong] });
				await expect(refused).rejects.toMatchObject({ reason: "SETTING_REFUSED", code: "INVALID_ARGUMENT" });
			}
		});

		describe("macvlans", () => {
			let netns: string;
			beforeEach(() => {
				netns = subject.netnsPath("a");
				kernel.namespaces.create(netns);
				subject.addForeignLink(ETH1);
			});

			const endOf = ({ interface: name }: Macvlan): InnerEnd => {
				const at = IpInterface.parse("10.60.0.2/24");
				return {
					hostInterface: undefined,
					netns,
					interface: name,
					mac: macFromIp(at.ip),
					addresses: [at],
					ipv6: false,
					settings: [],
				};
			};

			test("one is made once, seen with its owner, put where it should be, and removed; absent is success", async () => {
				const macvlan = macvlanFor(netns);
				const { endpointId, interface: name, parent, mode } = macvlan;
				await kernel.links.ensureMacvlan(macvlan);
				expect(kernel.links.macvlans(netns)).toEqual([{ endpointId, interface: name, parent, mode, up: false }]);
				await kernel.links.ensureInnerEnd(endOf(macvlan));
				await kernel.links.ensureMacvlan(macvlan);
				expect(kernel.links.macvlans(netns)).toEqual([{ endpointId, interface: name, parent, mode, up: true }]);
				kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
				expect(kernel.links.observe()).toEqual({ bridges: [], legs: [] });
				await kernel.links.ensureMacvlan({ ...macvlan, mode: "private" });
				expect(kernel.links.macvlans(netns)).toMatchObject([{ endpointId, mode: "private" }]);
				await kernel.links.removeMacvlan(macvlan);
				await kernel.links.removeMacvlan(macvlan);
				expect(kernel.links.macvlans(netns)).toEqual([]);
				expect(kernel.links.interfaces(netns)).toEqual(["lo"]);
				await kernel.links.removeMacvlan({ endpointId, netns: subject.netnsPath("absent") });
			});

			test("one needs its parent, its namespace and a free name inside; it goes with its parent", async () => {
				const absent = parseIfName("eth7");
				await expect(kernel.links.ensureMacvlan(macvlanFor(netns, { parent: absent }))).rejects.toThrow(
					"The host has no interface eth7",
				);
				await expect(kernel.links.ensureMacvlan(macvlanFor(subject.netnsPath("b")))).rejects.toThrow("ENOENT");
				await kernel.links.ensureMacvlan(macvlanFor(netns));
				const second = macvlanFor(netns);
				await expect(kernel.links.ensureMacvlan(second)).rejects.toThrow("EEXIST");
				await kernel.links.removeMacvlan(second);
				await kernel.links.ensureMacvlan(macvlanFor(netns, { interface: parseIfName("eth1") }));
				expect(kernel.links.macvlans(netns)).toHaveLength(2);
				subject.removeForeignLink(ETH1);
				expect(kernel.links.macvlans(netns)).toEqual([]);
			});

			test("the host's own is made once, seen with its owner, changed, and removed; a range is one link's alone", async () => {
				const networkId = newId();
				const way = { address: ip("10.60.0.9"), range: Cidr.parse("10.60.0.0/25") };
				const six = { address: ip("fd00:60::9"), range: Cidr.parse("fd00:60::/64") };
				const name = shimName(networkId);
				const shim: Shim = {
					name,
					networkId,
					parent: ETH1,
					mac: macFromIp(way.address),
					mtu: undefined,
					ways: [way, six],
				};
				kernel.links.ensureShim(shim);
				kernel.links.ensureShim(shim);
				expect(kernel.links.observe().bridges).toEqual([{ name, networkId }]);
				expect(kernel.links.isThere(name)).toBe(true);
				const bridge = { ...bridgeFor(newId()), addresses: [IpInterface.parse("10.60.0.1/25")] };
				kernel.links.ensureBridge(bridge);
				kernel.links.ensureShim(shim);
				const other = newId();
				const second = {
					...shim,
					name: shimName(other),
					networkId: other,
					ways: [{ ...way, address: ip("10.60.0.8") }],
				};
				expect(() => kernel.links.ensureShim(second)).toThrow("it has 10.60.0.");
				expect(() => kernel.links.ensureShim({ ...second, parent: parseIfName("eth7") })).toThrow("no interface eth7");
				expect(() => kernel.links.ensureShim({ ...second, name })).toThrow(`An interface ${name} is there already`);
				const apart = { ...way, address: ip("10.60.0.129"), range: Cidr.parse("10.60.0.128/25") };
				kernel.links.ensureShim({ ...second, mac: macFromIp(apart.address), ways: [apart] });
				await kernel.links.removeBridge({ name, networkId: other });
				expect(kernel.links.isThere(name)).toBe(true);
				await kernel.links.removeBridge({ name, networkId });
				await kernel.links.removeBridge({ name, networkId });
				expect(kernel.links.isThere(name)).toBe(false);
				subject.removeForeignLink(ETH1);
				expect(kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
			});

			test("passthru has its parent to itself", async () => {
				const alone = macvlanFor(netns, { mode: "passthru" });
				await kernel.links.ensureMacvlan(alone);
				const second = macvlanFor(netns, { interface: parseIfName("eth1") });
				await expect(kernel.links.ensureMacvlan(second)).rejects.toThrow("EINVAL");
				await kernel.links.removeMacvlan(alone);
				await kernel.links.ensureMacvlan(second);
				await expect(kernel.links.ensureMacvlan(alone)).rejects.toThrow("EINVAL");
			});

			test("a parent of the host's is used as it is", () => {
				expect(kernel.links.isThere(ETH1)).toBe(true);
				kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: undefined, made: undefined });
				kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: 1500, made: undefined });
				expect(() => kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: 1501, made: undefined })).toThrow(
					"its MTU is 1500, and the network's 1501",
				);
				expect(kernel.links.observe().bridges).toEqual([]);
				subject.removeForeignLink(ETH1);
				expect(kernel.links.isThere(ETH1)).toBe(false);
				const made = { kind: "802.1q", on: ETH1, id: 30 } as const;
				const gone = "The host has no interface eth1";
				expect(() =>
					kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: undefined, made: undefined }),
				).toThrow(gone);
				expect(() =>
					kernel.links.ensureParent({ name: parseIfName("eth1.30"), networkId: newId(), mtu: undefined, made }),
				).toThrow(gone);
			});

			test.each([
				["dummy", undefined],
				["802.1q", parseIfName("eth1.30")],
			] as const)(
				"a parent by %s is made once, and removed; a kernel without says so, and nothing is left",
				async (kind, as) => {
					const networkId = newId();
					const name = as ?? bridgeName(networkId);
					const made = kind === "dummy" ? { kind } : { kind, on: ETH1, id: 30 };
					const parent: Parent = { name, networkId, mtu: 1400, made };
					const network = { name, networkId };
					const supported = subject.supports(kind);
					const outcomeOf = (wanted: Parent): string => {
						try {
							kernel.links.ensureParent(wanted);
							return "made";
						} catch (error) {
							return error instanceof Fault ? error.reason : String(error);
						}
					};
					const outcomes = [parent, parent, { ...parent, networkId: newId() }].map(outcomeOf);
					const refusal = "LINK_KIND_UNSUPPORTED";
					expect(outcomes).toEqual(supported ? ["made", "made", "INTERFACE_EXISTS"] : [refusal, refusal, refusal]);
					expect(kernel.links.observe().bridges).toEqual(supported ? [network] : []);
					if (supported) await kernel.links.ensureMacvlan(macvlanFor(netns, { parent: name }));
					expect(kernel.links.macvlans(netns)).toHaveLength(supported ? 1 : 0);
					await kernel.links.removeBridge(network);
					expect(kernel.links.observe().bridges).toEqual([]);
					expect(kernel.links.macvlans(netns)).toEqual([]);
				},
			);
		});

		test("namespaces are made once, seen, and removed; absent is success", () => {
			const path = subject.netnsPath("a");
			expect(kernel.namespaces.isNamespace(path)).toBe(false);
			kernel.namespaces.create(path);
			expect(() => kernel.namespaces.create(path)).toThrow("EEXIST");
			expect(kernel.namespaces.isNamespace(path)).toBe(true);
			expect(kernel.namespaces.observe()).toEqual([path]);
			kernel.namespaces.remove(path);
			kernel.namespaces.remove(path);
			expect(kernel.namespaces.observe()).toEqual([]);
		});

		test("a namespace of somebody else's is opened once and held, unchanged, and outlives its process", async () => {
			const { pid, path: theirs, end } = await subject.foreignProcess();
			const path = subject.netnsPath("a");
			{
				using found = kernel.namespaces.open({ pid });
				expect(found.pinnedAt).toBeUndefined();
				found.pin(path);
				expect(() => found.pin(path)).toThrow("EEXIST");
				using again = kernel.namespaces.open({ path: theirs });
				expect(again.pinnedAt).toBe(path);
			}
			const bridge = bridgeFor(newId());
			kernel.links.ensureBridge(bridge);
			const leg = legFor(bridge, path);
			await kernel.links.ensureLeg(leg);
			expect(kernel.links.interfaces(theirs).sort()).toEqual(["eth0", "lo"]);
			await end();
			expect(() => kernel.namespaces.open({ pid })).toThrow(expect.objectContaining({ reason: "PROCESS_NOT_FOUND" }));
			const gone = expect.objectContaining({ reason: "NOT_A_NAMESPACE" });
			expect(() => kernel.namespaces.open({ path: theirs })).toThrow(gone);
			expect(kernel.links.interfaces(path).sort()).toEqual(["eth0", "lo"]);
			expect(kernel.links.observe().legs).toHaveLength(1);
			await kernel.links.removeLeg(leg.hostInterface);
			expect(kernel.links.interfaces(path)).toEqual(["lo"]);
			expect(kernel.namespaces.observe()).toEqual([path]);
			kernel.namespaces.remove(path);
			expect(kernel.namespaces.isNamespace(path)).toBe(false);
		});

		test("a namespace of somebody else's stays when it is let go, and what was opened before is what is held", async () => {
			const first = await subject.foreignProcess();
			const path = subject.netnsPath("a");
			using opened = kernel.namespaces.open({ path: first.path });
			opened.pin(path);
			kernel.namespaces.remove(path);
			kernel.namespaces.remove(path);
			expect(kernel.namespaces.observe()).toEqual([]);
			expect(kernel.links.interfaces(first.path)).toEqual(["lo"]);
			await first.end();
			opened.pin(path);
			expect(kernel.links.interfaces(path)).toEqual(["lo"]);
		});

		test("the host's own namespace is not taken in, nor is what is none", () => {
			const hosts = expect.objectContaining({ reason: "HOST_NAMESPACE" });
			expect(() => kernel.namespaces.open({ path: subject.hostPath })).toThrow(hosts);
			const none = expect.objectContaining({ reason: "NOT_A_NAMESPACE", field: "adopt_path" });
			for (const path of ["/etc/passwd", "/proc/self/ns/mnt", "/nowhere", "/", "", "/nowhere\0"]) {
				expect(() => kernel.namespaces.open({ path })).toThrow(none);
			}
			const nobody = expect.objectContaining({ reason: "PROCESS_NOT_FOUND", field: "adopt_pid" });
			expect(() => kernel.namespaces.open({ pid: 4_194_305 })).toThrow(nobody);
		});

		test("a sandbox's queries are led to a port, and to another one later", () => {
			const path = subject.netnsPath("a");
			kernel.namespaces.create(path);
			expect(kernel.resolver.observe(path)).toBeUndefined();
			kernel.resolver.ensure(path, 61_053);
			kernel.resolver.ensure(path, 61_053);
			expect(kernel.resolver.observe(path)).toBe(61_053);
			kernel.resolver.ensure(path, 62_053);
			expect(kernel.resolver.observe(path)).toBe(62_053);
			kernel.resolver.remove(path);
			kernel.resolver.remove(path);
			expect(kernel.resolver.observe(path)).toBeUndefined();
			kernel.resolver.ensure(path, 61_053);
			expect(kernel.resolver.observe(path)).toBe(61_053);
			kernel.resolver.remove(subject.netnsPath("absent"));
		});

		describe("other programs' packet rules", () => {
			const place = "ip filter DOCKER-USER";
			beforeEach(() => void kernel.firewall.ensureSkeleton());

			test("nothing is done where nobody drops, or nobody is", () => {
				expect(kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
				subject.writeDockersRules("accept");
				expect(kernel.foreign.isLetThrough()).toBe(true);
				expect(kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
				expect(kernel.foreign.observe()).toEqual([]);
				expect(kernel.foreign.withdraw()).toEqual({ added: [], removed: [] });
			});

			test("what drops is given one rule, once, and again when it was written anew; it goes with the dropping", () => {
				subject.writeDockersRules("drop");
				expect(kernel.foreign.isLetThrough()).toBe(false);
				expect(kernel.foreign.letThrough()).toEqual({ added: [place], removed: [] });
				expect(kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
				expect([kernel.foreign.isLetThrough(), kernel.foreign.observe()]).toEqual([true, [place]]);
				subject.writeDockersRules("drop");
				expect([kernel.foreign.isLetThrough(), kernel.foreign.observe()]).toEqual([false, []]);
				expect(kernel.foreign.letThrough()).toEqual({ added: [place], removed: [] });
				subject.writeDockersRules("accept");
				expect(kernel.foreign.letThrough().added).toEqual([]);
				expect([kernel.foreign.isLetThrough(), kernel.foreign.observe()]).toEqual([true, []]);
			});

			test("it is withdrawn, and then nothing is left to withdraw", () => {
				subject.writeDockersRules("drop");
				kernel.foreign.letThrough();
				expect(kernel.foreign.withdraw()).toEqual({ added: [], removed: [place] });
				expect(kernel.foreign.withdraw()).toEqual({ added: [], removed: [] });
				expect(kernel.foreign.observe()).toEqual([]);
			});
		});

		describe("firewall", () => {
			const rules: NetworkRules = {
				bridge: parseIfName("wh-000000000001"),
				internal: false,
				masquerade: [4, 6],
				sources: [],
				neighbours: true,
				routed: [],
				unprotected: [],
				trusted: [],
				segment: false,
			};
			const web: Publication = {
				protocol: "tcp",
				hostAddress: undefined,
				hostPort: 8080,
				target: ip("10.60.0.2"),
				targetPort: 80,
			};

			test("the skeleton is made once", () => {
				expect(kernel.firewall.ensureSkeleton()).toBe(true);
				expect(kernel.firewall.ensureSkeleton()).toBe(false);
				expect(kernel.firewall.observe()).toEqual({ networks: [], publications: [], shortcuts: [] });
			});

			test("a network has one set of rules, changed as a whole; absent is success", () => {
				kernel.firewall.ensureSkeleton();
				kernel.firewall.ensureNetwork(rules);
				kernel.firewall.ensureNetwork(rules);
				expect(kernel.firewall.observe().networks).toEqual([rules]);
				const changes: readonly Partial<NetworkRules>[] = [
					{ internal: true, masquerade: [], neighbours: false },
					{ masquerade: [4], routed: [6] },
					{ masquerade: [6], routed: [4], trusted: ["eth1", "vxlan.1"].map(parseIfName) },
					{ unprotected: [4, 6], trusted: [parseIfName("eth1")] },
					{ unprotected: [6], trusted: [parseIfName("eth2")] },
					{ masquerade: [4], segment: true },
				];
				const neighbour = { ...rules, bridge: parseIfName("wh-000000000002"), trusted: [parseIfName("eth1")] };
				kernel.firewall.ensureNetwork(neighbour);
				for (const change of changes) {
					const other = { ...rules, ...change };
					kernel.firewall.ensureNetwork(other);
					const { networks } = kernel.firewall.observe();
					expect(networks.find(({ bridge }) => bridge === rules.bridge)).toEqual(other);
					expect(networks.find(({ bridge }) => bridge === neighbour.bridge)).toEqual(neighbour);
					expect(
						kernel.firewall.assert({ networks: [neighbour, other], publications: [], shortcuts: [] }, IDLE),
					).toEqual({
						added: [],
						removed: [],
					});
				}
				kernel.firewall.removeNetwork(rules.bridge);
				expect(kernel.firewall.observe().networks).toEqual([neighbour]);
				kernel.firewall.removeNetwork(neighbour.bridge);
				const sources = ["192.0.2.1 2001:db8::1", "192.0.2.9", "2001:db8::9"];
				for (const text of sources) {
					const from = { ...rules, sources: text.split(" ").map(ip) };
					kernel.firewall.ensureNetwork(from);
					expect(kernel.firewall.observe().networks.map((one) => one.sources.join(" "))).toEqual([text]);
					expect(kernel.firewall.assert({ networks: [from], publications: [], shortcuts: [] }, IDLE)).toEqual({
						added: [],
						removed: [],
					});
				}
				kernel.firewall.removeNetwork(rules.bridge);
				kernel.firewall.removeNetwork(rules.bridge);
				expect(kernel.firewall.observe().networks).toEqual([]);
			});

			test("ports of one address and of all addresses, of both families, are side by side", () => {
				kernel.firewall.ensureSkeleton();
				const at = { ...web, hostAddress: ip("127.0.0.1"), targetPort: 81 };
				const six = { ...web, target: ip("fd00::2") };
				const sixAt = { ...six, hostAddress: ip("2001:db8::1") };
				const udp = { ...web, protocol: "udp" } as const;
				const sctp = { ...web, protocol: "sctp" } as const;
				const all = [web, at, six, sixAt, udp, sctp];
				kernel.firewall.ensurePublished(all);
				kernel.firewall.ensurePublished(all);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts(all));
				kernel.firewall.removePublished([at, six], [web, sixAt]);
				kernel.firewall.removePublished([at, six], [web, sixAt]);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts([web, sixAt, udp, sctp]));
			});

			test("a port that leads elsewhere is led here", () => {
				kernel.firewall.ensureSkeleton();
				kernel.firewall.ensurePublished([web]);
				const moved = { ...web, target: ip("10.60.0.9") };
				kernel.firewall.ensurePublished([moved, { ...web, hostPort: 8081 }]);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts([moved, { ...web, hostPort: 8081 }]));
			});

			test("shortcuts of both families are marked, put right as a whole, and unmarked; absent is success", () => {
				kernel.firewall.ensureSkeleton();
				const four = { bridge: rules.bridge, target: ip("10.60.0.2") };
				const six = { bridge: rules.bridge, target: ip("fd00::2") };
				const observed = () => kernel.firewall.observe().shortcuts.map(({ bridge, target }) => `${bridge} ${target}`);
				kernel.firewall.ensureShortcuts([four, six]);
				kernel.firewall.ensureShortcuts([six]);
				expect(observed().sort()).toEqual([`${rules.bridge} 10.60.0.2`, `${rules.bridge} fd00::2`]);
				const wanted = { networks: [], publications: [], shortcuts: [six] };
				const inWork = { ...IDLE, shortcut: () => true };
				expect(kernel.firewall.assert(wanted, inWork)).toEqual({ added: [], removed: [] });
				expect(kernel.firewall.assert(wanted, IDLE).removed).toHaveLength(1);
				expect(observed()).toEqual([`${rules.bridge} fd00::2`]);
				kernel.firewall.removeShortcuts([four, six]);
				kernel.firewall.removeShortcuts([]);
				expect(observed()).toEqual([]);
				expect(kernel.firewall.assert(wanted, IDLE).added).toHaveLength(1);
				expect(observed()).toEqual([`${rules.bridge} fd00::2`]);
			});

			test("ports at containers' own addresses are beside those of the host, and shared", () => {
				kernel.firewall.ensureSkeleton();
				const open: Opening = { protocol: "tcp", target: web.target, targetPort: web.targetPort };
				const all = [web, open, { ...open, protocol: "udp" as const }, { ...open, target: ip("fd00::2") }];
				kernel.firewall.ensurePublished(all);
				kernel.firewall.ensurePublished(all);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts(all));
				kernel.firewall.removePublished([web, open], [open]);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts(all.slice(1)));
				kernel.firewall.removePublished([open], []);
				kernel.firewall.removePublished([open], []);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts(all.slice(2)));
				const wanted = { networks: [], publications: [open], shortcuts: [] };
				const busy = { ...IDLE, openPort: ({ protocol }: Pick<Opening, "protocol">) => protocol === "udp" };
				expect(kernel.firewall.assert(wanted, busy)).toMatchObject({ added: [expect.any(String)] });
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts([open, { ...open, protocol: "udp" }]));
				expect(kernel.firewall.assert(wanted, IDLE).removed).toHaveLength(1);
				expect(kernel.firewall.observe().publications).toEqual([open]);
			});

			test("assert makes it exactly so, and says what it changed; what is busy stays", () => {
				kernel.firewall.ensureSkeleton();
				kernel.firewall.ensureNetwork(rules);
				kernel.firewall.ensurePublished([web, { ...web, hostPort: 9000 }]);
				const wanted = { networks: [rules], publications: [web], shortcuts: [] };
				const untouched = kernel.firewall.assert(wanted, {
					...IDLE,
					hostPort: ({ hostPort }) => hostPort === 9000,
				});
				expect(untouched).toEqual({ added: [], removed: [] });
				expect(kernel.firewall.assert(wanted, IDLE).removed.length).toBeGreaterThan(0);
				expect(texts(kernel.firewall.observe().publications)).toEqual(texts([web]));
				kernel.firewall.removeNetwork(rules.bridge);
				kernel.firewall.removePublished([web], []);
				expect(kernel.firewall.assert(wanted, IDLE).added.length).toBeGreaterThan(0);
				expect(kernel.firewall.assert(wanted, IDLE)).toEqual({ added: [], removed: [] });
				expect(kernel.firewall.observe().networks).toEqual([rules]);
			});
		});

		test("the host's facts have our links, and whether packets are forwarded", async () => {
			const bridge = bridgeFor(newId());
			kernel.links.ensureBridge({ ...bridge, mtu: 1400 });
			const namesOf = (master: IfName) =>
				kernel.facts
					.observe()
					.links.filter((link) => link.master === master)
					.map(({ name }) => name);
			expect(namesOf(bridge.name)).toEqual([]);
			kernel.links.ensureForwarding({ ipv6: false });
			const netns = subject.netnsPath("n");
			kernel.namespaces.create(netns);
			const leg = legFor({ ...bridge, mtu: 1400 }, netns);
			await kernel.links.ensureLeg(leg);
			expect(namesOf(bridge.name)).toEqual([leg.hostInterface]);
			const { forwards, links, missing, droppers } = kernel.facts.observe();
			expect(forwards[4]).toBe(true);
			expect(links).toContainEqual({ name: bridge.name, mtu: 1400, master: undefined, forwards: true, ipv6: false });
			expect([missing, droppers]).toEqual([[], []]);
		});

		test("a port of SCTP is reserved as any other; a kernel without says so", () => {
			const request = { protocol: "sctp", address: ip("0.0.0.0"), port: 38_412 } as const;
			using held = new DisposableStack();
			const reserve = (): string => {
				try {
					return String(held.use(kernel.hostPorts.reserve(request))?.port);
				} catch (error) {
					return error instanceof Fault ? error.reason : String(error);
				}
			};
			const outcomes = [reserve(), reserve(), kernel.hostPorts.holder(request)];
			const refusal = "PROTOCOL_UNSUPPORTED";
			const expected = subject.supports("sctp") ? ["38412", "undefined"] : [refusal, refusal];
			expect(outcomes).toEqual([...expected, undefined]);
		});

		test("a port of the host is reserved once, and free again after", () => {
			const anywhere = { protocol: "tcp", address: ip("0.0.0.0"), port: 0 } as const;
			const first = kernel.hostPorts.reserve(anywhere);
			const port = first?.port ?? 0;
			expect(port).toBeGreaterThan(0);
			expect(kernel.hostPorts.reserve({ ...anywhere, port })).toBeUndefined();
			expect(kernel.hostPorts.reserve({ ...anywhere, address: ip("127.0.0.1"), port })).toBeUndefined();
			const udp = kernel.hostPorts.reserve({ ...anywhere, protocol: "udp", port });
			expect(udp?.port).toBe(port);
			first?.[Symbol.dispose]();
			udp?.[Symbol.dispose]();
			const again = kernel.hostPorts.reserve({ ...anywhere, port });
			expect(again?.port).toBe(port);
			again?.[Symbol.dispose]();
			expect(() => kernel.hostPorts.reserve({ ...anywhere, address: ip("203.0.113.77") })).toThrow(
				"The host has no address 203.0.113.77",
			);
		});
	});
}

function texts(publications: readonly Published[]): string[] {
	const side = (one: Published) => (isPublication(one) ? `${one.hostAddress ?? ""} ${one.hostPort}` : "at");
	return publications.map((one) => `${one.protocol} ${side(one)} ${one.target} ${one.targetPort}`).sort();
}
