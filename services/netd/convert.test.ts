import { describe, expect, test } from "vitest";
import { ConnectRequest, UnpublishPortsRequest } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest } from "#gen/wharf/network/v1/sandbox.ts";
import * as convert from "./convert.ts";

describe("parseCreateNetwork", () => {
	const parse = (more: object) =>
		convert.parseCreateNetwork(CreateNetworkRequest.fromPartial({ name: "web", ...more }));

	test("says nothing: a bridge network with an automatic IPv4 subnet", () => {
		expect(parse({})).toMatchObject({ name: "web", driver: "", subnets: [{ family: 4, cidr: undefined }] });
	});

	test("ipv6, or an IPv6 subnet, is a second family", () => {
		expect(parse({ ipv6: true }).subnets.map(({ family }) => family)).toEqual([4, 6]);
		const given = parse({
			subnets: [{ cidr: "fd00:1::/64", gateway: "fd00:1::1", auxiliaryAddresses: { dns: "fd00:1::53" } }],
		});
		expect(given.subnets.map(({ family, cidr }) => [family, cidr?.toString()])).toEqual([
			[4, undefined],
			[6, "fd00:1::/64"],
		]);
		expect(given.subnets[1]?.auxiliary["dns"]?.toString()).toBe("fd00:1::53");
	});

	test.each([
		[{ name: "" }, "INVALID_NAME", "name"],
		[{ name: "-x" }, "INVALID_NAME", "name"],
		[{ name: "a".repeat(129) }, "INVALID_NAME", "name"],
		[{ subnets: [{ cidr: "10.0.0.1/8" }] }, "HOST_BITS_SET", "cidr"],
		[{ subnets: [{ cidr: "10.0.0.0/8" }, { cidr: "11.0.0.0/8" }] }, "TOO_MANY_SUBNETS", "subnets"],
		[{ subnets: [{ cidr: "10.0.0.0/8", gateway: "x" }] }, "INVALID_ADDRESS", "gateway"],
		[{ dnsServers: Array(17).fill("192.0.2.1") }, "TOO_MANY_VALUES", "dns_servers"],
		[{ configOnly: true, internal: true }, "CONFIG_ONLY_CANNOT", "internal"],
		[{ configOnly: true, attachable: true }, "CONFIG_ONLY_CANNOT", "attachable"],
		[{ configOnly: true, configFrom: "x" }, "CONFIG_ONLY_CANNOT", "config_from"],
		[{ configFrom: "x", subnets: [{ cidr: "10.0.0.0/8" }] }, "CONFIG_TWICE", "subnets"],
		[{ configFrom: "x", ipv6: true }, "CONFIG_TWICE", "ipv6"],
		[{ configFrom: "x", options: { a: "b" } }, "CONFIG_TWICE", "options"],
		[{ configFrom: "x", labels: { a: "b" } }, "CONFIG_TWICE", "labels"],
		[{ configFrom: "x", dnsServers: ["192.0.2.1"] }, "CONFIG_TWICE", "dns_servers"],
	])("%j is refused", (more, reason, field) => {
		expect(() => parse(more)).toThrow(expect.objectContaining({ reason, field }));
	});
});

describe("parseCreateSandbox", () => {
	const parse = (more: object) =>
		convert.parseCreateSandbox(CreateSandboxRequest.fromPartial({ holder: "gateway", owner: "c1", ...more }));

	test("what is empty is not said", () => {
		const own = { adoptPath: undefined, adoptPid: undefined, join: undefined };
		expect(parse({})).toMatchObject({ name: "", ...own, hostname: undefined, dnsServers: [] });
		expect(parse({ adoptPid: 4711 })).toMatchObject({ adoptPid: 4711 });
		expect(parse({ joinSandboxId: "x" })).toMatchObject({ join: "x" });
	});

	test.each([
		[{ holder: "" }, "INVALID_OWNER"],
		[{ owner: "" }, "INVALID_OWNER"],
		[{ owner: "a/b" }, "INVALID_NAME"],
		[{ name: "a b" }, "INVALID_NAME"],
		[{ hostname: "_x" }, "INVALID_NAME"],
		[{ dnsServers: ["dns.example"] }, "INVALID_ADDRESS"],
		[{ dnsServers: Array(17).fill("192.0.2.1") }, "TOO_MANY_VALUES"],
		[{ adoptPath: "/x", adoptPid: 1 }, "NAMESPACE_TWICE"],
		[{ adoptPath: "/x", joinSandboxId: "y" }, "NAMESPACE_TWICE"],
		[{ adoptPid: 1, joinSandboxId: "y" }, "NAMESPACE_TWICE"],
		[{ hostname: "h", joinSandboxId: "y" }, "NAMESPACE_TWICE"],
		[{ dnsServers: ["192.0.2.53"], joinSandboxId: "y" }, "NAMESPACE_TWICE"],
	])("%j is refused", (more, reason) => {
		expect(() => parse(more)).toThrow(expect.objectContaining({ reason }));
	});
});

describe("ports", () => {
	const parse = (...ports: object[]) =>
		convert.parseConnect(ConnectRequest.fromPartial({ network: "web", sandboxId: "s", ports })).ports;

	test("TCP unless it is said; 0 is a free port, more than once", () => {
		expect(
			parse({ hostPort: 0, containerPort: 80 }, { hostPort: 0, containerPort: 80, protocol: "PROTOCOL_UDP" }),
		).toMatchObject([{ protocol: "tcp", hostAddress: undefined }, { protocol: "udp" }]);
		expect(parse({ containerPort: 80 }, { containerPort: 80 })).toHaveLength(2);
	});

	test.each([
		[[{ hostPort: 65_536, containerPort: 80 }], "INVALID_PORT"],
		[[{ hostPort: 80, containerPort: 0 }], "INVALID_PORT"],
		[[{ hostPort: 80, containerPort: 80, hostPortEnd: 65_536 }], "INVALID_PORT"],
		[[{ hostPort: 80, containerPort: 80, hostPortEnd: 79 }], "INVALID_PORT"],
		[[{ containerPort: 80, hostPortEnd: 79 }], "INVALID_PORT"],
		[[{ hostPort: 80, containerPort: 80, hostAddress: "eth0" }], "INVALID_ADDRESS"],
		[[{ hostPort: 80, containerPort: 80, hostAddress: "::1" }], "LOOPBACK6_UNPUBLISHABLE"],
		[
			[
				{ hostPort: 80, containerPort: 80 },
				{ hostPort: 80, containerPort: 81 },
			],
			"PORT_TWICE",
		],
	])("%j is refused", (ports, reason) => {
		expect(() => parse(...ports)).toThrow(expect.objectContaining({ reason }));
	});

	test("a range is asked for as often as there are ports to lead to", () => {
		const range = { hostPort: 8000, hostPortEnd: 8010, containerPort: 80 };
		expect(parse(range, { ...range, containerPort: 81 })).toMatchObject([range, { ...range, containerPort: 81 }]);
	});

	test("unpublishing does not ask for the container's port", () => {
		const message = UnpublishPortsRequest.fromPartial({ endpointId: "e", ports: [{ hostPort: 80 }] });
		expect(convert.parseUnpublish(message).ports).toMatchObject([{ protocol: "tcp", hostPort: 80 }]);
	});
});

test("addresses and aliases of an endpoint are refused by name", () => {
	const parse = (more: object) =>
		convert.parseConnect(ConnectRequest.fromPartial({ network: "web", sandboxId: "s", ...more }));
	expect(() => parse({ addresses: ["10.0.0.2", "10.0.0.3"] })).toThrow(
		expect.objectContaining({ reason: "TOO_MANY_ADDRESSES" }),
	);
	expect(() => parse({ aliases: ["ok", "not ok"] })).toThrow(expect.objectContaining({ field: "aliases[1]" }));
	for (const links of [{ "a b": "db" }, { db: "" }, { db: "a/b" }]) {
		expect(() => parse({ links })).toThrow(expect.objectContaining({ reason: "INVALID_NAME" }));
	}
	const links = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`l${at}`, "db"]));
	expect(Object.keys(parse({ links: links(100) }).links)).toHaveLength(100);
	expect(() => parse({ links: links(101) })).toThrow(
		expect.objectContaining({ reason: "TOO_MANY_VALUES", field: "links" }),
	);
	for (const mac of [
		"01:00:00:00:00:01",
		"00:00:00:00:00:00",
		"ff:ff:ff:ff:ff:ff",
		"02:42:0a:00:00",
		"02-42:0a:00:00:02",
	]) {
		expect(() => parse({ mac })).toThrow(expect.objectContaining({ reason: "INVALID_MAC", field: "mac" }));
	}
});
