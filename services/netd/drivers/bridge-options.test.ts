import { describe, expect, test } from "vitest";
import { parseBridgeOptions } from "./bridge-options.ts";

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
			[`${PREFIX}host_ipv4`]: "192.0.2.9",
			[`${PREFIX}host_ipv6`]: "2001:db8::9",
			[`${PREFIX}container_iface_prefix`]: "lan",
			[`${PREFIX}container_interface_prefix`]: "lan",
		});
		expect(options).toMatchObject({ bridgeName: "lan0", mtu: 1400, masquerade: false, icc: false });
		expect(options).toMatchObject({ inhibitIpv4: true, interfacePrefix: "lan" });
		expect(options.sources.map(String)).toEqual(["192.0.2.9", "2001:db8::9"]);
		expect(options.hostBinding?.toString()).toBe("127.0.0.1");
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
});
