/** Attachments in the store: rows to values and back. */
import type { SqlValue, Statement, Store } from "#lib/store/store.ts";
import type { Attachment, ResolvedMount } from "./attachment.ts";

interface Row {
	readonly row: number;
	readonly id: string;
	readonly holder: string;
	readonly container_id: string;
	readonly container_name: string;
	readonly asked: string;
	readonly mounts: string;
	readonly created_at: number;
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
		const where = ["row > ?"];
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

	insert({ id, holder, containerId, containerName, mounts, createdAt }: Attachment, asked: string): Statement[] {
		const volumes = new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""));
		return [
			{
				sql: `INSERT INTO attachment (id, holder, container_id, container_name, asked, mounts, created_at)
					VALUES (?, ?, ?, ?, ?, ?, ?)`,
				params: [id, holder, containerId, containerName, asked, JSON.stringify(mounts), createdAt.getTime()],
			},
			...[...volumes].map((volume) => ({
				sql: "INSERT INTO attachment_volume (attachment, volume) SELECT row, ? FROM attachment WHERE id = ?",
				params: [volume, id],
				changes: 1,
			})),
		];
	}

	delete(id: string): Statement {
		return { sql: "DELETE FROM attachment WHERE id = ?", params: [id], changes: 1 };
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
		mounts,
		createdAt: new Date(row.created_at),
	};
}
