/** Where a resource is in its life. `creating` and `deleting` are what a crash leaves; reconciliation ends them. */
import type { Statement } from "#lib/store/store.ts";

export type Status =
	| { readonly state: "creating" | "active" | "deleting" }
	/** Something it needs was taken away. It is still there, and mended when that comes back. */
	| { readonly state: "failed"; readonly reason: string };

type State = Status["state"];

export interface StatusColumns {
	readonly state: State;
	readonly state_reason: string;
}

/** Neither on its way in nor out. */
export function isThere({ status }: { readonly status: Status }): boolean {
	return status.state === "active" || status.state === "failed";
}

/** The same, of a row. */
export const IS_THERE = "state IN ('active', 'failed')";

/** Between `active` and `failed` only: what is being made or removed stays so. */
export function setStatus(table: "networks" | "sandboxes" | "endpoints", id: string, status: Status): Statement {
	return {
		sql: `UPDATE ${table} SET state = ?, state_reason = ? WHERE id = ? AND ${IS_THERE}`,
		params: [status.state, status.state === "failed" ? status.reason : "", id],
	};
}

export function statusOf({ state, state_reason }: StatusColumns): Status {
	return state === "failed" ? { state, reason: state_reason } : { state };
}
