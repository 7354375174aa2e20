/** The facts that ipamd publishes; each goes into the transaction that makes it true. */
import { eventEntry } from "#lib/events/entry.ts";
import type { Statement } from "#lib/store/store.ts";
import type { Lease, Subnet } from "./subnet.ts";

type Action = "ACTION_ALLOCATED" | "ACTION_RELEASED";
type OverlapAction = "ACTION_OVERLAPPED" | "ACTION_CLEARED";

/** `overlap`: by what it is overlapped, or was; in words. */
export function subnetFact(action: Action, subnet: Subnet): Statement;
export function subnetFact(action: OverlapAction, subnet: Subnet, overlap: string): Statement;
export function subnetFact(
	action: Action | OverlapAction,
	{ id, cidr, holder, owner }: Subnet,
	overlap = "",
): Statement {
	return eventEntry({ $case: "subnet", value: { action, subnetId: id, cidr: `${cidr}`, holder, owner, overlap } });
}

export function leaseFact(action: Action, { subnetId, address, holder, owner }: Lease): Statement {
	return eventEntry({ $case: "lease", value: { action, subnetId, address: `${address}`, holder, owner } });
}
