/** Telling the resolvers what a sandbox's names are from now on. */
import type { Parts } from "./parts.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Attachment, resolvedSandbox } from "./sandbox-view.ts";
import type { Undo } from "#lib/concurrency/undo.ts";

interface Telling {
	readonly sandbox: Sandbox;
	/** The endpoints that it has from now on. */
	readonly all: readonly Attachment[];
	/** A network that resolves names is among those that come or go. */
	readonly concerns: boolean;
	/** Where it is taken back when the operation does not come to its end. */
	readonly undo?: Undo;
}

/** True when a resolver lags behind. What does not concern names tells nothing and waits for nobody. */
export async function tellNames(
	{ names, dnsServers }: Pick<Parts, "names" | "dnsServers">,
	{ sandbox, all, concerns, undo }: Telling,
): Promise<boolean> {
	const before = names.find(sandbox.id);
	const now = resolvedSandbox(sandbox, all, dnsServers);
	if (!concerns && before?.forwards === now?.forwards) return false;
	undo?.defer(() => void names.put(sandbox.id, before));
	return !(await names.settled(names.put(sandbox.id, now)));
}
