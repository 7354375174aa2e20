/** A port of the host that the store has for another endpoint: one that is on its way out keeps its ports until it is gone. */
import type { Fault } from "#lib/fault/fault.ts";
import type { ConstraintError } from "#lib/store/store.ts";
import { faults } from "./faults.ts";
import { shortId } from "./id.ts";
import { type HostPort, portText } from "./port.ts";
import type { Records } from "./records.ts";

export function isPortConflict({ columns }: ConstraintError): boolean {
	return columns.some((column) => column.startsWith("ports."));
}

export function portConflict(records: Records, ports: readonly HostPort[]): Fault {
	const held = ports
		.map((port) => ({ port, holder: holderName(records, port) }))
		.find(({ holder }) => holder !== undefined);
	const port = held === undefined ? ports.map(portText).join(", ") : portText(held.port);
	return faults.PORT_IN_USE({ port, holder: held?.holder ?? "another container" }, { field: "ports" });
}

/** Which of our endpoints has it, by its container's name. */
export function holderName(records: Records, port: HostPort): string | undefined {
	const holder = records.holderOf(port);
	return holder && (holder.sandbox.name || shortId(holder.sandbox.owner));
}
