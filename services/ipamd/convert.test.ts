import { describe, expect, test } from "vitest";
import * as pb from "#gen/wharf/ipam/v1/ipam.ts";
import {
	parseAllocateAddress,
	parseAllocateSubnet,
	parseListSubnets,
	parseReleaseSubnet,
	renderSubnets,
} from "./convert.ts";

const PARTY = { holder: "netd", owner: "n1" };

function subnet(fields: Partial<pb.AllocateSubnetRequest>) {
	return parseAllocateSubnet(pb.AllocateSubnetRequest.fromPartial({ ...PARTY, ...fields }));
}

function address(fields: Partial<pb.AllocateAddressRequest>) {
	return parseAllocateAddress(pb.AllocateAddressRequest.fromPartial({ ...PARTY, subnetId: "s", ...fields }));
}

describe("a subnet is asked for", () => {
	test("by family, by size, or by name", () => {
		expect(subnet({}).wish).toEqual({ kind: "any", family: 4, prefix: undefined });
		expect(subnet({ family: "FAMILY_IPV6" }).wish).toEqual({ kind: "any", family: 6, prefix: undefined });
		expect(subnet({ cidr: "0.0.0.0/24" }).wish).toEqual({ kind: "any", family: 4, prefix: 24 });
		expect(subnet({ cidr: "::/72" }).wish).toEqual({ kind: "any", family: 6, prefix: 72 });
		const { wish } = subnet({ cidr: "10.20.0.0/24", family: "FAMILY_IPV4", addressSpace: "local" });
		expect(wish.kind === "this" && `${wish.cidr}`).toBe("10.20.0.0/24");
	});

	test("with a range, a gateway and auxiliary addresses", () => {
		const { range, gateway, auxiliary } = subnet({
			cidr: "10.20.0.0/24",
			ipRange: "10.20.0.128/25",
			gateway: "10.20.0.9",
			auxiliaryAddresses: { a: "10.20.0.7" },
		});
		expect([`${range}`, `${gateway}`, `${auxiliary.get("a")}`]).toEqual(["10.20.0.128/25", "10.20.0.9", "10.20.0.7"]);
	});

	test.each([
		[{ cidr: "10.20.0.1/24" }, "HOST_BITS_SET", "cidr"],
		[{ cidr: "10.20.0.0/33" }, "INVALID_CIDR", "cidr"],
		[{ cidr: "ten" }, "INVALID_CIDR", "cidr"],
		[{ cidr: "10.20.0.0/24", family: "FAMILY_IPV6" }, "FAMILY_MISMATCH", "cidr"],
		[{ cidr: "fd00::/64", family: "FAMILY_IPV4" }, "FAMILY_MISMATCH", "cidr"],
		[{ ipRange: "10.20.0.0" }, "INVALID_CIDR", "ip_range"],
		[{ gateway: "10.20.0.0/24" }, "INVALID_ADDRESS", "gateway"],
		[{ gateway: "fe80::1%eth0" }, "INVALID_ADDRESS", "gateway"],
		[{ auxiliaryAddresses: { 'p"': "x" } }, "INVALID_ADDRESS", 'auxiliary_addresses["p\\""]'],
		[{ addressSpace: "lunar" }, "ADDRESS_SPACE_UNKNOWN", "address_space"],
		[{ holder: "" }, "INVALID_IDENTIFIER", "holder"],
		[{ holder: "Net D" }, "INVALID_IDENTIFIER", "holder"],
		[{ owner: "" }, "INVALID_IDENTIFIER", "owner"],
		[{ owner: "a b" }, "INVALID_IDENTIFIER", "owner"],
		[{ owner: "x".repeat(129) }, "INVALID_IDENTIFIER", "owner"],
	] as const)("%j is %s at %s", (fields, reason, field) => {
		expect(() => subnet(fields)).toThrow(expect.objectContaining({ reason, field, code: "INVALID_ARGUMENT" }));
	});
});

describe("an address is asked for", () => {
	test("automatically or by name, with what is known of the owner", () => {
		const wishes = [{ subnetIds: ["s"], address: undefined, at: "" }];
		expect(address({})).toMatchObject({ ...PARTY, wishes, mac: undefined, name: "" });
		const said = address({ address: "10.20.0.7", mac: "02-42-AC-11-00-02", name: "wéb" });
		const {
			wishes: [wish],
			mac,
			name,
		} = said;
		expect([`${wish?.address}`, mac, name]).toEqual(["10.20.0.7", "02:42:ac:11:00:02", "wéb"]);
	});

	test.each([
		[{ address: "10.20.0.256" }, "INVALID_ADDRESS", "address"],
		[{ mac: "ff:ff:ff:ff:ff:ff" }, "INVALID_MAC", "mac"],
		[{ name: "a\nb" }, "INVALID_IDENTIFIER", "name"],
		[{ name: "x".repeat(256) }, "INVALID_IDENTIFIER", "name"],
		[{ owner: "" }, "INVALID_IDENTIFIER", "owner"],
	] as const)("%j is %s at %s", (fields, reason, field) => {
		expect(() => address(fields)).toThrow(expect.objectContaining({ reason, field }));
	});
});

test("a release says who asks", () => {
	const message = pb.ReleaseSubnetRequest.fromPartial({ id: "s", holder: "netd" });
	expect(parseReleaseSubnet(message)).toEqual({ id: "s", holder: "netd" });
	expect(() => parseReleaseSubnet({ ...message, holder: "" })).toThrow(expect.objectContaining({ field: "holder" }));
});

describe("pages", () => {
	const list = (fields: Partial<pb.ListSubnetsRequest>) =>
		parseListSubnets(pb.ListSubnetsRequest.fromPartial(fields)).page;

	test("go on where the token says", () => {
		expect(list({})).toEqual({ after: 0, limit: 100 });
		expect(list({ pageSize: 7 })).toEqual({ after: 0, limit: 7 });
		expect(list({ pageSize: 4_000_000_000 })).toEqual({ after: 0, limit: 1_000 });
		const { nextPageToken } = renderSubnets({ items: [], next: 12 });
		expect(list({ pageToken: nextPageToken })).toEqual({ after: 12, limit: 100 });
		expect(renderSubnets({ items: [], next: undefined }).nextPageToken).toBe("");
	});

	test.each(["x", "12", "YWZ0ZXIgLTE", "YWZ0ZXIgMDE"])("%j is no token", (pageToken) => {
		expect(() => list({ pageToken })).toThrow(expect.objectContaining({ reason: "INVALID_PAGE_TOKEN" }));
	});
});
