/** Subnets in the store: rows to values and back. */
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import { type Condition, whereOf } from "./conditions.ts";
import type { Order } from "./pool.ts";
import type { Overlap, Space, Subnet } from "./subnet.ts";

interface Row {
	readonly row: number;
	readonly id: string;
	readonly holder: string;
	readonly owner: string;
	readonly cidr: string;
	readonly ip_range: string | null;
	readonly gateway: string;
	readonly auxiliary: string;
	readonly created_at: number;
	readonly space: Space;
	readonly address_order: Order;
	readonly overlaps: string;
}

interface StoredOverlap {
	readonly cidr: string;
	readonly what: string;
	readonly since: number;
}

export interface StoredSubnet {
	/** Its number in the store, which its leases refer to. */
	readonly row: number;
	readonly subnet: Subnet;
}

export interface SubnetFilter {
	readonly subnetId?: string | undefined;
	readonly holder?: string | undefined;
	readonly owner?: string | undefined;
}

export class SubnetRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	all(): StoredSubnet[] {
		return this.#store.all<Row>("SELECT * FROM subnet ORDER BY row").map(decode);
	}

	list({ subnetId, holder, owner }: SubnetFilter, { after, limit }: PageRequest): Page<Subnet> {
		const conditions: Condition[] = [["row > ?", after]];
		if (subnetId !== undefined) conditions.push(["id = ?", subnetId]);
		if (holder !== undefined) conditions.push(["holder = ?", holder]);
		if (owner !== undefined) conditions.push(["owner = ?", owner]);
		const { where, params } = whereOf(conditions);
		const sql = `SELECT * FROM subnet WHERE ${where} ORDER BY row LIMIT ?`;
		const rows = this.#store.all<Row>(sql, ...params, limit + 1);
		const { items, next } = pageOf(rows, limit, ({ row }) => row);
		return { items: items.map((row) => decode(row).subnet), next };
	}

	insert({ row, subnet }: StoredSubnet): Statement {
		const { id, holder, owner, cidr, range, gateway, auxiliary, createdAt, space, order, overlaps } = subnet;
		const names = Object.fromEntries([...auxiliary].map(([name, ip]) => [name, `${ip}`]));
		return {
			sql:
				"INSERT INTO subnet (row, id, holder, owner, cidr, ip_range, gateway, auxiliary, created_at, space, address_order, overlaps) " +
				"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			params: [
				row,
				id,
				holder,
				owner,
				`${cidr}`,
				range === undefined ? null : `${range}`,
				`${gateway}`,
				JSON.stringify(names),
				createdAt.getTime(),
				space,
				order,
				written(overlaps),
			],
			changes: 1,
		};
	}

	setOverlaps(row: number, overlaps: readonly Overlap[]): Statement {
		return { sql: "UPDATE subnet SET overlaps = ? WHERE row = ?", params: [written(overlaps), row] };
	}

	/** Fails while a lease refers to it. */
	delete(row: number): Statement {
		return { sql: "DELETE FROM subnet WHERE row = ?", params: [row], changes: 1 };
	}
}

function decode(row: Row): StoredSubnet {
	// Written by `insert` above.
	const names = Object.entries(JSON.parse(row.auxiliary) as Record<string, string>);
	return {
		row: row.row,
		subnet: {
			id: row.id,
			holder: row.holder,
			owner: row.owner,
			cidr: Cidr.parse(row.cidr),
			range: row.ip_range === null ? undefined : IpRange.parse(row.ip_range),
			gateway: Ip.parse(row.gateway),
			auxiliary: new Map(names.map(([name, ip]) => [name, Ip.parse(ip)])),
			createdAt: new Date(row.created_at),
			space: row.space,
			order: row.address_order,
			overlaps: read(row.overlaps),
		},
	};
}

function written(overlaps: readonly Overlap[]): string {
	const stored = overlaps.map(({ cidr, what, since }) => ({ cidr: `${cidr}`, what, since: since.getTime() }));
	return JSON.stringify(stored satisfies StoredOverlap[]);
}

function read(text: string): Overlap[] {
	const stored = JSON.parse(text) as StoredOverlap[]; // written above
	return stored.map(({ cidr, what, since }) => ({ cidr: Cidr.parse(cidr), what, since: new Date(since) }));
}
