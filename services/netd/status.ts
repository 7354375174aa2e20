/** Where a resource is in its life. `creating` and `deleting` are what a crash leaves; reconciliation ends them. */

export type Status =
	| { readonly state: "creating" | "active" | "deleting" }
	/** Something it needs was taken away. It is still there, and mended when that comes back. */
	| { readonly state: "failed"; readonly reason: string };

type State = Status["state"];

export interface StatusColumns {
	readonly state: State;
	readonly state_reason: string;
}

export function statusOf({ state, state_reason }: StatusColumns): Status {
	return state === "failed" ? { state, reason: state_reason } : { state };
}
