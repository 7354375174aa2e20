/** What ipamd hands out, as values. */
import type { Cidr } from "#lib/address/cidr.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { Mac } from "#lib/address/mac.ts";

/** Who has something: a service, and its own id for what it serves. */
export interface Party {
	readonly holder: string;
	readonly owner: string;
}

/** How the addresses of a subnet are divided; checked by `planSubnet`. */
export interface Layout {
	readonly cidr: Cidr;
	/** Automatic addresses come from here; absent: from all of it. */
	readonly range: Cidr | undefined;
	readonly gateway: Ip;
	/** Never leased, by name. */
	readonly auxiliary: ReadonlyMap<string, Ip>;
}

export interface Subnet extends Party, Layout {
	readonly id: string;
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
