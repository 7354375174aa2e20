/** Messages to values, strictly, with the field named in every refusal; and values to messages. */
import * as pb from "#gen/wharf/ipam/v1/ipam.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { parseMac } from "#lib/address/mac.ts";
import { atField } from "#lib/fault/fault.ts";
import { type Page, type PageRequest, pageToken, parsePage } from "#lib/rpc/page.ts";
import type { Change, WatchFilter } from "./changes.ts";
import { ipamFaults } from "./faults.ts";
import type { LeaseFilter } from "./lease-records.ts";
import type { LeasesRequest, ReleaseRequest, Wish as LeaseWish } from "./leases.ts";
import type { Order, Usage } from "./pool.ts";
import type { ReleasedHoldings, HoldingsRequest } from "./holdings.ts";
import type { Lease, Overlap, Party, Space, Subnet } from "./subnet.ts";
import type { SubnetFilter } from "./subnet-records.ts";
import type { Allocated, SubnetRequest, Wish } from "./subnets.ts";

const MOST_WISHES = 16;
const MOST_SUBNETS_IN_A_WISH = 64;
const MOST_HOLDINGS = 10_000;
const LARGEST_UINT64 = (1n << 64n) - 1n;

export function parseAllocateSubnet(message: pb.AllocateSubnetRequest): SubnetRequest {
	const { family, cidr, ipRange, gateway, auxiliaryAddresses } = message;
	const auxiliary = Object.entries(auxiliaryAddresses).map(([name, text]) => {
		const ip = atField(`auxiliary_addresses[${JSON.stringify(name)}]`, () => Ip.parse(text));
		return [name, ip] as const;
	});
	return {
		...parseParty(message),
		space: parseSpace(message.addressSpace),
		wish: parseWish(cidr, parseFamily(family)),
		range: optional("ip_range", ipRange, IpRange.parse),
		gateway: optional("gateway", gateway, Ip.parse),
		auxiliary: new Map(auxiliary),
		order: parseOrder(message.order),
	};
}

export function parseReleaseSubnet({ id, holder }: pb.ReleaseSubnetRequest): { id: string; holder: string } {
	return { id, holder: parseHolder(holder) };
}

export function parseAllocateAddress(message: pb.AllocateAddressRequest): LeasesRequest {
	const wish = { subnetIds: [message.subnetId], address: optional("address", message.address, Ip.parse), at: "" };
	return { ...parseParty(message), wishes: [wish], ...parseNoted(message) };
}

export function parseAllocateAddresses(message: pb.AllocateAddressesRequest): LeasesRequest {
	const { wishes } = message;
	if (wishes.length === 0) throw ipamFaults.SUBNET_ID_REQUIRED({}, { field: "wishes" });
	atMost(MOST_WISHES, wishes.length, "wishes", ipamFaults.TOO_MANY_WISHES);
	const named = new Set<string>();
	return {
		...parseParty(message),
		wishes: wishes.map((wish, index) => parseLeaseWish(wish, `wishes[${index}].`, named)),
		...parseNoted(message),
	};
}

/** `named` are the subnets of the wishes before. */
function parseLeaseWish({ subnetIds, address }: pb.AddressWish, at: string, named: Set<string>): LeaseWish {
	const field = `${at}subnet_ids`;
	if (subnetIds.length === 0) throw ipamFaults.SUBNET_ID_REQUIRED({}, { field });
	atMost(MOST_SUBNETS_IN_A_WISH, subnetIds.length, field, ipamFaults.TOO_MANY_WISHES);
	for (const [index, id] of subnetIds.entries()) {
		if (named.has(id)) throw ipamFaults.SUBNET_TWICE({ id }, { field: `${field}[${index}]` });
		named.add(id);
	}
	return { subnetIds, address: optional(`${at}address`, address, Ip.parse), at };
}

function parseNoted({
	mac,
	name,
}: {
	readonly mac: string;
	readonly name: string;
}): Pick<LeasesRequest, "mac" | "name"> {
	const allowed = "at most 255 characters, none of them a control character";
	return { mac: optional("mac", mac, parseMac), name: matching(/^\P{Cc}{0,255}$/u, "name", name, allowed) };
}

export function parseReleaseHoldings({
	holder,
	leases,
	subnetIds,
	dryRun,
}: pb.ReleaseHoldingsRequest): HoldingsRequest {
	atMost(MOST_HOLDINGS, leases.length, "leases", ipamFaults.TOO_MANY_HOLDINGS);
	atMost(MOST_HOLDINGS, subnetIds.length, "subnet_ids", ipamFaults.TOO_MANY_HOLDINGS);
	return { holder: parseHolder(holder), leases, subnetIds, dryRun };
}

export function parseWatch({ holder, subnetId }: pb.WatchRequest): WatchFilter {
	return { holder: holder || undefined, subnetId: subnetId || undefined };
}

export function parseReleaseAddress(message: pb.ReleaseAddressRequest): ReleaseRequest {
	return { ...parseParty(message), subnetId: message.subnetId };
}

export function parseListSubnets(message: pb.ListSubnetsRequest): { filter: SubnetFilter; page: PageRequest } {
	const { holder, owner } = message;
	return {
		filter: { holder: holder || undefined, owner: owner || undefined },
		page: parsePage(message, ipamFaults.INVALID_PAGE_TOKEN),
	};
}

export function parseListLeases(message: pb.ListLeasesRequest): { filter: LeaseFilter; page: PageRequest } {
	const { subnetId, holder, owner } = message;
	const filter = {
		subnetId: subnetId || undefined,
		holder: holder || undefined,
		owner: owner || undefined,
		address: optional("address", message.address, Ip.parse),
	};
	return { filter, page: parsePage(message, ipamFaults.INVALID_PAGE_TOKEN) };
}

export function renderAllocatedSubnet({ subnet, warnings }: Allocated): pb.AllocateSubnetResponse {
	return { subnet: renderSubnet(subnet), warnings: [...warnings] };
}

export function renderSubnets({ items, next }: Page<Subnet>): pb.ListSubnetsResponse {
	return { subnets: items.map(renderSubnet), nextPageToken: pageToken(next) };
}

export function renderLeases({ items, next }: Page<Lease>): pb.ListLeasesResponse {
	return { leases: items.map(renderLease), nextPageToken: pageToken(next) };
}

export function renderSubnet(subnet: Subnet): pb.Subnet {
	const { id, holder, owner, space, cidr, range, gateway, auxiliary, createdAt, order, overlaps } = subnet;
	return {
		id,
		holder,
		owner,
		addressSpace: space,
		cidr: `${cidr}`,
		ipRange: range === undefined ? "" : `${range}`,
		gateway: `${gateway}`,
		auxiliaryAddresses: Object.fromEntries([...auxiliary].map(([name, ip]) => [name, `${ip}`])),
		createdAt,
		order: order === "random" ? pb.AddressOrder.RANDOM : pb.AddressOrder.SEQUENTIAL,
		overlaps: overlaps.map(renderOverlap),
	};
}

function renderOverlap({ cidr, what, since }: Overlap): pb.Overlap {
	return { cidr: `${cidr}`, what, since };
}

export function renderUsage({ size, leased, resting, reserved, leasedElsewhere }: Usage): pb.GetUsageResponse {
	const free = size - BigInt(leased + resting);
	return {
		usage: {
			size: uint64(size),
			inUse: BigInt(leased),
			resting: BigInt(resting),
			free: uint64(free),
			reserved: BigInt(reserved),
			inUseElsewhere: BigInt(leasedElsewhere),
		},
	};
}

export function renderHoldings({ leases, subnets }: ReleasedHoldings): pb.ReleaseHoldingsResponse {
	return { leases: leases.map(renderLease), subnets: subnets.map(renderSubnet) };
}

export function renderChange(change: Change): pb.WatchResponse {
	switch (change.kind) {
		case "subnet":
		case "releasedSubnet":
			return { change: { $case: change.kind, value: renderSubnet(change.subnet) } };
		case "lease":
		case "releasedLease":
			return { change: { $case: change.kind, value: renderLease(change.lease) } };
		case "synced":
			return { change: { $case: "synced", value: {} } };
	}
}

function uint64(value: bigint): bigint {
	return value > LARGEST_UINT64 ? LARGEST_UINT64 : value;
}

export function renderLease({ subnetId, address, prefix, holder, owner, mac, name, createdAt }: Lease): pb.Lease {
	return { subnetId, address: `${address}`, prefixLength: prefix, holder, owner, mac: mac ?? "", name, createdAt };
}

function parseWish(cidr: string, family: Family | undefined): Wish {
	if (cidr === "") return { kind: "any", family: family ?? 4, prefix: undefined };
	const parsed = atField("cidr", () => Cidr.parse(cidr));
	if (family !== undefined && family !== parsed.family) {
		throw ipamFaults.FAMILY_MISMATCH({ value: cidr, family: `${family}` }, { field: "cidr" });
	}
	// As Docker has it: 0.0.0.0/24 is any subnet of that size.
	if (parsed.base.value === 0n) return { kind: "any", family: parsed.family, prefix: parsed.prefix };
	return { kind: "this", cidr: parsed };
}

function parseSpace(space: string): Space {
	if (space === "" || space === "local") return "local";
	if (space === "global") return space;
	throw ipamFaults.ADDRESS_SPACE_UNKNOWN({ space }, { field: "address_space" });
}

function parseOrder(order: pb.AddressOrder): Order {
	switch (order) {
		case pb.AddressOrder.UNSPECIFIED:
		case pb.AddressOrder.SEQUENTIAL:
			return "sequential";
		case pb.AddressOrder.RANDOM:
			return "random";
	}
}

function parseFamily(family: pb.Family): Family | undefined {
	switch (family) {
		case pb.Family.UNSPECIFIED:
			return undefined;
		case pb.Family.IPV4:
			return 4;
		case pb.Family.IPV6:
			return 6;
	}
}

function parseParty({ holder, owner }: Party): Party {
	const allowed = "1 to 128 printable ASCII characters without spaces";
	return { holder: parseHolder(holder), owner: matching(/^[!-~]{1,128}$/, "owner", owner, allowed) };
}

function parseHolder(holder: string): string {
	return matching(/^[a-z][a-z0-9-]{0,62}$/, "holder", holder, "a service's name, as netd");
}

function matching(pattern: RegExp, field: string, text: string, allowed: string): string {
	if (!pattern.test(text)) throw ipamFaults.INVALID_IDENTIFIER({ what: field, allowed }, { field });
	return text;
}

function atMost(
	most: number,
	count: number,
	field: string,
	refusal: (metadata: { what: string; most: string }, details: { field: string }) => Error,
): void {
	if (count > most) throw refusal({ what: field, most: `${most}` }, { field });
}

function optional<T>(field: string, text: string, parse: (text: string) => T): T | undefined {
	return text === "" ? undefined : atField(field, () => parse(text));
}
