/** Mounts in running processes in the store: rows to values and back. */
import type { MountMark } from "#lib/linux/mount/mountinfo.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { LiveMount, ResolvedMount } from "./attachment.ts";

export interface StoredLiveMount extends LiveMount {
	readonly state: "CREATING" | "ACTIVE" | "DELETING";
	/** The mount that was made; undefined: it is not known. */
	readonly mark: MountMark | undefined;
}

interface Row {
	readonly id: string;
	readonly holder: string;
	readonly container_id: string;
	readonly container_name: string;
	readonly pid: number;
	readonly pid_start: string;
	readonly mount: string;
	readonly state: StoredLiveMount["state"];
	readonly mark: string;
}

export class LiveMountRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(holder: string, containerId: string, destination: string): StoredLiveMount | undefined {
		const sql = "SELECT * FROM live_mount WHERE holder = ? AND container_id = ? AND destination = ?";
		const row = this.#store.get<Row>(sql, holder, containerId, destination);
		return row && decode(row);
	}

	/** A container's, the innermost first. */
	of(holder: string, containerId: string): StoredLiveMount[] {
		const sql =
			"SELECT * FROM live_mount WHERE holder = ? AND container_id = ? ORDER BY created_at DESC, destination DESC";
		return this.#store.all<Row>(sql, holder, containerId).map(decode);
	}

	ofVolume(volume: string): StoredLiveMount[] {
		return this.#store.all<Row>("SELECT * FROM live_mount WHERE volume = ?", volume).map(decode);
	}

	all(): StoredLiveMount[] {
		return this.#store.all<Row>("SELECT * FROM live_mount ORDER BY created_at DESC, destination DESC").map(decode);
	}

	insert({ id, holder, containerId, containerName, process, mount }: LiveMount, now: number): Statement {
		return {
			sql: `INSERT INTO live_mount (id, holder, container_id, container_name, pid, pid_start, destination, mount, volume,
				state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'CREATING', ?)`,
			params: [
				id,
				holder,
				containerId,
				containerName,
				process.pid,
				process.start,
				mount.destination,
				JSON.stringify(mount),
				mount.volume === "" ? null : mount.volume,
				now,
			],
		};
	}

	activate(id: string, mark: MountMark): Statement {
		return { sql: "UPDATE live_mount SET state = 'ACTIVE', mark = ? WHERE id = ?", params: [mark, id], changes: 1 };
	}

	setState(id: string, state: StoredLiveMount["state"]): Statement {
		return { sql: "UPDATE live_mount SET state = ? WHERE id = ?", params: [state, id], changes: 1 };
	}

	delete(id: string): Statement {
		return { sql: "DELETE FROM live_mount WHERE id = ?", params: [id] };
	}
}

function decode(row: Row): StoredLiveMount {
	const { id, holder, state } = row;
	const mount: ResolvedMount = JSON.parse(row.mount);
	const process = { pid: row.pid, start: row.pid_start };
	const mark = row.mark === "" ? undefined : row.mark;
	return { id, holder, containerId: row.container_id, containerName: row.container_name, process, mount, state, mark };
}
