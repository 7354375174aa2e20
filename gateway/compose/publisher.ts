/**
 * On which of its networks a container's ports are published: Docker's way, on the one that leads elsewhere.
 *
 * They stay there while it is on that network, also when another comes to lead: answers leave as the questions came, and nobody is
 * cut off. When it leaves that network they go to the next.
 */
import type { NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";
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
	const networks: (Network | undefined)[] = [];
	for (const id of networkIds) {
		try {
			networks.push(await netd.network(id, signal));
		} catch (error) {
			if (!isFault(error, "NETWORK_NOT_FOUND")) throw error;
			networks.push(undefined);
		}
	}
	const priority = (index: number): number => spec.networks[index]?.gatewayPriority ?? 0;
	const [first] = networkIds
		.map((id, index) => ({ id, index }))
		.filter(({ index }) => networks[index]?.publishes === true)
		.sort((one, other) => priority(other.index) - priority(one.index) || one.index - other.index);
	return first?.id;
}
