/**
 * The generated files of containers that ran before this process did: its last one may have ended between a change of their networks
 * or links and their files. Each is looked at once; what somebody has written to stays.
 */
import { isFault } from "#lib/fault/fault.ts";
import type { Parts } from "../parts.ts";
import { isAlive } from "../runtime/process-start.ts";
import { networkMode } from "./container.ts";
import { refreshFiles } from "./surroundings.ts";

export class CatchUp {
	readonly #parts: Parts;
	/** Ids. */
	readonly #left: Set<string>;

	/** Of those that run now. */
	constructor(parts: Parts) {
		this.#parts = parts;
		this.#left = new Set(parts.table.everything().flatMap(({ id, state }) => (state === "RUNNING" ? [id] : [])));
	}

	/** Container by container, each in its turn. Gives how many are left for another pass, as netd is away; the signal leaves them all. */
	async pass(signal?: AbortSignal): Promise<number> {
		for (const id of this.#left) {
			if (signal?.aborted === true || !(await this.#refresh(id))) break;
			this.#left.delete(id);
		}
		return this.#left.size;
	}

	/** False: netd is away. */
	async #refresh(id: string): Promise<boolean> {
		const { table, locks, log } = this.#parts;
		using _ = await locks.take(id);
		const record = table.find(id);
		if (record?.state !== "RUNNING" || !isAlive({ pid: record.pid, start: record.pidStart })) return true;
		// One on the host's network has no sandbox, and one on another's no files of its own.
		if (record.sandboxId === "" || networkMode(record.spec) === "container") return true;
		try {
			await refreshFiles(this.#parts, record);
		} catch (error) {
			if (isFault(error, "SERVICE_UNAVAILABLE")) return false;
			log.warn("a container's files could not follow its networks", { container: id, err: error });
		}
		return true;
	}
}
