import { describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { checkBridgeOptions, parseBridgeOptions } from "./bridge-options.ts";

const PREFIX = "com.docker.network.";

describe("parseBridgeOptions", () => {
	test("defaults", () => {
		expect(parseBridgeOptions({})).toEqual({
			bridgeName: undefined,
			mtu: 1500,
			masquerade: true,
			icc: true,
			hostBinding: undefined,
			interfacePrefix: "eth",
			sources: [],
			inhibitIpv4: false,
			gatewayModes: { 4: "nat", 6: "nat" },
			trusted: [],
			uplink: undefined,
		});
	});

	test("every option", () => {
		const options = parseBridgeOptions({
			[`${PREFIX}bridge.name`]: "lan0",
			[`${PREFIX}driver.mtu`]: "1400",
			[`${PREFIX}bridge.enable_ip_masquerade`]: "false",
			[`${PREFIX}bridge.enable_icc`]: "0",
			[`${PREFIX}bridge.host_binding_ipv4`]: "127.0.0.1",
			[`${PREFIX}bridge.inhibit_ipv4`]: "1",
			[`${PREFIX}bridge.gateway_mode_ipv4`]: "nat-unprotected",
			[`${PREFIX}bridge.gateway_mode_ipv6`]: "routed",
			[`${PREFIX}bridge.trusted_host_interfaces`]: "vxlan.1:eth3:eth3",
			[`${PREFIX}host_ipv4`]: "192.0.2.9",
			[`${PREFIX}host_ipv6`]: "2001:db8::9",
			[`${PREFIX}container_iface_prefix`]: "lan",
			[`${PREFIX}container_interface_prefix`]: "lan",
		});
		expect(options).toMatchObject({ bridgeName: "lan0", mtu: 1400, masquerade: false, icc: false });
		expect(options).toMatchObject({ inhibitIpv4: true, interfacePrefix: "lan" });
		expect(options).toMatchObject({
			gatewayModes: { 4: "nat-unprotected", 6: "routed" },
			trusted: ["eth3", "vxlan.1"],
		});
		expect(options.sources.map(String)).toEqual(["192.0.2.9", "2001:db8::9"]);
		expect(options.hostBinding?.toString()).toBe("127.0.0.1");
	});

	test("an uplink: what its segment has is not masqueraded unless that is asked", () => {
		const uplink = { "wharf.bridge.uplink": "eth1" };
		expect(parseBridgeOptions(uplink)).toMatchObject({ uplink: { name: "eth1", moves: false }, masquerade: false });
		const moves = { ...uplink, "wharf.bridge.uplink_move": "true", [`${PREFIX}bridge.enable_ip_masquerade`]: "true" };
		expect(parseBridgeOptions(moves)).toMatchObject({ uplink: { name: "eth1", moves: true }, masquerade: true });
	});

	test.each([
		[{ "wharf.bridge.uplink": "wh-0123456789ab" }],
		[{ "wharf.bridge.uplink": "lo" }],
		[{ "wharf.bridge.uplink": "eth1", "wharf.bridge.uplink_move": "yes" }],
		[{ "wharf.bridge.uplink_move": "true" }],
		[{ "wharf.bridge.uplink": "eth1", [`${PREFIX}bridge.enable_icc`]: "false" }],
		[{ "wharf.bridge.uplink": "eth1", [`${PREFIX}bridge.gateway_mode_ipv4`]: "nat" }],
		[{ "wharf.bridge.uplink": "eth1", [`${PREFIX}bridge.trusted_host_interfaces`]: "eth2" }],
		[{ "wharf.bridge.uplink": "eth1", [`${PREFIX}bridge.host_binding_ipv4`]: "127.0.0.1" }],
		[{ "wharf.bridge.uplink": "eth1", [`${PREFIX}bridge.inhibit_ipv4`]: "true" }],
	])("%j is refused, saying what is allowed", (options) => {
		const asked = { internal: false, subnets: [] };
		expect(() => checkBridgeOptions(options as Record<string, string>, asked)).toThrow(/allowed is/);
	});

	test.each([
		[`${PREFIX}bridge.enable_icx`, `${PREFIX}bridge.enable_icc`],
		["bridge.enable_icc", `${PREFIX}bridge.enable_icc`],
		["mtu", `${PREFIX}driver.mtu`],
		["com.docker.netwrok.driver.mtu", `${PREFIX}driver.mtu`],
	])("the unknown option %s is refused with the one that was meant", (option, known) => {
		expect(() => parseBridgeOptions({ [option]: "1" })).toThrow(`did you mean ${known}?`);
	});

	test.each(["foo", "isolate", "vlan", "parent"])(
		"the unknown option %s is like none, and so all are listed",
		(option) => {
			expect(() => parseBridgeOptions({ [option]: "1" })).toThrow(
				`The driver bridge has no option ${JSON.stringify(option)}; it has ${PREFIX}bridge.name, ${PREFIX}driver.mtu, `,
			);
		},
	);

	test.each([
		["bridge.name", "a/b"],
		["bridge.name", "wh-0123456789ab"],
		["bridge.name", ""],
		["driver.mtu", "67"],
		["driver.mtu", "65536"],
		["driver.mtu", "1e3"],
		["bridge.enable_icc", "yes"],
		["bridge.host_binding_ipv4", "::1"],
		["bridge.host_binding_ipv4", "here"],
		["bridge.inhibit_ipv4", "maybe"],
		["bridge.gateway_mode_ipv4", "bridged"],
		["bridge.gateway_mode_ipv6", ""],
		["bridge.trusted_host_interfaces", ""],
		["bridge.trusted_host_interfaces", "eth1::eth2"],
		["bridge.trusted_host_interfaces", "eth1 eth2"],
		["host_ipv4", "2001:db8::9"],
		["host_ipv4", "0.0.0.0"],
		["host_ipv4", "224.0.0.1"],
		["host_ipv4", "127.0.0.1"],
		["host_ipv6", "192.0.2.9"],
		["host_ipv6", "fe80::1"],
		["host_ipv6", "ff02::1"],
		["container_iface_prefix", ""],
		["container_iface_prefix", "a b"],
		["container_interface_prefix", "x".repeat(13)],
	])("%s = %j is refused, saying what is allowed", (option, value) => {
		expect(() => parseBridgeOptions({ [PREFIX + option]: value })).toThrow(/allowed is/);
	});

	test("two prefixes that differ are refused", () => {
		const both = { [`${PREFIX}container_iface_prefix`]: "lan", [`${PREFIX}container_interface_prefix`]: "net" };
		expect(() => parseBridgeOptions(both)).toThrow("the same under both names");
	});

	describe("what contradicts a gateway mode is refused", () => {
		const outside = { internal: false, subnets: [] };
		const subnet = { family: 4, cidr: undefined, gateway: Ip.parse("10.0.0.1") } as const;
		test.each([
			["bridge.gateway_mode_ipv4", "isolated", {}, outside, "for an internal network alone"],
			["bridge.gateway_mode_ipv6", "isolated", {}, outside, "for an internal network alone"],
			["bridge.gateway_mode_ipv4", "isolated", {}, { internal: true, subnets: [subnet] }, "without a gateway"],
			["bridge.gateway_mode_ipv4", "routed", { host_ipv4: "192.0.2.9" }, outside, "host_ipv4 says"],
			["bridge.gateway_mode_ipv6", "routed", { host_ipv6: "2001:db8::9" }, outside, "host_ipv6 says"],
			[
				"bridge.gateway_mode_ipv4",
				"routed",
				{ "bridge.host_binding_ipv4": "127.0.0.1" },
				outside,
				"where the host's ports",
			],
		] as const)("%s = %s with %j", (option, mode, more, asked, sentence) => {
			const named = Object.fromEntries(
				Object.entries({ ...more, [option]: mode }).map(([key, v]) => [PREFIX + key, v]),
			);
			expect(() => checkBridgeOptions(named, asked)).toThrow(sentence);
			// Of the other family it says nothing.
			const other = option.replace(/[46]$/, (digit) => (digit === "4" ? "6" : "4"));
			const elsewhere = { ...named, [PREFIX + option]: "nat", [PREFIX + other]: mode };
			expect(() => checkBridgeOptions(elsewhere, { ...asked, internal: true })).not.toThrow();
		});
	});
});
