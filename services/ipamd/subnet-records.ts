/** Subnets in the store: rows to values and back. */
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import { type Condition, whereOf } from "./conditions.ts";
import type { Subnet } from "./subnet.ts";

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
}

export interface StoredSubnet {
	/** Its number in the store, which its leases refer to. */
	readonly row: number;
	readonly subnet: Subnet;
}

export interface SubnetFilter {
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

	list({ holder, owner }: SubnetFilter, { after, limit }: PageRequest): Page<Subnet> {
		const conditions: Condition[] = [["row > ?", after]];
		if (holder !== undefined) conditions.push(["holder = ?", holder]);
		if (owner !== undefined) conditions.push(["owner = ?", owner]);
		const { where, params } = whereOf(conditions);
		const sql = `SELECT * FROM subnet WHERE ${where} ORDER BY row LIMIT ?`;
		const rows = this.#store.all<Row>(sql, ...params, limit + 1);
		const { items, next } = pageOf(rows, limit, ({ row }) => row);
		return { items: items.map((row) => decode(row).subnet), next };
	}

	insert({ row, subnet }: StoredSubnet): Statement {
		const { id, holder, owner, cidr, range, gateway, auxiliary, createdAt } = subnet;
		const names = Object.fromEntries([...auxiliary].map(([name, ip]) => [name, `${ip}`]));
		return {
			sql: "INSERT INTO subnet (row, id, holder, owner, cidr, ip_range, gateway, auxiliary, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
			],
			changes: 1,
		};
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
			range: row.ip_range === null ? undefined : Cidr.parse(row.ip_range),
			gateway: Ip.parse(row.gateway),
			auxiliary: new Map(names.map(([name, ip]) => [name, Ip.parse(ip)])),
			createdAt: new Date(row.created_at),
		},
	};
}
