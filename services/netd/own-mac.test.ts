import { expect, test } from "vitest";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp, parseMac } from "#lib/address/mac.ts";
import type { Subnet } from "./network.ts";
import { hasOwnMac } from "./own-mac.ts";

const subnet = (cidr: string): Subnet => ({
	id: cidr,
	cidr: Cidr.parse(cidr),
	ipRange: undefined,
	gateway: undefined,
	auxiliary: {},
	automatic: false,
});
const V4 = subnet("10.99.0.0/24");
const V6 = subnet("fd00:99::/64");
const four = macFromIp(Ip.parse("10.99.0.5"));

test.each([
	["an IPv4 address's", [V4], ["10.99.0.5/24"], four, true],
	["another IPv4 address's", [V4], ["10.99.0.6/24"], four, false],
	["one that was asked for", [V4], ["10.99.0.5/24"], parseMac("02:00:00:00:00:01"), false],
	["that of both at the same place", [V4, V6], ["10.99.0.5/24", "fd00:99::5/64"], four, true],
	["the IPv4 address's, with IPv6 at another place", [V4, V6], ["10.99.0.5/24", "fd00:99::6/64"], four, false],
	["the IPv4 address's, with IPv6 beyond IPv4's places", [V4, V6], ["10.99.0.5/24", "fd00:99::105/64"], four, false],
	["an IPv6 address's without IPv4", [V6], ["fd00:99::5/64"], macFromIp(Ip.parse("fd00:99::5")), true],
	["none", [V4], ["10.99.0.5/24"], undefined, false],
])("%s", (_, subnets, addresses, mac, isOwn) => {
	expect(hasOwnMac({ subnets }, { mac, addresses: addresses.map((text) => IpInterface.parse(text)) })).toBe(isOwn);
});
