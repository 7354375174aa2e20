import { describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { ModelHostPorts } from "./kernel/model/host-ports.ts";
import type { Port } from "./port.ts";
import { Reservations } from "./reservations.ts";

function setUp() {
	const ports = new ModelHostPorts({ lacking: new Set() });
	return { ports, reservations: new Reservations(ports, ({ hostPort }) => (hostPort === 7000 ? "web" : undefined)) };
}

function port(hostPort: number, address?: string): Port {
	return {
		protocol: "tcp",
		hostAddress: address === undefined ? undefined : Ip.parse(address),
		hostPort,
		containerPort: 80,
	};
}

describe("Reservations", () => {
	test("a port is reserved for each family of the endpoint, and released", () => {
		const { ports, reservations } = setUp();
		reservations.reserve([port(8080)], [4, 6]);
		expect(ports.reserved()).toEqual(["tcp 0.0.0.0 8080", "tcp :: 8080"]);
		expect(reservations.isReserved(port(8080), [4, 6])).toBe(true);
		reservations.release([port(8080)]);
		expect(ports.reserved()).toEqual([]);
		expect(reservations.isReserved(port(8080), [4])).toBe(false);
	});

	test("all or none", () => {
		const { ports, reservations } = setUp();
		ports.programs.set("tcp 8081", "nginx (process 812)");
		expect(() => reservations.reserve([port(8080), port(8081)], [4])).toThrow(
			"The port 8081/tcp of the host is in use by nginx (process 812).",
		);
		expect(ports.reserved()).toEqual([]);
	});

	test("of a range the lowest that is free in both families, after what was asked for by number, and each another", () => {
		const { ports, reservations } = setUp();
		ports.programs.set("tcp 8001", "nginx (process 812)");
		const range = { ...port(8000), hostPortEnd: 8003 };
		const chosen = reservations.reserve([range, range, port(8000)], [4, 6]);
		expect(chosen.map(({ hostPort }) => hostPort)).toEqual([8000, 8002, 8003]);
		expect(chosen.every((one) => !("hostPortEnd" in one))).toBe(true);
		expect(ports.reserved()).toHaveLength(6);
		const full = expect.objectContaining({
			reason: "NO_PORT_OF_RANGE_FREE",
			message: "No port of the host from 8000 to 8003/tcp is free.",
		});
		expect(() => reservations.reserve([port(9000), range], [4, 6])).toThrow(full);
		expect(ports.reserved()).toHaveLength(6);
		reservations.release(chosen.slice(1, 2));
		expect(reservations.reserve([range], [4, 6]).map(({ hostPort }) => hostPort)).toEqual([8002]);
	});

	test("one address's range passes over what all addresses have", () => {
		const { reservations } = setUp();
		reservations.reserve([port(8000, "127.0.0.1")], [4]);
		const at = (address?: string) => ({ ...port(8000, address), hostPortEnd: 8001 });
		expect(reservations.reserve([at("127.0.0.1"), at("192.0.2.1")], [4]).map(({ hostPort }) => hostPort)).toEqual([
			8001, 8000,
		]);
	});

	test("the holder is named when it is ours", () => {
		const { reservations } = setUp();
		reservations.reserve([port(7000)], [4]);
		expect(() => reservations.reserve([port(7000)], [4])).toThrow("The port 7000/tcp of the host is in use by web.");
	});

	test("a free port is one that both families have free", () => {
		const { ports, reservations } = setUp();
		const [first, second] = reservations.reserve([port(0), port(0)], [4, 6]);
		expect(first?.hostPort).toBeGreaterThan(0);
		expect(second?.hostPort).not.toBe(first?.hostPort);
		expect(ports.reserved()).toHaveLength(4);
	});

	test("one address beside all addresses, whichever came first and whichever goes first", () => {
		for (const order of [
			[port(8080), port(8080, "127.0.0.1")],
			[port(8080, "127.0.0.1"), port(8080)],
		] as const) {
			const { ports, reservations } = setUp();
			for (const one of order) reservations.reserve([one], [4]);
			expect(ports.reserved()).toEqual(["tcp 0.0.0.0 8080"]);
			reservations.release([port(8080)]);
			expect(ports.reserved()).toEqual(["tcp 127.0.0.1 8080"]);
			reservations.reserve([port(8080)], [4]);
			reservations.release([port(8080, "127.0.0.1")]);
			expect(ports.reserved()).toEqual(["tcp 0.0.0.0 8080"]);
			reservations.release([port(8080)]);
			expect(ports.reserved()).toEqual([]);
		}
	});

	test("all addresses are refused where another program has one of them; ours stay", () => {
		const { ports, reservations } = setUp();
		reservations.reserve([port(8080, "127.0.0.1")], [4]);
		using _other = ports.reserve({ protocol: "tcp", address: Ip.parse("192.0.2.1"), port: 8080 });
		expect(() => reservations.reserve([port(8080)], [4])).toThrow("in use by another program");
		expect(ports.reserved()).toEqual(["tcp 127.0.0.1 8080", "tcp 192.0.2.1 8080"]);
	});

	test("an address that the host does not have is refused", () => {
		const { ports, reservations } = setUp();
		expect(() => reservations.reserve([port(8080, "203.0.113.9")], [4])).toThrow("The host has no address 203.0.113.9");
		expect(ports.reserved()).toEqual([]);
	});
});
