/** Attachments in the store: rows to values and back. */
import type { SqlValue, Statement, Store } from "#lib/store/store.ts";
import type { Attachment, ResolvedMount } from "./attachment.ts";
import { LOCAL } from "./volume.ts";

interface Row {
	readonly row: number;
	readonly id: string;
	readonly holder: string;
	readonly container_id: string;
	readonly container_name: string;
	readonly asked: string;
	readonly mounts: string;
	readonly created_at: number;
	readonly active: number;
	readonly cgroup: string;
}

export interface StoredAttachment extends Attachment {
	readonly row: number;
	readonly asked: string;
}

export interface AttachmentFilter {
	readonly holder: string | undefined;
	readonly containerId: string | undefined;
	readonly volume: string | undefined;
}

export class AttachmentRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	find(holder: string, containerId: string): StoredAttachment | undefined {
		const row = this.#store.get<Row>(
			"SELECT * FROM attachment WHERE holder = ? AND container_id = ?",
			holder,
			containerId,
		);
		return row && decode(row);
	}

	/** Oldest first, those after row `after`. */
	list({ holder, containerId, volume }: AttachmentFilter, after: number, limit: number): StoredAttachment[] {
		const where = ["pending = 0", "row > ?"];
		const params: SqlValue[] = [after];
		const add = (sql: string, value: string | undefined): void => {
			if (value === undefined) return;
			where.push(sql);
			params.push(value);
		};
		add("holder = ?", holder);
		add("container_id = ?", containerId);
		add("row IN (SELECT attachment FROM attachment_volume WHERE volume = ?)", volume);
		const sql = `SELECT * FROM attachment WHERE ${where.join(" AND ")} ORDER BY row LIMIT ?`;
		return this.#store.all<Row>(sql, ...params, limit).map(decode);
	}

	/** Those of a volume, also those that nobody was answered about yet. */
	using(volume: string): StoredAttachment[] {
		const sql = "SELECT * FROM attachment WHERE row IN (SELECT attachment FROM attachment_volume WHERE volume = ?)";
		return this.#store.all<Row>(`${sql} ORDER BY row`, volume).map(decode);
	}

	insert(attachment: Attachment, asked: string): Statement[] {
		return this.#insert(attachment, asked, false);
	}

	/** As `insert`, of one that nobody is answered about before `answered`. */
	insertPending(attachment: Attachment, asked: string): Statement[] {
		return this.#insert(attachment, asked, true);
	}

	answered(id: string, mounts: readonly ResolvedMount[]): Statement {
		const sql = "UPDATE attachment SET pending = 0, mounts = ? WHERE id = ?";
		return { sql, params: [JSON.stringify(mounts), id], changes: 1 };
	}

	/** Those that nobody was answered about. */
	pending(): StoredAttachment[] {
		return this.#store.all<Row>("SELECT * FROM attachment WHERE pending = 1").map(decode);
	}

	/** Those that are ready, oldest first. */
	active(): StoredAttachment[] {
		return this.#store.all<Row>("SELECT * FROM attachment WHERE active = 1 ORDER BY row").map(decode);
	}

	/** Something is, or is about to be, made ready for it. */
	isActive(id: string): boolean {
		return this.#store.get("SELECT 1 FROM attachment WHERE id = ? AND active = 1", id) !== undefined;
	}

	setActive(id: string, active: boolean): Statement {
		return { sql: "UPDATE attachment SET active = ? WHERE id = ?", params: [active ? 1 : 0, id], changes: 1 };
	}

	setMounts(id: string, mounts: readonly ResolvedMount[]): Statement {
		return { sql: "UPDATE attachment SET mounts = ? WHERE id = ?", params: [JSON.stringify(mounts), id], changes: 1 };
	}

	setCgroup(id: string, cgroup: string): Statement {
		return { sql: "UPDATE attachment SET cgroup = ? WHERE id = ?", params: [cgroup, id], changes: 1 };
	}

	delete(id: string): Statement {
		return { sql: "DELETE FROM attachment WHERE id = ?", params: [id], changes: 1 };
	}

	#insert(attachment: Attachment, asked: string, pending: boolean): Statement[] {
		const { id, holder, containerId, containerName, mounts, createdAt, active, cgroup } = attachment;
		const volumes = new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""));
		return [
			{
				sql: `INSERT INTO attachment (id, holder, container_id, container_name, asked, mounts, created_at, active, pending, cgroup)
					VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				params: [
					id,
					holder,
					containerId,
					containerName,
					asked,
					JSON.stringify(mounts),
					createdAt.getTime(),
					active ? 1 : 0,
					pending ? 1 : 0,
					cgroup,
				],
			},
			...[...volumes].map((volume) => ({
				sql: "INSERT INTO attachment_volume (attachment, volume) SELECT row, ? FROM attachment WHERE id = ?",
				params: [volume, id],
				changes: 1,
			})),
		];
	}
}

function decode(row: Row): StoredAttachment {
	const mounts: ResolvedMount[] = JSON.parse(row.mounts);
	return {
		row: row.row,
		asked: row.asked,
		id: row.id,
		holder: row.holder,
		containerId: row.container_id,
		containerName: row.container_name,
		mounts: mounts.map(whole),
		createdAt: new Date(row.created_at),
		active: row.active === 1,
		cgroup: row.cgroup,
	};
}

/** One that was stored before mounts had all of it. */
function whole(mount: ResolvedMount): ResolvedMount {
	const { volume, type, source, readOnly } = mount;
	const absent = {
		driver: volume === "" ? "" : LOCAL,
		mode: readOnly ? "ro" : "",
		origin: type === "bind" ? source : "",
		view: undefined,
		create: false,
		relabel: undefined,
	};
	return { ...absent, ...mount };
}
