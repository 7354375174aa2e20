/** An endpoint with everything that a reader of it wants to know. */
import type { Family, Ip } from "#lib/address/ip.ts";
import { attachmentOf, attachmentsOf } from "./attachments.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Records } from "./records.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Attachment, gatewayEndpoint, gatewayOf } from "./sandbox-view.ts";

export interface EndpointView {
	readonly seq: number;
	readonly endpoint: Endpoint;
	readonly network: Network;
	readonly sandbox: Sandbox;
	readonly gateways: readonly Ip[];
	/** The families whose default route in the sandbox leads through it. */
	readonly leads: readonly Family[];
}

export function endpointView(
	{ endpoint, network }: Attachment,
	sandbox: Sandbox,
	all: readonly Attachment[],
): EndpointView {
	const families = ([4, 6] as const).filter((family) => endpoint.addresses.some(({ ip }) => ip.family === family));
	return {
		seq: endpoint.seq,
		endpoint,
		network,
		sandbox,
		gateways: families.map((family) => gatewayOf(network, family)).filter((gateway) => gateway !== undefined),
		leads: families.filter((family) => gatewayEndpoint(all, family)?.endpoint.id === endpoint.id),
	};
}

export function storedEndpointView(records: Records, endpoint: Endpoint): EndpointView {
	const sandbox = records.getSandbox(endpoint.sandboxId);
	return endpointView(attachmentOf(records, endpoint), sandbox, attachmentsOf(records, sandbox.id));
}
