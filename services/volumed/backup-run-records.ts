/** What runs of backups came to, kept a day for who asks again. */
import type { Statement, Store } from "#lib/store/store.ts";
import type { RunRecord } from "./backup-run.ts";
import { refuseReused } from "./jobs.ts";

const METHOD = "backups";

export interface RunIdentity {
	readonly requestId: string;
	/** What was asked, digested. */
	readonly bodyHash: string;
}

export class BackupRunRecords {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	keep({ requestId, bodyHash }: RunIdentity, record: RunRecord): Statement {
		return this.#store.replays.record(METHOD, requestId, bodyHash, Buffer.from(JSON.stringify(record)));
	}

	/** Fault: REQUEST_ID_REUSED. */
	find(identity: RunIdentity): RunRecord | undefined {
		const found = this.#store.replays.find(METHOD, identity.requestId);
		if (found === undefined) return undefined;
		refuseOther(identity, found.bodyHash);
		return JSON.parse(Buffer.from(found.answer).toString("utf8")) as RunRecord; // as it was kept
	}
}

/** Fault: REQUEST_ID_REUSED when the request was another one. */
export function refuseOther(identity: RunIdentity, known: string): void {
	refuseReused({ method: METHOD, ...identity }, known);
}
