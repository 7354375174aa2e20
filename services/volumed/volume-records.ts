/** Volumes in the store: rows to values and back. */
import type { SqlValue, Statement, Store } from "#lib/store/store.ts";
import type { ListedVolume, Volume, VolumeName } from "./volume.ts";

export type VolumeState = "CREATING" | "ACTIVE" | "DELETING";

export interface StoredVolume extends Volume {
	readonly state: VolumeState;
	/** Nothing was ever put into it. */
	readonly pristine: boolean;
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
	readonly containers: string | null;
}

/** A container that uses a volume. */
export interface User {
	readonly containerId: string;
	readonly containerName: string;
}

export interface VolumeFilter {
	/** Empty: all. */
	readonly names: readonly string[];
	/** All of them; an empty value is any. */
	readonly labels: ReadonlyMap<string, string>;
}

const SELECT = `SELECT volume.*, (
	SELECT json_group_array(DISTINCT attachment.container_id) FROM attachment_volume
	JOIN attachment ON attachment.row = attachment_volume.attachment WHERE attachment_volume.volume = volume.name
) AS containers FROM volume`;

export class VolumeRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(name: string): StoredVolume | undefined {
		const row = this.#store.get<Row>("SELECT *, NULL AS containers FROM volume WHERE name = ?", name);
		return row && decode(row);
	}

	/** Of those that are whole. */
	findListed(name: string): ListedVolume | undefined {
		const row = this.#store.get<Row>(`${SELECT} WHERE name = ? AND state = 'ACTIVE'`, name);
		return row && listed(row);
	}

	/** By name, after `after`. */
	list({ names, labels }: VolumeFilter, after: string, limit: number): ListedVolume[] {
		const where = ["state = 'ACTIVE'", "name > ?"];
		const params: SqlValue[] = [after];
		if (names.length > 0) {
			where.push("name IN (SELECT value FROM json_each(?))");
			params.push(JSON.stringify(names));
		}
		for (const [key, value] of labels) {
			where.push("EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND (? = '' OR value = ?))");
			params.push(key, value, value);
		}
		const sql = `${SELECT} WHERE ${where.join(" AND ")} ORDER BY name LIMIT ?`;
		return this.#store.all<Row>(sql, ...params, limit).map(listed);
	}

	/** Every one, whatever its state. */
	all(): StoredVolume[] {
		return this.#store.all<Row>("SELECT *, NULL AS containers FROM volume ORDER BY name").map(decode);
	}

	usersOf(name: string): User[] {
		return this.#store.all<User>(
			`SELECT DISTINCT container_id AS containerId, container_name AS containerName FROM attachment_volume
			JOIN attachment ON attachment.row = attachment_volume.attachment WHERE volume = ? ORDER BY attachment.row`,
			name,
		);
	}

	insert(volume: Volume, state: VolumeState, pristine: boolean): Statement {
		const { name, driver, options, labels, anonymous, createdAt } = volume;
		return {
			sql: `INSERT INTO volume (name, driver, options, labels, anonymous, state, pristine, created_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			params: [
				name,
				driver,
				JSON.stringify(Object.fromEntries(options)),
				JSON.stringify(Object.fromEntries(labels)),
				anonymous ? 1 : 0,
				state,
				pristine ? 1 : 0,
				createdAt.getTime(),
			],
		};
	}

	setState(name: string, state: VolumeState): Statement {
		return { sql: "UPDATE volume SET state = ? WHERE name = ?", params: [state, name], changes: 1 };
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

/** For sentences: `web (0123456789ab)`. */
export function usersText(users: readonly User[]): string {
	const shown = users.slice(0, 5).map(({ containerId, containerName }) => {
		const short = containerId.slice(0, 12);
		return containerName === "" ? short : `${containerName} (${short})`;
	});
	if (users.length > shown.length) shown.push(`${users.length - shown.length} more`);
	return shown.join(", ");
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
	};
}

function listed(row: Row): ListedVolume {
	return { ...decode(row), containerIds: JSON.parse(row.containers ?? "[]") };
}

function mapOf(json: string): ReadonlyMap<string, string> {
	return new Map(Object.entries<string>(JSON.parse(json)));
}
