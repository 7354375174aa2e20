/** Bridges, also with an uplink. */
import { beforeEach, describe, expect, test } from "vitest";
import { IpInterface } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { Fault } from "#lib/fault/fault.ts";
import { newId } from "../../id.ts";
import type { Bridge } from "../links.ts";
import type { Current } from "./subject.ts";
import { bridgeFor, ETH1 } from "./wanted.ts";

export function bridges(it: Current): void {
	test("a bridge is made once, seen with its owner, and removed; absent is success", async () => {
		const bridge = bridgeFor(newId());
		it.kernel.links.ensureBridge(bridge);
		it.kernel.links.ensureBridge(bridge);
		expect(it.kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
		await it.kernel.links.removeBridge(bridge);
		await it.kernel.links.removeBridge(bridge);
		expect(it.kernel.links.observe().bridges).toEqual([]);
	});

	test("a bridge may have a name of its own; a name that is another's is refused, and that link left alone", async () => {
		const mine = bridgeFor(newId(), parseIfName("lan0"));
		it.kernel.links.ensureBridge(mine);
		expect(it.kernel.links.observe().bridges).toEqual([{ name: "lan0", networkId: mine.networkId }]);
		const taken = bridgeFor(newId(), parseIfName("lan0"));
		expect(() => it.kernel.links.ensureBridge(taken)).toThrow("An interface lan0 is there already");
		await it.kernel.links.removeBridge(taken);
		it.subject.addForeignLink(parseIfName("eth9"));
		const foreign = bridgeFor(newId(), parseIfName("eth9"));
		expect(() => it.kernel.links.ensureBridge(foreign)).toThrow("An interface eth9 is there already");
		await it.kernel.links.removeBridge(foreign);
		expect(() => it.kernel.links.ensureBridge(foreign)).toThrow("An interface eth9 is there already");
		expect(it.kernel.links.observe().bridges).toEqual([{ name: "lan0", networkId: mine.networkId }]);
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
				it.kernel.links.ensureBridge(bridge);
				return "made";
			} catch (error) {
				return error instanceof Fault ? error.message : String(error);
			}
		};
		beforeEach(() => it.subject.addForeignLink(ETH1));

		test("a bare interface becomes a port, and is free when the bridge goes", async () => {
			const bridge = segment(false);
			expect([bridge, bridge].map(outcomeOf)).toEqual(["made", "made"]);
			expect(outcomeOf(segment(true))).toContain(`it is a port of ${bridge.name}`);
			expect(it.kernel.links.observe().bridges).toEqual([{ name: bridge.name, networkId: bridge.networkId }]);
			await it.kernel.links.removeBridge(bridge);
			await it.kernel.links.removeBridge(bridge);
			expect(outcomeOf(segment(true))).toBe("made");
		});

		test("the host's addresses move to the bridge and back, also those that come later, and by a stray's mark alone", async () => {
			it.subject.addAddress(ETH1, first);
			expect(outcomeOf(segment(false))).toContain("has the host's address 10.60.0.5/24");
			const bridge = segment(true);
			expect([bridge, bridge].map(outcomeOf)).toEqual(["made", "made"]);
			expect([it.subject.addressesOf(ETH1), it.subject.addressesOf(bridge.name)]).toEqual([[], ["10.60.0.5/24"]]);
			it.subject.addAddress(ETH1, second);
			expect(outcomeOf(bridge)).toBe("made");
			const { name, networkId } = bridge;
			const settings = it.kernel.links.observeUplink(name, ETH1);
			expect(settings.addresses.map(String).sort()).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
			await it.kernel.links.removeBridge({ name, networkId });
			expect(it.subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
			await it.kernel.links.removeBridge(bridge);
			expect(it.subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24", "10.60.0.6/24"]);
		});

		test("what was lost with a bridge is put back from what was stored while the machine runs, and not over what is there", async () => {
			it.subject.addAddress(ETH1, first);
			const bridge = segment(true);
			it.kernel.links.ensureBridge(bridge);
			const settings = it.kernel.links.observeUplink(bridge.name, ETH1);
			const uplink = { name: ETH1, moves: true, settings };
			it.subject.removeForeignLink(bridge.name);
			expect(it.subject.addressesOf(ETH1)).toEqual([]);
			const old = { ...uplink, settings: { ...settings, bootId: "another" } };
			it.kernel.links.ensureBridge({ ...bridge, uplink: old });
			expect(it.subject.addressesOf(bridge.name)).toEqual([]);
			it.kernel.links.ensureBridge({ ...bridge, uplink });
			expect(it.subject.addressesOf(bridge.name)).toEqual(["10.60.0.5/24"]);
			it.subject.removeForeignLink(bridge.name);
			await it.kernel.links.removeBridge({ ...bridge, uplink: old });
			expect(it.subject.addressesOf(ETH1)).toEqual([]);
			await it.kernel.links.removeBridge({ ...bridge, uplink });
			expect(it.subject.addressesOf(ETH1)).toEqual(["10.60.0.5/24"]);
		});

		test("one that is not there, is a bridge, or is too narrow is refused, and nothing is made", () => {
			const other = bridgeFor(newId(), parseIfName("lan0"));
			it.kernel.links.ensureBridge(other);
			const on = (name: IfName) => segment(true, { uplink: { name, moves: true, settings: undefined } });
			expect(outcomeOf(on(parseIfName("eth7")))).toContain("no interface eth7");
			expect(outcomeOf(on(other.name))).toContain("it is a bridge itself");
			expect(outcomeOf(segment(true, { mtu: 9000 }))).toContain("its MTU is 1500, and the network's 9000");
			expect(it.kernel.links.observe().bridges).toHaveLength(1);
		});
	});
}
