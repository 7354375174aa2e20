/** The facts that netd publishes; each goes into the transaction that makes it true. */
import { eventEntries, eventEntry } from "#lib/events/entry.ts";
import type { Statement } from "#lib/store/store.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Port } from "./port.ts";
import type { Sandbox } from "./sandbox.ts";

export function networkFact(action: "CREATED" | "DELETED", { id, name, driver }: Network): Statement {
	return eventEntry({ $case: "network", value: { action: `ACTION_${action}`, networkId: id, name, driver } });
}

export function sandboxFact(action: "CREATED" | "DELETED", { id, name }: Sandbox): Statement {
	return eventEntry({ $case: "sandbox", value: { action: `ACTION_${action}`, sandboxId: id, name } });
}

/** The ports that come or go with it as well. */
export function endpointFacts(action: "CONNECTED" | "DISCONNECTED", endpoint: Endpoint): Statement[] {
	const { id, networkId, sandboxId, mac = "", ports } = endpoint;
	const addresses = endpoint.addresses.map(({ ip }) => ip.toString());
	return [
		eventEntry({
			$case: "endpoint",
			value: { action: `ACTION_${action}`, endpointId: id, networkId, sandboxId, addresses, mac },
		}),
		...portFacts(action === "CONNECTED" ? "PUBLISHED" : "UNPUBLISHED", id, ports),
	];
}

export function portFacts(
	action: "PUBLISHED" | "UNPUBLISHED",
	endpointId: string,
	ports: readonly Port[],
): Statement[] {
	return eventEntries(
		ports.map(({ protocol, hostAddress, hostPort, containerPort }) => ({
			$case: "port",
			value: {
				action: `ACTION_${action}`,
				endpointId,
				protocol,
				hostAddress: hostAddress?.toString() ?? "",
				hostPort,
				containerPort,
			},
		})),
	);
}
