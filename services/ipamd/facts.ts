/** The facts that ipamd publishes; each goes into the transaction that makes it true. */
import { eventEntry } from "#lib/events/entry.ts";
import type { Statement } from "#lib/store/store.ts";
import type { Lease, Subnet } from "./subnet.ts";

type Action = "ACTION_ALLOCATED" | "ACTION_RELEASED";

export function subnetFact(action: Action, { id, cidr, holder, owner }: Subnet): Statement {
	return eventEntry({ $case: "subnet", value: { action, subnetId: id, cidr: `${cidr}`, holder, owner, overlap: "" } });
}

export function overlapFact(
	action: "ACTION_OVERLAPPED" | "ACTION_CLEARED",
	{ id, cidr, holder, owner }: Subnet,
	overlap: string,
): Statement {
	return eventEntry({ $case: "subnet", value: { action, subnetId: id, cidr: `${cidr}`, holder, owner, overlap } });
}

export function leaseFact(action: Action, { subnetId, address, holder, owner }: Lease): Statement {
	return eventEntry({ $case: "lease", value: { action, subnetId, address: `${address}`, holder, owner } });
}
