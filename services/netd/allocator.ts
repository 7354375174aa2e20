/**
 * Who hands out subnets and addresses, as netd sees it. An owner is a network's id for subnets, an endpoint's for addresses.
 *
 * Taking twice for the same owner gives the same; releasing what is gone is success. Adapter: `peers/ipamd.ts`.
 */
import type { Cidr, IpInterface } from "#lib/address/cidr.ts";
import type { Family, Ip } from "#lib/address/ip.ts";
import type { IpRange } from "#lib/address/ip-range.ts";
import type { Auxiliary } from "./auxiliary.ts";
import type { Subnet } from "./network.ts";

export interface SubnetSpec {
	readonly family: Family;
	/** Automatic when it is not said. */
	readonly cidr: Cidr | undefined;
	readonly ipRange: IpRange | undefined;
	readonly gateway: Ip | undefined;
	readonly auxiliary: Auxiliary;
}

/** One address of each subnet. */
export interface AddressesSpec {
	readonly owner: string;
	/** The next free one where it is not said. */
	readonly wishes: readonly { readonly subnetId: string; readonly address: Ip | undefined }[];
	readonly mac: string | undefined;
	/** For people. */
	readonly name: string;
}

export interface Taken {
	readonly subnet: Subnet;
	/** What the user should know; one sentence each. */
	readonly warnings: readonly string[];
}

export interface HeldSubnet {
	readonly id: string;
	readonly owner: string;
}

export interface LeaseRef {
	readonly subnetId: string;
	readonly owner: string;
}

export interface HeldLease extends LeaseRef {
	readonly address: Ip;
}

export interface Allocator {
	takeSubnet(owner: string, spec: SubnetSpec, signal?: AbortSignal): Promise<Taken>;
	/** All that the owner has: a call that timed out may have given one. */
	releaseSubnets(owner: string): Promise<void>;
	/** In the order of the wishes; all of them, or none. */
	takeAddresses(spec: AddressesSpec, signal?: AbortSignal): Promise<readonly IpInterface[]>;
	/** In one step. Those that were there. */
	releaseAddresses(leases: readonly LeaseRef[]): Promise<readonly HeldLease[]>;
	/** Everything that netd holds. */
	subnets(): Promise<readonly HeldSubnet[]>;
	leases(): Promise<readonly HeldLease[]>;
}
