/** The gateway's events: each goes into the transaction that makes it true. */
import { ContainerEvent_Action as Action } from "#gen/wharf/event/v1/event.ts";
import { eventEntry } from "#lib/events/entry.ts";
import type { Statement } from "#lib/store/store.ts";

type Happening = "CREATED" | "STARTED" | "EXITED" | "DELETED";

export function containerFact(
	happening: Happening,
	{ id, name }: { readonly id: string; readonly name: string },
	exitCode = 0,
): Statement {
	return eventEntry({ $case: "container", value: { action: Action[happening], containerId: id, name, exitCode } });
}
