/** Publications in the store: rows to values and back. */
import type { MountMark } from "#lib/linux/mount/mountinfo.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { Published } from "./kernel/views.ts";
import type { Publication } from "./publication.ts";
import type { VolumeName } from "./volume.ts";

export type PublicationState = "CREATING" | "ACTIVE" | "DELETING";

export interface StoredPublication extends Publication {
	readonly state: PublicationState;
	/** Its directory was made for it. */
	readonly made: boolean;
	/** The mount that was made there; undefined: it is not known. */
	readonly mark: MountMark | undefined;
}

interface Row {
	readonly path: string;
	readonly volume: VolumeName; // only parsed names are ever stored
	readonly subpath: string;
	readonly read_only: number;
	readonly holder: string;
	readonly state: PublicationState;
	readonly made: number;
	readonly mark: string;
	readonly created_at: number;
}

export class PublicationRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(path: string): StoredPublication | undefined {
		const row = this.#store.get<Row>("SELECT * FROM publication WHERE path = ?", path);
		return row && decode(row);
	}

	/** Of those that are whole: by path, after `after`; of one volume unless it is empty. */
	list(volume: string, after: string, limit: number): StoredPublication[] {
		const sql = `SELECT * FROM publication WHERE state = 'ACTIVE' AND path > ?1 AND (?2 = '' OR volume = ?2)
			ORDER BY path LIMIT ?3`;
		return this.#store.all<Row>(sql, after, volume, limit).map(decode);
	}

	/** Every one, whatever its state. */
	all(): StoredPublication[] {
		return this.#store.all<Row>("SELECT * FROM publication ORDER BY path").map(decode);
	}

	insert({ path, volume, subpath, readOnly, holder, createdAt }: Publication): Statement {
		return {
			sql: `INSERT INTO publication (path, volume, subpath, read_only, holder, state, made, created_at)
				VALUES (?, ?, ?, ?, ?, 'CREATING', 0, ?)`,
			params: [path, volume, subpath, readOnly ? 1 : 0, holder, createdAt.getTime()],
		};
	}

	activate(path: string, { made, mark }: Published): Statement {
		const sql = "UPDATE publication SET state = 'ACTIVE', made = ?, mark = ? WHERE path = ?";
		return { sql, params: [made ? 1 : 0, mark, path], changes: 1 };
	}

	setMark(path: string, mark: MountMark): Statement {
		return { sql: "UPDATE publication SET mark = ? WHERE path = ?", params: [mark, path], changes: 1 };
	}

	setDeleting(path: string): Statement {
		return { sql: "UPDATE publication SET state = 'DELETING' WHERE path = ?", params: [path], changes: 1 };
	}

	delete(path: string): Statement {
		return { sql: "DELETE FROM publication WHERE path = ?", params: [path], changes: 1 };
	}
}

function decode(row: Row): StoredPublication {
	const { path, volume, subpath, holder, state } = row;
	const flags = { readOnly: row.read_only === 1, made: row.made === 1, mark: row.mark === "" ? undefined : row.mark };
	return { path, volume, subpath, holder, state, ...flags, createdAt: new Date(row.created_at) };
}
