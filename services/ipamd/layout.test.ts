import { describe, expect, test } from "vitest";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { checkRequested, checkSize, planSubnet } from "./layout.ts";

function plan(cidr: string, more: { range?: string; gateway?: string; auxiliary?: Record<string, string> } = {}) {
	return planSubnet(Cidr.parse(cidr), {
		range: more.range === undefined ? undefined : IpRange.parse(more.range),
		gateway: more.gateway === undefined ? undefined : Ip.parse(more.gateway),
		auxiliary: new Map(Object.entries(more.auxiliary ?? {}).map(([name, ip]) => [name, Ip.parse(ip)])),
		order: "sequential",
	});
}

function refusal(reason: string, field?: string): unknown {
	return expect.objectContaining({ reason, ...(field !== undefined && { field }) });
}

describe("planSubnet", () => {
	test.each([
		["172.18.0.0/16", {}, "172.18.0.1"],
		["172.18.0.0/16", { gateway: "172.18.255.254" }, "172.18.255.254"],
		["172.18.0.0/16", { range: "172.18.5.0/24" }, "172.18.5.0"],
		["172.18.0.0/16", { range: "172.18.0.0/24" }, "172.18.0.1"],
		["172.18.0.0/16", { auxiliary: { router: "172.18.0.1" } }, "172.18.0.2"],
		["10.0.0.0/30", {}, "10.0.0.1"],
		["10.0.0.4/31", {}, "10.0.0.4"],
		["fd00::/64", {}, "fd00::1"],
		["fd00::4/127", {}, "fd00::4"],
	])("%s with %j has the gateway %s", (cidr, more, gateway) => {
		expect(plan(cidr, more).gateway.toString()).toBe(gateway);
	});

	test.each([
		["10.0.0.7/32", {}, "SUBNET_TOO_SMALL", "cidr"],
		["fd00::7/128", {}, "SUBNET_TOO_SMALL", "cidr"],
		["10.0.0.0/30", { auxiliary: { a: "10.0.0.1" } }, "SUBNET_TOO_SMALL", "cidr"],
		["10.0.0.0/24", { range: "10.0.0.9/32" }, "SUBNET_TOO_SMALL", "ip_range"],
		["10.0.0.0/24", { range: "10.0.0.0/32" }, "SUBNET_TOO_SMALL", "cidr"],
		["10.0.0.0/24", { range: "10.0.1.0/25" }, "OUTSIDE_SUBNET", "ip_range"],
		["10.0.0.0/24", { range: "10.0.0.0/23" }, "OUTSIDE_SUBNET", "ip_range"],
		["10.0.0.0/24", { range: "fd00::/64" }, "OUTSIDE_SUBNET", "ip_range"],
		["10.0.0.0/24", { gateway: "10.0.1.1" }, "OUTSIDE_SUBNET", "gateway"],
		["10.0.0.0/24", { gateway: "fd00::1" }, "OUTSIDE_SUBNET", "gateway"],
		["10.0.0.0/24", { gateway: "10.0.0.0" }, "ADDRESS_RESERVED", "gateway"],
		["10.0.0.0/24", { gateway: "10.0.0.255" }, "ADDRESS_RESERVED", "gateway"],
		["fd00::/64", { gateway: "fd00::" }, "ADDRESS_RESERVED", "gateway"],
		["10.0.0.0/24", { auxiliary: { a: "10.0.1.1" } }, "OUTSIDE_SUBNET", 'auxiliary_addresses["a"]'],
		["10.0.0.0/24", { auxiliary: { a: "10.0.0.255" } }, "ADDRESS_RESERVED", 'auxiliary_addresses["a"]'],
		["10.0.0.0/24", { gateway: "10.0.0.9", auxiliary: { a: "10.0.0.9" } }, "ADDRESS_TWICE", 'auxiliary_addresses["a"]'],
		["10.0.0.0/24", { auxiliary: { a: "10.0.0.9", b: "10.0.0.9" } }, "ADDRESS_TWICE", 'auxiliary_addresses["b"]'],
	])("%s with %j is %s at %s", (cidr, more, reason, field) => {
		expect(() => plan(cidr, more)).toThrow(refusal(reason, field));
	});
});

test.each(["127.0.0.0/24", "0.0.0.0/1", "224.0.0.0/24", "::/64", "fe80::/64", "ff02::/64", "::ffff:10.0.0.0/120"])(
	"%s cannot be asked for",
	(text) => {
		expect(() => checkRequested(Cidr.parse(text))).toThrow(refusal("SUBNET_UNUSABLE"));
	},
);

test("sizes are bounded", () => {
	for (const text of ["10.0.0.0/8", "fd00::/32", "10.1.2.0/31"]) {
		expect(() => checkRequested(Cidr.parse(text))).not.toThrow();
	}
	for (const text of ["10.0.0.0/7", "fd00::/31", "0.0.0.0/0", "::/0"]) {
		expect(() => checkSize(Cidr.parse(text))).toThrow(refusal("SUBNET_TOO_LARGE"));
	}
});
