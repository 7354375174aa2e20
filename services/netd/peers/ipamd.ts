/** The allocator over gRPC: ipamd, where netd is the holder. Its faults pass through unchanged. */
import { randomUUID } from "node:crypto";
import * as gen from "#gen/wharf/ipam/v1/ipam.ts";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import type { Address } from "#lib/rpc/address.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";
import type { AddressesSpec, Allocator, HeldLease, HeldSubnet, LeaseRef, SubnetSpec, Taken } from "../allocator.ts";
import { readAuxiliary, writeAuxiliary } from "../auxiliary.ts";
import type { Subnet } from "../network.ts";

const HOLDER = "netd";
/** ipamd answers in a millisecond; while it restarts, calls under a request id are tried again for so long. */
const TIMEOUT_MS = 5_000;
/** Leases that one call gives back; ipamd takes ten times as many, but all wait while it works. */
const MOST_AT_ONCE = 1_000;

type Client = ClientOf<typeof gen.IpamServiceService>;

export class IpamdAllocator implements Allocator, Disposable {
	readonly #client: Client;

	constructor(address: Address) {
		this.#client = client(gen.IpamServiceService, address, { timeoutMs: TIMEOUT_MS, pipeline: true });
	}

	async takeSubnet(owner: string, spec: SubnetSpec, signal?: AbortSignal): Promise<Taken> {
		const { subnet, warnings } = await this.#client.allocateSubnet(
			{
				requestId: randomUUID(),
				holder: HOLDER,
				owner,
				addressSpace: "",
				family: spec.family === 4 ? "FAMILY_IPV4" : "FAMILY_IPV6",
				cidr: spec.cidr?.toString() ?? "",
				ipRange: spec.ipRange?.toString() ?? "",
				gateway: spec.gateway?.toString() ?? "",
				auxiliaryAddresses: writeAuxiliary(spec.auxiliary),
				order: "ADDRESS_ORDER_UNSPECIFIED",
			},
			{ signal },
		);
		return { subnet: subnetOf(present(subnet, "subnet"), spec.cidr === undefined), warnings };
	}

	async releaseSubnets(owner: string): Promise<void> {
		for (const { id } of await this.#subnets(owner)) {
			await this.#client.releaseSubnet({ requestId: randomUUID(), id, holder: HOLDER });
		}
	}

	async takeAddresses({ owner, wishes, mac, name }: AddressesSpec, signal?: AbortSignal): Promise<IpInterface[]> {
		const { leases } = await this.#client.allocateAddresses(
			{
				requestId: randomUUID(),
				holder: HOLDER,
				owner,
				wishes: wishes.map(({ subnetId, address }) => ({ subnetIds: [subnetId], address: address?.toString() ?? "" })),
				mac: mac ?? "",
				name,
			},
			{ signal },
		);
		return leases.map(({ address, prefixLength }) => IpInterface.of(Ip.parse(address), prefixLength));
	}

	async releaseAddresses(leases: readonly LeaseRef[]): Promise<HeldLease[]> {
		const refs = leases.map(({ subnetId, owner }) => ({ subnetId, owner }));
		const released: HeldLease[] = [];
		for (let at = 0; at < refs.length; at += MOST_AT_ONCE) {
			const part = refs.slice(at, at + MOST_AT_ONCE);
			const request = { requestId: randomUUID(), holder: HOLDER, leases: part, subnetIds: [], dryRun: false };
			released.push(...(await this.#client.releaseHoldings(request)).leases.map(heldLease));
		}
		return released;
	}

	subnets(): Promise<HeldSubnet[]> {
		return this.#subnets("");
	}

	async leases(): Promise<HeldLease[]> {
		const leases = await allPages(
			(page) => this.#client.listLeases({ ...page, subnetId: "", holder: HOLDER, owner: "", address: "" }),
			(answer) => answer.leases,
		);
		return leases.map(heldLease);
	}

	[Symbol.dispose](): void {
		this.#client.close();
	}

	#subnets(owner: string): Promise<HeldSubnet[]> {
		return allPages(
			(page) => this.#client.listSubnets({ ...page, holder: HOLDER, owner }),
			(answer) => answer.subnets,
		);
	}
}

function heldLease({ subnetId, owner, address }: gen.Lease): HeldLease {
	return { subnetId, owner, address: Ip.parse(address) };
}

function subnetOf(subnet: gen.Subnet, automatic: boolean): Subnet {
	return {
		id: subnet.id,
		cidr: Cidr.parse(subnet.cidr),
		ipRange: subnet.ipRange === "" ? undefined : IpRange.parse(subnet.ipRange),
		gateway: subnet.gateway === "" ? undefined : Ip.parse(subnet.gateway),
		auxiliary: readAuxiliary(subnet.auxiliaryAddresses),
		automatic,
	};
}

function present<T>(value: T | undefined, name: string): T {
	if (value === undefined) throw new TypeError(`ipamd answered without a ${name}`);
	return value;
}
