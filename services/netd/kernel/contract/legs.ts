/** Legs and the routes inside sandboxes. */
import { expect, test } from "vitest";
import { newId } from "../../id.ts";
import type { Current } from "./subject.ts";
import { bridgeFor, GATEWAY, innerEndOf, ip, legFor, unjoined } from "./wanted.ts";

export function legs(it: Current): void {
	test("a leg joins a sandbox to a bridge; it is parked at once, and removed with both ends", async () => {
		const { bridge, netns, leg } = unjoined(it);
		await it.kernel.links.ensureLeg(leg);
		await it.kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
		await it.kernel.links.ensureLeg(leg);
		await it.kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
		expect(it.kernel.links.interfaces(netns).sort()).toEqual(["eth0", "lo"]);
		const seen = { hostInterface: leg.hostInterface, endpointId: leg.endpointId };
		expect(it.kernel.links.observe().legs).toEqual([{ ...seen, bridge: bridge.name, up: true }]);
		const inside = it.kernel.links.observeInside(netns).interfaces;
		expect([...inside.keys()].sort()).toEqual(["eth0", "lo"]);
		expect(inside.get("eth0")?.up).toBe(true);
		expect(inside.get("eth0")?.addresses.map(String)).toContain("10.60.0.2/24");
		it.kernel.links.setHairpin(leg.hostInterface, true);
		it.kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
		expect(it.kernel.links.observe().legs).toEqual([{ ...seen, bridge: bridge.name, up: false }]);
		expect(it.kernel.links.observeInside(netns).interfaces.get("eth0")?.up).toBe(false);
		it.kernel.links.setHairpin(leg.hostInterface, false);
		await it.kernel.links.removeLeg(leg.hostInterface);
		await it.kernel.links.removeLeg(leg.hostInterface);
		it.kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
		it.kernel.links.setHairpin(leg.hostInterface, true);
		expect(it.kernel.links.observe().legs).toEqual([]);
		expect(it.kernel.links.interfaces(netns)).toEqual(["lo"]);
	});

	test("a leg is up inside before it has an address", async () => {
		const { netns, leg } = unjoined(it);
		await it.kernel.links.ensureLeg(leg);
		expect(it.kernel.links.observeInside(netns).interfaces.get("eth0")).toEqual({ up: true, addresses: [] });
		await it.kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
		expect(it.kernel.links.observeInside(netns).interfaces.get("eth0")?.addresses.map(String)).toEqual([
			"10.60.0.2/24",
		]);
	});

	test("a leg needs its bridge and its namespace, and a free name inside", async () => {
		const bridge = bridgeFor(newId());
		const netns = it.subject.netnsPath("a");
		await expect(it.kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("The kernel refused to");
		it.kernel.links.ensureBridge(bridge);
		await expect(it.kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("The kernel refused to");
		it.kernel.namespaces.create(netns);
		await it.kernel.links.ensureLeg(legFor(bridge, netns));
		await expect(it.kernel.links.ensureLeg(legFor(bridge, netns))).rejects.toThrow("EEXIST");
		expect(it.kernel.links.observe().legs).toHaveLength(1);
	});

	test("a default route needs a gateway that is on a link; without one there is none", async () => {
		const { netns, leg } = unjoined(it);
		expect(() => it.kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip })).toThrow("The kernel refused to");
		await it.kernel.links.ensureLeg(leg);
		expect(() => it.kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip })).toThrow("The kernel refused to");
		await it.kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
		expect([...it.kernel.links.observeInside(netns).defaultRoutes]).toEqual([]);
		it.kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
		it.kernel.links.ensureDefaultRoutes(netns, { 4: GATEWAY.ip });
		expect([...it.kernel.links.observeInside(netns).defaultRoutes]).toEqual([4]);
		it.kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
		expect([...it.kernel.links.observeInside(netns).defaultRoutes]).toEqual([]);
		it.kernel.links.ensureDefaultRoutes(netns, {});
		it.kernel.links.ensureDefaultRoutes(netns, {});
	});

	test("source routes are made where they can be: others are passed over; none is success; the namespace must be there", async () => {
		const { netns, leg } = unjoined(it);
		const route = { source: ip("10.60.0.2"), gateway: GATEWAY.ip, interface: leg.interface };
		const count = () => it.subject.sourceRules(netns);
		it.kernel.links.ensureSourceRoutes(netns, [route]);
		await it.kernel.links.ensureLeg(leg);
		it.kernel.links.ensureSourceRoutes(netns, [route]);
		expect(count()).toEqual([]);
		await it.kernel.links.ensureInnerEnd(innerEndOf(leg, "10.60.0.2/24"));
		const astray = { ...route, gateway: ip("10.61.0.1") };
		it.kernel.links.ensureSourceRoutes(netns, [astray]);
		expect(count()).toEqual([]);
		it.kernel.links.ensureSourceRoutes(netns, [route]);
		it.kernel.links.ensureSourceRoutes(netns, [route]);
		expect(count()).toEqual(["10.60.0.2"]);
		it.kernel.links.parkLeg(leg.hostInterface, { netns, interface: leg.interface });
		it.kernel.links.ensureSourceRoutes(netns, [route]);
		expect(count()).toEqual([]);
		it.kernel.links.ensureSourceRoutes(netns, []);
		expect(() => it.kernel.links.ensureSourceRoutes(it.subject.netnsPath("b"), [])).toThrow("The kernel refused to");
	});

	test("settings of an interface are written; those that the kernel does not have, or take, are refused", async () => {
		const { leg } = unjoined(it);
		await it.kernel.links.ensureLeg(leg);
		const end = innerEndOf(leg, "10.60.0.2/24");
		const setting = { group: "net/ipv4/conf", name: "log_martians", value: "1" };
		await it.kernel.links.ensureInnerEnd({ ...end, settings: [setting] });
		for (const wrong of [
			{ ...setting, name: "no_such_thing" },
			{ ...setting, value: "x" },
		]) {
			const refused = it.kernel.links.ensureInnerEnd({ ...end, settings: [wrong] });
			await expect(refused).rejects.toMatchObject({ reason: "SETTING_REFUSED", code: "INVALID_ARGUMENT" });
		}
	});
}
