import { describe, expect, test } from "vitest";
import { parseEndpointOptions } from "./endpoint-options.ts";

const IFNAME = "com.docker.network.endpoint.ifname";
const SYSCTLS = "com.docker.network.endpoint.sysctls";

describe("parseEndpointOptions", () => {
	test("none, and all", () => {
		expect(parseEndpointOptions({})).toEqual({ interface: undefined, settings: [] });
		const sysctls =
			"net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.IFNAME.retrans_time_ms=500,net.mpls.conf.IFNAME.input=1";
		expect(parseEndpointOptions({ [IFNAME]: "wan0", [SYSCTLS]: sysctls })).toEqual({
			interface: "wan0",
			settings: [
				{ group: "net/ipv4/conf", name: "log_martians", value: "1" },
				{ group: "net/ipv6/neigh", name: "retrans_time_ms", value: "500" },
				{ group: "net/mpls/conf", name: "input", value: "1" },
			],
		});
	});

	test.each([
		[IFNAME, ""],
		[IFNAME, "lo"],
		[IFNAME, "all"],
		[IFNAME, "a/b"],
		[IFNAME, "x".repeat(16)],
		[SYSCTLS, ""],
		[SYSCTLS, "net.ipv4.conf.eth0.log_martians=1"],
		[SYSCTLS, "net.ipv4.conf.all.log_martians=1"],
		[SYSCTLS, "net.ipv4.ip_forward=1"],
		[SYSCTLS, "net/ipv4/conf/IFNAME/log_martians=1"],
		[SYSCTLS, "net.ipv4.conf.IFNAME.../ip_forward=1"],
		[SYSCTLS, "net.mpls.neigh.IFNAME.input=1"],
		[SYSCTLS, "kernel.conf.IFNAME.x=1"],
		[SYSCTLS, "net.ipv4.conf.IFNAME.log_martians"],
		[SYSCTLS, "net.ipv4.conf.IFNAME.log_martians="],
		[SYSCTLS, "net.ipv4.conf.IFNAME.log_martians=1,"],
		[SYSCTLS, "net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.log_martians=0"],
		[SYSCTLS, "net.ipv6.conf.IFNAME.disable_ipv6=1"],
		[SYSCTLS, Array.from({ length: 65 }, (_, index) => `net.ipv4.conf.IFNAME.a${index}=1`).join()],
	])("%s = %j is refused, saying what is allowed", (option, value) => {
		expect(() => parseEndpointOptions({ [option]: value })).toThrow(
			expect.objectContaining({ reason: "INVALID_OPTION", field: `options[${option}]` }),
		);
	});

	test("an unknown one is refused with the one that was meant, or with all", () => {
		expect(() => parseEndpointOptions({ "com.docker.network.endpoint.ifnmae": "x" })).toThrow(
			`did you mean ${IFNAME}?`,
		);
		expect(() => parseEndpointOptions({ foo: "x" })).toThrow(`they have ${IFNAME}, ${SYSCTLS}.`);
	});
});
