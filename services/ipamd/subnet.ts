/** What ipamd hands out, as values. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { IpRange } from "#lib/address/ip-range.ts";
import type { Mac } from "#lib/address/mac.ts";
import type { Order } from "./pool.ts";

/** Who has something: a service, and its own id for what it serves. */
export interface Party {
	readonly holder: string;
	readonly owner: string;
}

/** How the addresses of a subnet are divided; checked by `planSubnet`. */
export interface Layout {
	readonly cidr: Cidr;
	/** Automatic addresses come from here; absent: from all of it. */
	readonly range: IpRange | undefined;
	readonly gateway: Ip;
	/** Never leased, by name. */
	readonly auxiliary: ReadonlyMap<string, Ip>;
	/** Of automatic addresses. */
	readonly order: Order;
}

/** Who decides what is free: this host alone, or several together. */
export type Space = "local" | "global";

/** Something of the host's that is in a subnet's addresses, or around them, and not the subnet's own. */
export interface Overlap {
	readonly cidr: Cidr;
	/** For sentences: `this host's route 10.8.0.0/16 (tun0)`. */
	readonly what: string;
	/** When it was seen first. */
	readonly since: Date;
}

export interface Subnet extends Party, Layout {
	readonly id: string;
	readonly space: Space;
	readonly overlaps: readonly Overlap[];
	readonly createdAt: Date;
}

export interface Lease extends Party {
	readonly subnetId: string;
	readonly address: Ip;
	/** The subnet's. */
	readonly prefix: number;
	readonly mac: Mac | undefined;
	/** For people; may be empty. */
	readonly name: string;
	readonly createdAt: Date;
}
