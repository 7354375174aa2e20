/** The host's facts and its ports. */
import { expect, test } from "vitest";
import type { IfName } from "#lib/address/if-name.ts";
import { Fault } from "#lib/fault/fault.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { newId } from "../../id.ts";
import type { Current } from "./subject.ts";
import { bridgeFor, ETH1, GATEWAY, ip, unjoined } from "./wanted.ts";

export function host(it: Current): void {
	test("the host's facts have our links, and whether packets are forwarded", async () => {
		const { bridge, leg } = unjoined(it, { mtu: 1400 });
		const namesOf = (master: IfName) =>
			it.kernel.facts
				.observe()
				.links.filter((link) => link.master === master)
				.map(({ name }) => name);
		expect(namesOf(bridge.name)).toEqual([]);
		it.kernel.links.ensureForwarding({ ipv6: false });
		await it.kernel.links.ensureLeg(leg);
		expect(namesOf(bridge.name)).toEqual([leg.hostInterface]);
		const { forwards, links, missing, droppers } = it.kernel.facts.observe();
		expect(forwards[4]).toBe(true);
		expect(links).toContainEqual({ name: bridge.name, mtu: 1400, master: undefined, forwards: true, ipv6: false });
		expect([missing, droppers]).toEqual([[], []]);
	});

	test("what somebody has written of who has an address is seen, and removed where it is wrong", async () => {
		const bridge = bridgeFor(newId());
		it.kernel.links.ensureBridge(bridge);
		it.subject.addForeignLink(ETH1);
		const at = { interface: bridge.name, ip: ip("10.60.0.7") };
		const [right, wrong] = [macFromIp(at.ip), macFromIp(GATEWAY.ip)];
		const written = () => it.kernel.links.writtenNeighbours().map((one) => `${one.interface} ${one.ip} ${one.mac}`);
		expect([written(), it.kernel.links.ensureReachable({ ...at, mac: right })]).toEqual([[], false]);
		it.subject.writeNeighbour({ ...at, mac: wrong });
		it.subject.writeNeighbour({ ...at, interface: ETH1, mac: wrong });
		const theirs = `eth1 10.60.0.7 ${wrong}`;
		expect(written().sort()).toEqual([theirs, `${bridge.name} 10.60.0.7 ${wrong}`]);
		expect(it.kernel.links.ensureReachable({ ...at, mac: wrong })).toBe(false);
		expect(it.kernel.links.ensureReachable({ ...at, mac: right })).toBe(true);
		expect(it.kernel.links.ensureReachable({ ...at, mac: right })).toBe(false);
		expect(written()).toEqual([theirs]);
		it.subject.writeNeighbour({ ...at, mac: right });
		await it.kernel.links.removeBridge(bridge);
		expect(it.kernel.links.ensureReachable({ ...at, mac: wrong })).toBe(false);
		expect(written()).toEqual([theirs]);
	});

	test("a port of SCTP is reserved as any other; a kernel without says so", () => {
		const request = { protocol: "sctp", address: ip("0.0.0.0"), port: 38_412 } as const;
		using held = new DisposableStack();
		const reserve = (): string => {
			try {
				return String(held.use(it.kernel.hostPorts.reserve(request))?.port);
			} catch (error) {
				return error instanceof Fault ? error.reason : String(error);
			}
		};
		const outcomes = [reserve(), reserve(), it.kernel.hostPorts.holder(request)];
		const refusal = "PROTOCOL_UNSUPPORTED";
		const expected = it.subject.supports("sctp") ? ["38412", "undefined"] : [refusal, refusal];
		expect(outcomes).toEqual([...expected, undefined]);
	});

	test("a port of the host is reserved once, and free again after", () => {
		const anywhere = { protocol: "tcp", address: ip("0.0.0.0"), port: 0 } as const;
		const first = it.kernel.hostPorts.reserve(anywhere);
		const port = first?.port ?? 0;
		expect(port).toBeGreaterThan(0);
		expect(it.kernel.hostPorts.reserve({ ...anywhere, port })).toBeUndefined();
		expect(it.kernel.hostPorts.reserve({ ...anywhere, address: ip("127.0.0.1"), port })).toBeUndefined();
		const udp = it.kernel.hostPorts.reserve({ ...anywhere, protocol: "udp", port });
		expect(udp?.port).toBe(port);
		first?.[Symbol.dispose]();
		udp?.[Symbol.dispose]();
		const again = it.kernel.hostPorts.reserve({ ...anywhere, port });
		expect(again?.port).toBe(port);
		again?.[Symbol.dispose]();
		expect(() => it.kernel.hostPorts.reserve({ ...anywhere, address: ip("203.0.113.77") })).toThrow(
			"The host has no address 203.0.113.77",
		);
	});
}
