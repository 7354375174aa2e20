/** Leases and resting addresses in the store: rows to values and back. */
import { Ip } from "#lib/address/ip.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { parseMac } from "#lib/address/mac.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import { type Condition, whereOf } from "./conditions.ts";
import type { Lease, Party } from "./subnet.ts";
import type { StoredSubnet } from "./subnet-records.ts";

interface Row {
	readonly row: number;
	readonly address: Uint8Array;
	readonly holder: string;
	readonly owner: string;
	readonly mac: string | null;
	readonly name: string;
	readonly created_at: number;
}

/** A lease with what is needed of its subnet. */
interface ListedRow extends Row {
	readonly subnet_id: string;
	readonly cidr: string;
}

export interface LeaseFilter {
	readonly subnetId?: string | undefined;
	readonly holder?: string | undefined;
	readonly owner?: string | undefined;
	readonly address?: Ip | undefined;
}

const SELECT =
	"SELECT lease.*, subnet.id AS subnet_id, subnet.cidr FROM lease JOIN subnet ON subnet.row = lease.subnet WHERE";

export class LeaseRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(subnet: StoredSubnet, { holder, owner }: Party): Lease | undefined {
		const sql = "SELECT * FROM lease WHERE holder = ? AND owner = ? AND subnet = ?";
		return leaseOf(subnet, this.#store.get<Row>(sql, holder, owner, subnet.row));
	}

	findByAddress(subnet: StoredSubnet, address: Ip): Lease | undefined {
		const sql = "SELECT * FROM lease WHERE subnet = ? AND address = ?";
		return leaseOf(subnet, this.#store.get<Row>(sql, subnet.row, address.toBytes()));
	}

	list({ subnetId, holder, owner, address }: LeaseFilter, { after, limit }: PageRequest): Page<Lease> {
		const conditions: Condition[] = [["lease.row > ?", after]];
		if (subnetId !== undefined) conditions.push(["lease.subnet = (SELECT row FROM subnet WHERE id = ?)", subnetId]);
		if (holder !== undefined) conditions.push(["lease.holder = ?", holder]);
		if (owner !== undefined) conditions.push(["lease.owner = ?", owner]);
		if (address !== undefined) conditions.push(["lease.address = ?", address.toBytes()]);
		const { where, params } = whereOf(conditions);
		const rows = this.#store.all<ListedRow>(`${SELECT} ${where} ORDER BY lease.row LIMIT ?`, ...params, limit + 1);
		const { items, next } = pageOf(rows, limit, ({ row }) => row);
		return { items: items.map(listed), next };
	}

	/** In the order in which they were leased. */
	addresses(subnet: StoredSubnet): Ip[] {
		return this.#store
			.all<{ address: Uint8Array }>("SELECT address FROM lease WHERE subnet = ? ORDER BY row", subnet.row)
			.map(({ address }) => Ip.fromBytes(address));
	}

	/** What rests, in the order of release. */
	resting(subnet: StoredSubnet): { readonly address: Ip; readonly since: number }[] {
		return this.#store
			.all<{ address: Uint8Array; since: number }>(
				"SELECT address, since FROM resting WHERE subnet = ? ORDER BY since",
				subnet.row,
			)
			.map(({ address, since }) => ({ address: Ip.fromBytes(address), since }));
	}

	/** For sentences: `netd 253, test 1`. Of `count` leases, those that are not in the store yet are told apart. */
	holdersOf(subnets: readonly StoredSubnet[], count: number): string {
		const counts = new Map<string, number>();
		for (const { row } of subnets) {
			const sql = "SELECT holder, count(*) AS count FROM lease WHERE subnet = ? GROUP BY holder";
			for (const { holder, count: own } of this.#store.all<{ holder: string; count: number }>(sql, row))
				counts.set(holder, (counts.get(holder) ?? 0) + own);
		}
		const inFlight = [...counts.values()].reduce((rest, own) => rest - own, count);
		const texts = [...counts].sort(([, one], [, other]) => other - one).map(([holder, own]) => `${holder} ${own}`);
		return [...texts, ...(inFlight > 0 ? [`requests in flight ${inFlight}`] : [])].join(", ");
	}

	/** For sentences: the first three, and how many more. */
	ownersOf(subnet: StoredSubnet, count: number): string {
		const some = this.#store.all<Pick<Row, "address" | "holder" | "owner" | "name">>(
			"SELECT address, holder, owner, name FROM lease WHERE subnet = ? ORDER BY row LIMIT 3",
			subnet.row,
		);
		const texts = some.map(
			({ address, holder, owner, name }) => `${Ip.fromBytes(address)} by ${holder} for ${name === "" ? owner : name}`,
		);
		if (count > some.length) texts.push(`${count - some.length} more`);
		return texts.join(", ");
	}

	insert(subnet: StoredSubnet, { address, holder, owner, mac, name, createdAt }: Lease): Statement {
		return {
			sql: "INSERT INTO lease (subnet, address, holder, owner, mac, name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			params: [subnet.row, address.toBytes(), holder, owner, mac ?? null, name, createdAt.getTime()],
			changes: 1,
		};
	}

	/** The lease goes, and its address rests. */
	release(subnet: StoredSubnet, { address }: Lease, since: number): Statement[] {
		const bytes = address.toBytes();
		return [
			{ sql: "DELETE FROM lease WHERE subnet = ? AND address = ?", params: [subnet.row, bytes], changes: 1 },
			{
				sql: "INSERT OR REPLACE INTO resting (subnet, address, since) VALUES (?, ?, ?)",
				params: [subnet.row, bytes, since],
			},
		];
	}

	/** Forgets what has rested enough. */
	prune(before: number): Statement {
		return { sql: "DELETE FROM resting WHERE since < ?", params: [before] };
	}
}

function leaseOf({ subnet: { id, cidr } }: StoredSubnet, row: Row | undefined): Lease | undefined {
	return row && decode(row, id, cidr.prefix);
}

function listed(row: ListedRow): Lease {
	return decode(row, row.subnet_id, Cidr.parse(row.cidr).prefix);
}

function decode(row: Row, subnetId: string, prefix: number): Lease {
	return {
		subnetId,
		address: Ip.fromBytes(row.address),
		prefix,
		holder: row.holder,
		owner: row.owner,
		mac: row.mac === null ? undefined : parseMac(row.mac),
		name: row.name,
		createdAt: new Date(row.created_at),
	};
}
