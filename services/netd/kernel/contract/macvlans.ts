/** Macvlans, their parents, and the host's own beside them. */
import { beforeEach, expect, test } from "vitest";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { Fault } from "#lib/fault/fault.ts";
import { bridgeName, newId, shimName } from "../../id.ts";
import type { InnerEnd, Macvlan, Parent, Shim } from "../links.ts";
import type { Current } from "./subject.ts";
import { bridgeFor, ETH1, GATEWAY, innerEndOf, ip, macvlanFor } from "./wanted.ts";

export function macvlans(it: Current): void {
	let netns: string;
	beforeEach(() => {
		netns = it.subject.netnsPath("a");
		it.kernel.namespaces.create(netns);
		it.subject.addForeignLink(ETH1);
	});

	const endOf = ({ interface: name }: Macvlan): InnerEnd =>
		innerEndOf({ hostInterface: undefined, netns, interface: name }, "10.60.0.2/24");

	test("one is made once, seen with its owner, put where it should be, and removed; absent is success", async () => {
		const macvlan = macvlanFor(netns);
		const { endpointId, interface: name, parent, mode } = macvlan;
		await it.kernel.links.ensureMacvlan(macvlan);
		expect(it.kernel.links.macvlans(netns)).toEqual([{ endpointId, interface: name, parent, mode, up: false }]);
		await it.kernel.links.ensureInnerEnd(endOf(macvlan));
		await it.kernel.links.ensureMacvlan(macvlan);
		expect(it.kernel.links.macvlans(netns)).toEqual([{ endpointId, interface: name, parent, mode, up: true }]);
		it.kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
		expect(it.kernel.links.observe()).toEqual({ bridges: [], legs: [] });
		await it.kernel.links.ensureMacvlan({ ...macvlan, mode: "private" });
		expect(it.kernel.links.macvlans(netns)).toMatchObject([{ endpointId, mode: "private" }]);
		await it.kernel.links.removeMacvlan(macvlan);
		await it.kernel.links.removeMacvlan(macvlan);
		expect(it.kernel.links.macvlans(netns)).toEqual([]);
		expect(it.kernel.links.interfaces(netns)).toEqual(["lo"]);
		await it.kernel.links.removeMacvlan({ endpointId, netns: it.subject.netnsPath("absent") });
	});

	test("one needs its parent, its namespace and a free name inside; it goes with its parent", async () => {
		const absent = parseIfName("eth7");
		await expect(it.kernel.links.ensureMacvlan(macvlanFor(netns, { parent: absent }))).rejects.toThrow(
			"The host has no interface eth7",
		);
		await expect(it.kernel.links.ensureMacvlan(macvlanFor(it.subject.netnsPath("b")))).rejects.toThrow("ENOENT");
		await it.kernel.links.ensureMacvlan(macvlanFor(netns));
		const second = macvlanFor(netns);
		await expect(it.kernel.links.ensureMacvlan(second)).rejects.toThrow("EEXIST");
		await it.kernel.links.removeMacvlan(second);
		await it.kernel.links.ensureMacvlan(macvlanFor(netns, { interface: parseIfName("eth1") }));
		expect(it.kernel.links.macvlans(netns)).toHaveLength(2);
		it.subject.removeForeignLink(ETH1);
		expect(it.kernel.links.macvlans(netns)).toEqual([]);
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
		it.kernel.links.ensureShim(shim);
		it.kernel.links.ensureShim(shim);
		expect(it.kernel.links.observe().bridges).toEqual([{ name, networkId }]);
		expect(it.kernel.links.isThere(name)).toBe(true);
		const bridge = { ...bridgeFor(newId()), addresses: [IpInterface.parse("10.60.0.1/25")] };
		it.kernel.links.ensureBridge(bridge);
		it.kernel.links.ensureShim(shim);
		const other = newId();
		const second = {
			...shim,
			name: shimName(other),
			networkId: other,
			ways: [{ ...way, address: ip("10.60.0.8") }],
		};
		expect(() => it.kernel.links.ensureShim(second)).toThrow("it has 10.60.0.");
		expect(() => it.kernel.links.ensureShim({ ...second, parent: parseIfName("eth7") })).toThrow("no interface eth7");
		expect(() => it.kernel.links.ensureShim({ ...second, name })).toThrow(`An interface ${name} is there already`);
		const apart = { ...way, address: ip("10.60.0.129"), range: Cidr.parse("10.60.0.128/25") };
		it.kernel.links.ensureShim({ ...second, mac: macFromIp(apart.address), ways: [apart] });
		await it.kernel.links.removeBridge({ name, networkId: other });
		expect(it.kernel.links.isThere(name)).toBe(true);
		await it.kernel.links.removeBridge({ name, networkId });
		await it.kernel.links.removeBridge({ name, networkId });
		expect(it.kernel.links.isThere(name)).toBe(false);
		it.subject.removeForeignLink(ETH1);
		expect(it.kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
	});

	test("passthru has its parent to itself", async () => {
		const alone = macvlanFor(netns, { mode: "passthru" });
		await it.kernel.links.ensureMacvlan(alone);
		const second = macvlanFor(netns, { interface: parseIfName("eth1") });
		await expect(it.kernel.links.ensureMacvlan(second)).rejects.toThrow("EINVAL");
		await it.kernel.links.removeMacvlan(alone);
		await it.kernel.links.ensureMacvlan(second);
		await expect(it.kernel.links.ensureMacvlan(alone)).rejects.toThrow("EINVAL");
	});

	test("a parent of the host's is used as it is", () => {
		expect(it.kernel.links.isThere(ETH1)).toBe(true);
		it.kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: undefined, made: undefined });
		it.kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: 1500, made: undefined });
		expect(() => it.kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: 1501, made: undefined })).toThrow(
			"its MTU is 1500, and the network's 1501",
		);
		expect(it.kernel.links.observe().bridges).toEqual([]);
		it.subject.removeForeignLink(ETH1);
		expect(it.kernel.links.isThere(ETH1)).toBe(false);
		const made = { kind: "802.1q", on: ETH1, id: 30 } as const;
		const gone = "The host has no interface eth1";
		expect(() =>
			it.kernel.links.ensureParent({ name: ETH1, networkId: newId(), mtu: undefined, made: undefined }),
		).toThrow(gone);
		expect(() =>
			it.kernel.links.ensureParent({ name: parseIfName("eth1.30"), networkId: newId(), mtu: undefined, made }),
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
			const supported = it.subject.supports(kind);
			const outcomeOf = (wanted: Parent): string => {
				try {
					it.kernel.links.ensureParent(wanted);
					return "made";
				} catch (error) {
					return error instanceof Fault ? error.reason : String(error);
				}
			};
			const outcomes = [parent, parent, { ...parent, networkId: newId() }].map(outcomeOf);
			const refusal = "LINK_KIND_UNSUPPORTED";
			expect(outcomes).toEqual(supported ? ["made", "made", "INTERFACE_EXISTS"] : [refusal, refusal, refusal]);
			expect(it.kernel.links.observe().bridges).toEqual(supported ? [network] : []);
			if (supported) await it.kernel.links.ensureMacvlan(macvlanFor(netns, { parent: name }));
			expect(it.kernel.links.macvlans(netns)).toHaveLength(supported ? 1 : 0);
			await it.kernel.links.removeBridge(network);
			expect(it.kernel.links.observe().bridges).toEqual([]);
			expect(it.kernel.links.macvlans(netns)).toEqual([]);
		},
	);
}
