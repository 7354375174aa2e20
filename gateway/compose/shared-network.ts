/** A container that has another one's network: `--network container:NAME`. */
import { type ContainerRecord, networkMode, sharedNetworkOf } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";

/**
 * The container whose host name, /etc/hosts and /etc/resolv.conf it has: itself, or the last of those that share one by one.
 * NETWORK_OWNER_GONE.
 */
export function namedAs({ table }: Pick<Parts, "table">, record: ContainerRecord): ContainerRecord {
	let owner = record;
	// Each was there before the one that shares it: there is no circle.
	while (networkMode(owner.spec) === "container") {
		const next = table.find(sharedNetworkOf(owner.spec));
		if (next === undefined) throw gone(record);
		owner = next;
	}
	return owner;
}

/** The one that it shares with. NETWORK_OWNER_GONE, NETWORK_OWNER_NOT_RUNNING. */
export function runningOwner({ table }: Pick<Parts, "table">, record: ContainerRecord): ContainerRecord {
	const owner = table.find(sharedNetworkOf(record.spec));
	if (owner === undefined) throw gone(record);
	if (owner.state === "RUNNING") return owner;
	throw gatewayFaults.NETWORK_OWNER_NOT_RUNNING({ container: record.name, owner: owner.name });
}

function gone({ name, spec }: ContainerRecord): Error {
	return gatewayFaults.NETWORK_OWNER_GONE({ container: name, owner: sharedNetworkOf(spec).slice(0, 12) });
}
