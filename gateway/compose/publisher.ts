/**
 * On which of its networks a container's ports are published: Docker's way, on the one that leads elsewhere.
 *
 * They stay there while it is on that network, also when another comes to lead: answers leave as the questions came, and nobody is
 * cut off. When it leaves that network they go to the next.
 */
import type { NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Parts } from "../parts.ts";

interface Attached {
	readonly spec: { readonly networks: readonly Pick<NetworkAttachment, "gatewayPriority">[] };
	readonly networkIds: readonly string[];
}

/** The network's id; undefined: nothing can be published on any of them. One that is gone is passed over. */
export async function publisherOf(
	{ netd }: Pick<Parts, "netd">,
	{ spec, networkIds }: Attached,
	signal: AbortSignal,
): Promise<string | undefined> {
	const able: { readonly id: string; readonly priority: number }[] = [];
	for (const [index, id] of networkIds.entries()) {
		if (await publishes(netd, id, signal)) able.push({ id, priority: spec.networks[index]?.gatewayPriority ?? 0 });
	}
	// Of equal ones the first stays the first.
	return able.toSorted((one, other) => other.priority - one.priority)[0]?.id;
}

async function publishes(netd: Parts["netd"], id: string, signal: AbortSignal): Promise<boolean> {
	try {
		return (await netd.network(id, signal)).publishes;
	} catch (error) {
		if (isFault(error, "NETWORK_NOT_FOUND")) return false;
		throw error;
	}
}
