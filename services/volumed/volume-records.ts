/** Volumes in the store: rows to values and back. */
import type { SqlValue, Statement, Store } from "#lib/store/store.ts";
import type { NamePatterns } from "./name-patterns.ts";
import type { ListedVolume, Volume, VolumeName } from "./volume.ts";

export type VolumeState = "CREATING" | "ACTIVE" | "DELETING";

export interface StoredVolume extends Volume {
	readonly state: VolumeState;
	/** Nothing was ever put into it. */
	readonly pristine: boolean;
	/** What it is about to be called. */
	readonly newName: VolumeName | undefined;
	/** Its removal was answered; the disk may not have it yet. */
	readonly gone: boolean;
	/** A power cut does not take its directory back any more. */
	readonly synced: boolean;
}

interface Row {
	readonly name: VolumeName; // only parsed names are ever stored
	readonly driver: string;
	readonly options: string;
	readonly labels: string;
	readonly anonymous: number;
	readonly state: VolumeState;
	readonly pristine: number;
	readonly created_at: number;
	readonly backing: string;
	readonly mountpoint: string;
	readonly new_name: VolumeName | null;
	readonly gone: number;
	readonly synced: number;
	readonly containers: string | null;
	readonly paths: string | null;
}

export interface VolumeFilter {
	/** Empty: all. */
	readonly names: readonly string[];
	/** All of them; an empty value is any. */
	readonly labels: ReadonlyMap<string, string>;
	/** None of them; an empty value is any. */
	readonly withoutLabels: ReadonlyMap<string, string>;
	/** Empty: all. */
	readonly drivers: readonly string[];
	/** Used by nobody, or by somebody; undefined: either. */
	readonly dangling: boolean | undefined;
	readonly anonymous: boolean | undefined;
	/** One of them matches a part of the name; undefined: any. */
	readonly patterns: NamePatterns | undefined;
	readonly madeBefore: Date | undefined;
}

export const EVERY_VOLUME: VolumeFilter = {
	names: [],
	labels: new Map(),
	withoutLabels: new Map(),
	drivers: [],
	dangling: undefined,
	anonymous: undefined,
	patterns: undefined,
	madeBefore: undefined,
};

/** By row, of the volume's own: who is attached, and into which containers it was mounted. */
const SELECT = `SELECT volume.*, (
	SELECT json_group_array(id) FROM (
		SELECT attachment.container_id AS id FROM attachment_volume
			JOIN attachment ON attachment.row = attachment_volume.attachment WHERE attachment_volume.volume = volume.name
		UNION SELECT container_id FROM live_mount WHERE live_mount.volume = volume.name)
) AS containers, (
	SELECT json_group_array(path) FROM publication WHERE publication.volume = volume.name
) AS paths FROM volume`;

const IS_USED = `(EXISTS (SELECT 1 FROM attachment_volume AS used WHERE used.volume = volume.name)
	OR EXISTS (SELECT 1 FROM publication AS used WHERE used.volume = volume.name)
	OR EXISTS (SELECT 1 FROM live_mount AS used WHERE used.volume = volume.name))`;

const HAS_LABEL = "EXISTS (SELECT 1 FROM json_each(volume.labels) WHERE key = ? AND (? = '' OR value = ?))";

const LOOKED_AT = 500;

export class VolumeRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(name: string): StoredVolume | undefined {
		const row = this.#store.get<Row>("SELECT *, NULL AS containers, NULL AS paths FROM volume WHERE name = ?", name);
		return row && decode(row);
	}

	/** Of those that are whole. */
	findListed(name: string): ListedVolume | undefined {
		const row = this.#store.get<Row>(`${SELECT} WHERE name = ? AND state = 'ACTIVE'`, name);
		return row && listed(row);
	}

	/** By name, after `after`. */
	list(filter: VolumeFilter, after: string, limit: number): ListedVolume[] {
		const { where, params } = conditionsOf(filter);
		const sql = `${SELECT} WHERE ${where.join(" AND ")} AND name > ? ORDER BY name LIMIT ?`;
		const found: ListedVolume[] = [];
		const { patterns } = filter;
		// Of names that few match, many are looked at for a page.
		const atOnce = patterns === undefined ? limit : Math.max(limit, LOOKED_AT);
		for (let last = after; ; ) {
			const rows = this.#store.all<Row>(sql, ...params, last, atOnce);
			const matching = patterns?.among(rows.map(({ name }) => name));
			found.push(...rows.filter((_, index) => matching?.[index] !== false).map(listed));
			const end = rows.at(-1);
			if (end === undefined || rows.length < atOnce || found.length >= limit) return found.slice(0, limit);
			last = end.name;
		}
	}

	/** Those that are whole and more than a directory: there may be ten thousand others. */
	beyondDirectories(): StoredVolume[] {
		const sql =
			"SELECT *, NULL AS containers, NULL AS paths FROM volume WHERE backing <> 'directory' AND state = 'ACTIVE'";
		return this.#store.all<Row>(sql).map(decode);
	}

	/** Those that something was being done to: of ten thousand a few at most. */
	unfinished(): StoredVolume[] {
		const sql =
			"SELECT *, NULL AS containers, NULL AS paths FROM volume WHERE state <> 'ACTIVE' OR new_name IS NOT NULL ORDER BY name";
		return this.#store.all<Row>(sql).map(decode);
	}

	/** Every one, whatever its state. */
	all(): StoredVolume[] {
		return this.#store.all<Row>("SELECT *, NULL AS containers, NULL AS paths FROM volume ORDER BY name").map(decode);
	}

	insert(volume: Volume, state: VolumeState, pristine: boolean): Statement {
		const { name, driver, options, labels, anonymous, createdAt, backing } = volume;
		return {
			sql: `INSERT INTO volume (name, driver, options, labels, anonymous, state, pristine, created_at, backing, synced)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
			params: [
				name,
				driver,
				JSON.stringify(Object.fromEntries(options)),
				JSON.stringify(Object.fromEntries(labels)),
				anonymous ? 1 : 0,
				state,
				pristine ? 1 : 0,
				createdAt.getTime(),
				backing,
			],
		};
	}

	setState(name: string, state: VolumeState): Statement {
		return { sql: "UPDATE volume SET state = ? WHERE name = ?", params: [state, name], changes: 1 };
	}

	setLabels(name: string, labels: ReadonlyMap<string, string>): Statement {
		const json = JSON.stringify(Object.fromEntries(labels));
		return { sql: "UPDATE volume SET labels = ? WHERE name = ?", params: [json, name], changes: 1 };
	}

	/** Undefined: it is not to be called otherwise any more. */
	setNewName(name: string, newName: string | undefined): Statement {
		return { sql: "UPDATE volume SET new_name = ? WHERE name = ?", params: [newName ?? null, name], changes: 1 };
	}

	/** It is called what it was about to be called. */
	renamed(name: string): Statement {
		const sql = "UPDATE volume SET name = new_name, new_name = NULL, anonymous = 0 WHERE name = ?";
		return { sql, params: [name], changes: 1 };
	}

	/** Of one that is being removed: nobody will be answered about it any more. */
	setGone(name: string): Statement {
		return { sql: "UPDATE volume SET gone = 1 WHERE name = ? AND state = 'DELETING'", params: [name], changes: 1 };
	}

	/** The disk does not have them any more. */
	forgetGone(names: readonly string[]): Statement {
		const sql = "DELETE FROM volume WHERE gone = 1 AND name IN (SELECT value FROM json_each(?))";
		return { sql, params: [JSON.stringify(names)] };
	}

	/** Names of those whose removal has begun and was not answered. */
	deleting(): string[] {
		const sql = "SELECT name FROM volume WHERE state = 'DELETING' AND gone = 0";
		return this.#store.all<{ readonly name: string }>(sql).map(({ name }) => name);
	}

	/** Names of those whose removal was answered. */
	gone(): string[] {
		return this.#store.all<{ readonly name: string }>("SELECT name FROM volume WHERE gone = 1").map(({ name }) => name);
	}

	/** Names of those whose directory a power cut might take back. */
	unsynced(): string[] {
		const rows = this.#store.all<{ readonly name: string }>(
			"SELECT name FROM volume WHERE synced = 0 AND state = 'ACTIVE'",
		);
		return rows.map(({ name }) => name);
	}

	setSynced(names: readonly string[]): Statement {
		const sql = "UPDATE volume SET synced = 1 WHERE name IN (SELECT value FROM json_each(?))";
		return { sql, params: [JSON.stringify(names)] };
	}

	/** Something was put into it. */
	touched(name: string): Statement {
		return { sql: "UPDATE volume SET pristine = 0 WHERE name = ?", params: [name], changes: 1 };
	}

	/** The store refuses it while an attachment uses the volume. */
	delete(name: string): Statement {
		return { sql: "DELETE FROM volume WHERE name = ?", params: [name], changes: 1 };
	}
}

function conditionsOf(filter: VolumeFilter): { readonly where: readonly string[]; readonly params: SqlValue[] } {
	const where = ["state = 'ACTIVE'"];
	const params: SqlValue[] = [];
	const among = (column: string, values: readonly string[]): void => {
		if (values.length === 0) return;
		where.push(`${column} IN (SELECT value FROM json_each(?))`);
		params.push(JSON.stringify(values));
	};
	const labelled = (labels: ReadonlyMap<string, string>, not: string): void => {
		for (const [key, value] of labels) {
			where.push(`${not}${HAS_LABEL}`);
			params.push(key, value, value);
		}
	};
	among("name", filter.names);
	among("driver", filter.drivers);
	labelled(filter.labels, "");
	labelled(filter.withoutLabels, "NOT ");
	if (filter.dangling !== undefined) where.push(`${filter.dangling ? "NOT " : ""}${IS_USED}`);
	if (filter.anonymous !== undefined) where.push(`anonymous = ${filter.anonymous ? 1 : 0}`);
	if (filter.madeBefore !== undefined) {
		where.push("created_at < ?");
		params.push(filter.madeBefore.getTime());
	}
	return { where, params };
}

function decode(row: Row): StoredVolume {
	return {
		name: row.name,
		driver: row.driver,
		options: mapOf(row.options),
		labels: mapOf(row.labels),
		anonymous: row.anonymous === 1,
		createdAt: new Date(row.created_at),
		state: row.state,
		pristine: row.pristine === 1,
		backing: row.backing,
		mountpoint: row.mountpoint,
		newName: row.new_name ?? undefined,
		gone: row.gone === 1,
		synced: row.synced === 1,
	};
}

function listed(row: Row): ListedVolume {
	return {
		...decode(row),
		containerIds: JSON.parse(row.containers ?? "[]"),
		publishedAt: JSON.parse(row.paths ?? "[]"),
	};
}

function mapOf(json: string): ReadonlyMap<string, string> {
	return new Map(Object.entries<string>(JSON.parse(json)));
}
