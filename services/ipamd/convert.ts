/** Messages to values, strictly, with the field named in every refusal; and values to messages. */
import * as pb from "#gen/wharf/ipam/v1/ipam.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { atField } from "#lib/fault/fault.ts";
import { type Page, type PageRequest, pageToken, parsePage } from "#lib/rpc/page.ts";
import { ipamFaults } from "./faults.ts";
import type { LeaseFilter } from "./lease-records.ts";
import type { LeaseRequest, ReleaseRequest } from "./leases.ts";
import type { Lease, Party, Subnet } from "./subnet.ts";
import type { SubnetFilter } from "./subnet-records.ts";
import type { Allocated, SubnetRequest, Wish } from "./subnets.ts";

const LOCAL = "local";

export function parseAllocateSubnet(message: pb.AllocateSubnetRequest): SubnetRequest {
	const { addressSpace, family, cidr, ipRange, gateway, auxiliaryAddresses } = message;
	if (addressSpace !== "" && addressSpace !== LOCAL) {
		throw ipamFaults.ADDRESS_SPACE_UNKNOWN({ space: addressSpace }, { field: "address_space" });
	}
	const auxiliary = Object.entries(auxiliaryAddresses).map(([name, text]) => {
		const ip = atField(`auxiliary_addresses[${JSON.stringify(name)}]`, () => Ip.parse(text));
		return [name, ip] as const;
	});
	return {
		...parseParty(message),
		wish: parseWish(cidr, parseFamily(family)),
		range: optional("ip_range", ipRange, Cidr.parse),
		gateway: optional("gateway", gateway, Ip.parse),
		auxiliary: new Map(auxiliary),
	};
}

export function parseReleaseSubnet({ id, holder }: pb.ReleaseSubnetRequest): { id: string; holder: string } {
	return { id, holder: parseHolder(holder) };
}

export function parseAllocateAddress(message: pb.AllocateAddressRequest): LeaseRequest {
	return {
		...parseParty(message),
		subnetId: message.subnetId,
		address: optional("address", message.address, Ip.parse),
		mac: optional("mac", message.mac, parseMac),
		name: matching(
			/^\P{Cc}{0,255}$/u,
			"name",
			message.name,
			"at most 255 characters, none of them a control character",
		),
	};
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
	const filter = { subnetId: subnetId || undefined, holder: holder || undefined, owner: owner || undefined };
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

export function renderSubnet({ id, holder, owner, cidr, range, gateway, auxiliary, createdAt }: Subnet): pb.Subnet {
	return {
		id,
		holder,
		owner,
		addressSpace: LOCAL,
		cidr: `${cidr}`,
		ipRange: range === undefined ? "" : `${range}`,
		gateway: `${gateway}`,
		auxiliaryAddresses: Object.fromEntries([...auxiliary].map(([name, ip]) => [name, `${ip}`])),
		createdAt,
	};
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

function optional<T>(field: string, text: string, parse: (text: string) => T): T | undefined {
	return text === "" ? undefined : atField(field, () => parse(text));
}
