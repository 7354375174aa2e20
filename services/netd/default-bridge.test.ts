import { describe, expect, test } from "vitest";
import { readSettings } from "#lib/config/settings.ts";
import { defaultBridge } from "./default-bridge.ts";
import { schema } from "./config.ts";

/** By variables of the environment, as `BIP`. */
function wanted(given: Record<string, string>) {
	const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [`WHARF_NETD_${name}`, value]));
	const settings = readSettings({ env, file: "/nonexistent/wharf.json", schema });
	const { subnets, ...rest } = defaultBridge(settings.defaultBridge, settings);
	const texts = subnets.map(({ family, cidr, ipRange, gateway, auxiliary }) => {
		const router = Object.entries(auxiliary).map(([name, ip]) => `${name} ${ip}`);
		return [family, cidr, ipRange, gateway, ...router].map(String).join(" ");
	});
	return { ...rest, subnets: texts };
}

test("nothing said is an automatic IPv4 subnet, and no option", () => {
	expect(wanted({})).toEqual({ interface: "wharf0", options: {}, subnets: ["4 undefined undefined undefined"] });
});

describe("subnets", () => {
	test.each([
		[{ BIP: "10.9.0.5/24" }, ["4 10.9.0.0/24 undefined 10.9.0.5"]],
		[{ BIP: "10.9.0.5/24", FIXED_CIDR: "10.9.0.128/25" }, ["4 10.9.0.0/24 10.9.0.128/25 10.9.0.5"]],
		[{ FIXED_CIDR: "10.9.0.0/25" }, ["4 10.9.0.0/25 undefined undefined"]],
		[
			{ BIP: "10.9.0.5/24", DEFAULT_GATEWAY: "10.9.0.9" },
			["4 10.9.0.0/24 undefined 10.9.0.5 DefaultGatewayIPv4 10.9.0.9"],
		],
		[{ BIP: "10.9.0.5/24", DEFAULT_GATEWAY: "10.9.0.5" }, ["4 10.9.0.0/24 undefined 10.9.0.5"]],
		[{ IPV6: "true" }, ["4 undefined undefined undefined", "6 undefined undefined undefined"]],
		[{ IPV6: "false" }, ["4 undefined undefined undefined"]],
		[
			{ BIP6: "fd00:9::1/64", FIXED_CIDR_V6: "fd00:9::/80", DEFAULT_GATEWAY_V6: "fd00:9::9" },
			["4 undefined undefined undefined", "6 fd00:9::/64 fd00:9::/80 fd00:9::1 DefaultGatewayIPv6 fd00:9::9"],
		],
	])("of %j", (given, subnets) => {
		expect(wanted(given as unknown as Record<string, string>).subnets).toEqual(subnets);
	});
});

test("options, and the bridge's name", () => {
	expect(wanted({ DEFAULT_BRIDGE: "br9", MTU: "1400", ICC: "false", IP_MASQ: "false" })).toMatchObject({
		interface: "br9",
		options: {
			"com.docker.network.driver.mtu": "1400",
			"com.docker.network.bridge.enable_icc": "false",
			"com.docker.network.bridge.enable_ip_masquerade": "false",
		},
	});
});

test.each([
	[{ BIP: "10.9.0.0/24" }, "WHARF_NETD_BIP"],
	[{ BIP: "10.9.0.255/24" }, "WHARF_NETD_BIP"],
	[{ BIP: "10.9.0.1" }, "WHARF_NETD_BIP"],
	[{ BIP: "fd00::1/64" }, "WHARF_NETD_BIP"],
	[{ BIP6: "10.9.0.1/24" }, "WHARF_NETD_BIP6"],
	[{ FIXED_CIDR: "10.9.0.1/24" }, "WHARF_NETD_FIXED_CIDR"],
	[{ BIP: "10.9.0.1/24", FIXED_CIDR: "10.8.0.0/25" }, "netd.fixedCidr"],
	[{ DEFAULT_GATEWAY: "10.9.0.9" }, "netd.defaultGateway"],
	[{ BIP: "10.9.0.1/24", DEFAULT_GATEWAY: "10.8.0.9" }, "netd.defaultGateway"],
	[{ BIP6: "fd00::1/64", IPV6: "false" }, "netd.ipv6"],
	[{ BIP6: "fd00::1/64", DEFAULT_GATEWAY_V6: "fd01::9" }, "netd.defaultGatewayV6"],
	[{ MTU: "67" }, "WHARF_NETD_MTU"],
	[{ ICC: "no" }, "WHARF_NETD_ICC"],
	[{ IP: "::1" }, "WHARF_NETD_IP"],
	[{ DNS: "192.0.2.1,dns.example" }, "WHARF_NETD_DNS"],
])("%j is refused by name", (given, setting) => {
	expect(() => wanted(given as unknown as Record<string, string>)).toThrow(
		expect.objectContaining({ reason: "INVALID_SETTING", metadata: expect.objectContaining({ setting }) }),
	);
});
