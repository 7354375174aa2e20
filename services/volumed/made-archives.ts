/** Archives that were made here, by their manifests: what they say of rights is believed, and they may become what they were. */
import type { Statement, Store } from "#lib/store/store.ts";
import type { ArchiveResult } from "./job.ts";

export class MadeArchives {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	insert({ manifestSha256, expandedBytes, storedBytes }: ArchiveResult, now: number): Statement {
		const columns = "manifest_sha256, bytes, stored_bytes, created_at";
		const sql = `INSERT INTO archive (${columns}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`;
		return { sql, params: [manifestSha256, expandedBytes, storedBytes, now] };
	}

	has(manifestSha256: string): boolean {
		return this.#store.get("SELECT 1 FROM archive WHERE manifest_sha256 = ?", manifestSha256) !== undefined;
	}

	/** The most that one has, before compression, which is stored in so many bytes; 0: there is none. */
	bytesOf(storedBytes: number): number {
		const sql = "SELECT max(bytes) AS bytes FROM archive WHERE stored_bytes = ?";
		return this.#store.get<{ bytes: number | null }>(sql, storedBytes)?.bytes ?? 0;
	}
}
