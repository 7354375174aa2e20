/** Whose names a container has: its own, or those of the container whose network it shares. */
import type { Container, ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { networkMode, sharedNetworkOf } from "../compose/container.ts";

/** By name or id, unique beginning of an id. CONTAINER_NOT_FOUND. */
export async function askerOf(gateway: ClientOf<ContainerServiceService>, name: string): Promise<Container> {
	const { container } = await gateway.getContainer({ container: name });
	if (container === undefined) throw new Error(`the gateway gave no container for ${name}`);
	const { spec } = container;
	const isShared = spec !== undefined && networkMode(spec) === "container";
	return isShared ? await askerOf(gateway, sharedNetworkOf(spec)) : container;
}
