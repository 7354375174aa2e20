/** The gateway's rows, and the statements that change them. Reads are of committed rows; every change goes into somebody's transaction. */
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Attachment, type ResolvedMount } from "#gen/wharf/volume/v1/volume.ts";
import type { SqlValue, Statement, Store } from "#lib/store/store.ts";
import type { ContainerRecord, RecordState } from "./container.ts";
import { bridgeLinks } from "../default-bridge.ts";
import { gatewayFaults } from "../faults.ts";

export const MIGRATIONS = [
	`CREATE TABLE containers (
		row INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		name TEXT NOT NULL UNIQUE,
		state TEXT NOT NULL CHECK (state IN ('CREATING', 'CREATED', 'STARTING', 'RUNNING', 'EXITED', 'REMOVING')),
		spec BLOB NOT NULL,        -- wharf.container.v1.ContainerSpec
		network_ids TEXT NOT NULL, -- netd's, as a JSON array, in the order of the spec's networks
		mounts BLOB NOT NULL,      -- wharf.volume.v1.Attachment, its mounts alone
		created_at INTEGER NOT NULL,
		started_at INTEGER,
		finished_at INTEGER,
		pid INTEGER NOT NULL DEFAULT 0,
		pid_start TEXT NOT NULL DEFAULT '',
		exit_code INTEGER NOT NULL DEFAULT 0,
		error TEXT NOT NULL DEFAULT '',
		sandbox_id TEXT NOT NULL DEFAULT '',
		netns_path TEXT NOT NULL DEFAULT '',
		remove_volumes INTEGER NOT NULL DEFAULT 0
	) STRICT;
	-- Of containers that were removed on their end: somebody may still wait for them.
	CREATE TABLE exits (
		id TEXT PRIMARY KEY,
		name TEXT NOT NULL,
		exit_code INTEGER NOT NULL,
		ended_at INTEGER NOT NULL
	) STRICT;`,
	`-- Who is linked to the container of a name on \`bridge\`, and learns its address when it starts.
	CREATE TABLE links (
		target TEXT NOT NULL,
		id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
		PRIMARY KEY (target, id)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX links_of_container ON links (id);`,
];

/** How long the exit status of a removed container is kept. */
const EXITS_KEPT_MS = 60 * 60 * 1000;

interface Row {
	readonly row: number;
	readonly id: string;
	readonly name: string;
	readonly state: RecordState;
	readonly spec: Uint8Array;
	readonly network_ids: string;
	readonly mounts: Uint8Array;
	readonly created_at: number;
	readonly started_at: number | null;
	readonly finished_at: number | null;
	readonly pid: number;
	readonly pid_start: string;
	readonly exit_code: number;
	readonly error: string;
	readonly sandbox_id: string;
	readonly netns_path: string;
	readonly remove_volumes: number;
}

export type RecordChange = Partial<Omit<ContainerRecord, "id" | "name" | "createdAt">>;

export class ContainerTable {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(id: string): ContainerRecord | undefined {
		const row = this.#store.get<Row>("SELECT * FROM containers WHERE id = ?", id);
		return row && recordOf(row);
	}

	findByName(name: string): ContainerRecord | undefined {
		const row = this.#store.get<Row>("SELECT * FROM containers WHERE name = ?", name);
		return row && recordOf(row);
	}

	/** By id, name, or unique beginning of an id: CONTAINER_NOT_FOUND, AMBIGUOUS_ID. */
	get(reference: string): ContainerRecord {
		const exact = this.find(reference) ?? this.findByName(reference);
		if (exact !== undefined) return exact;
		if (/^[0-9a-f]{1,64}$/.test(reference)) {
			const [row, other] = this.#store.all<Row>(
				"SELECT * FROM containers WHERE id >= ? AND id < ? LIMIT 2",
				reference,
				`${reference}g`,
			);
			if (other !== undefined) throw gatewayFaults.AMBIGUOUS_ID({ container: reference });
			if (row !== undefined) return recordOf(row);
		}
		throw gatewayFaults.CONTAINER_NOT_FOUND({ container: reference });
	}

	/** Newest first, behind row `after`; 0: from the newest. */
	page(after: number, limit: number, all: boolean): { record: ContainerRecord; row: number }[] {
		const rows = this.#store.all<Row>(
			"SELECT * FROM containers WHERE row < ? AND (? OR state IN ('STARTING', 'RUNNING')) ORDER BY row DESC LIMIT ?",
			after === 0 ? Number.MAX_SAFE_INTEGER : after,
			all ? 1 : 0,
			limit,
		);
		return rows.map((row) => ({ record: recordOf(row), row: row.row }));
	}

	/** Without reading what they are made of. */
	runningIds(): string[] {
		return this.#store.all<{ id: string }>("SELECT id FROM containers WHERE state = 'RUNNING'").map(({ id }) => id);
	}

	everything(): ContainerRecord[] {
		return this.#store.all<Row>("SELECT * FROM containers ORDER BY row").map(recordOf);
	}

	/** The exit status of a container that was removed lately, by id or name. */
	findExit(reference: string): number | undefined {
		const sql = "SELECT exit_code FROM exits WHERE id = ? OR name = ? ORDER BY ended_at DESC LIMIT 1";
		return this.#store.get<{ exit_code: number }>(sql, reference, reference)?.exit_code;
	}

	insert(record: ContainerRecord): Statement {
		const columns = { id: record.id, name: record.name, created_at: record.createdAt.getTime(), ...columnsOf(record) };
		const names = Object.keys(columns);
		return {
			sql: `INSERT INTO containers (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
			params: Object.values(columns),
		};
	}

	/** Beside `insert`: whom it is linked to on `bridge`. */
	linksOf(record: ContainerRecord): Statement[] {
		const targets = new Set(bridgeLinks(record.spec.networks).map(({ container }) => container));
		return [...targets].map((target) => ({
			sql: "INSERT INTO links (target, id) VALUES (?, ?)",
			params: [target, record.id],
		}));
	}

	/** The ids of those that are linked to the container of this name on `bridge`. */
	linkedTo(name: string): string[] {
		return this.#store.all<{ id: string }>("SELECT id FROM links WHERE target = ?", name).map(({ id }) => id);
	}

	/** The transaction is refused when the row is gone. */
	update(id: string, change: RecordChange): Statement {
		const columns = columnsOf(change);
		const assignments = Object.keys(columns).map((name) => `${name} = ?`);
		return {
			sql: `UPDATE containers SET ${assignments.join(", ")} WHERE id = ?`,
			params: [...Object.values(columns), id],
			changes: 1,
		};
	}

	remove(id: string): Statement {
		return { sql: "DELETE FROM containers WHERE id = ?", params: [id] };
	}

	/** Keeps the exit status of a container whose row goes, and forgets old ones. */
	keepExit({ id, name }: ContainerRecord, exitCode: number): Statement[] {
		const now = Date.now();
		return [
			{ sql: "DELETE FROM exits WHERE ended_at < ?", params: [now - EXITS_KEPT_MS] },
			{
				sql: "INSERT OR REPLACE INTO exits (id, name, exit_code, ended_at) VALUES (?, ?, ?, ?)",
				params: [id, name, exitCode, now],
			},
		];
	}
}

function columnsOf(change: RecordChange): Record<string, SqlValue> {
	const columns: Record<string, SqlValue> = {};
	if (change.state !== undefined) columns["state"] = change.state;
	if (change.spec !== undefined) columns["spec"] = ContainerSpec.encode(change.spec).finish();
	if (change.networkIds !== undefined) columns["network_ids"] = JSON.stringify(change.networkIds);
	if (change.mounts !== undefined) columns["mounts"] = encodeMounts(change.mounts);
	if ("startedAt" in change) columns["started_at"] = change.startedAt?.getTime() ?? null;
	if ("finishedAt" in change) columns["finished_at"] = change.finishedAt?.getTime() ?? null;
	if (change.pid !== undefined) columns["pid"] = change.pid;
	if (change.pidStart !== undefined) columns["pid_start"] = change.pidStart;
	if (change.exitCode !== undefined) columns["exit_code"] = change.exitCode;
	if (change.error !== undefined) columns["error"] = change.error;
	if (change.sandboxId !== undefined) columns["sandbox_id"] = change.sandboxId;
	if (change.netnsPath !== undefined) columns["netns_path"] = change.netnsPath;
	if (change.removeVolumes !== undefined) columns["remove_volumes"] = change.removeVolumes ? 1 : 0;
	return columns;
}

function encodeMounts(mounts: readonly ResolvedMount[]): Uint8Array {
	return Attachment.encode(Attachment.fromPartial({ mounts: [...mounts] })).finish();
}

function recordOf(row: Row): ContainerRecord {
	const date = (ms: number | null): Date | undefined => (ms === null ? undefined : new Date(ms));
	return {
		id: row.id,
		name: row.name,
		state: row.state,
		spec: ContainerSpec.decode(row.spec),
		networkIds: JSON.parse(row.network_ids) as string[], // written by columnsOf alone
		mounts: Attachment.decode(row.mounts).mounts,
		createdAt: new Date(row.created_at),
		startedAt: date(row.started_at),
		finishedAt: date(row.finished_at),
		pid: row.pid,
		pidStart: row.pid_start,
		exitCode: row.exit_code,
		error: row.error,
		sandboxId: row.sandbox_id,
		netnsPath: row.netns_path,
		removeVolumes: row.remove_volumes === 1,
	};
}
