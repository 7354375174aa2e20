/** Ports that a program publishes and takes back over gRPC while their container runs, and an accident on the way. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
	type Endpoint,
	EndpointServiceService,
	ListEndpointsRequest,
	PublishPortsRequest,
	UnpublishPortsRequest,
} from "#gen/wharf/network/v1/endpoint.ts";
import { isFault } from "#lib/fault/fault.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";
import type { Host } from "../support/host.ts";
import type { Step } from "./afternoon.ts";

type Client = ClientOf<typeof EndpointServiceService>;

export function publish(network: string, hostPort: number): Step {
	return withEndpoint(network, async (netd, { id }) => {
		const ports = [{ hostPort, containerPort: 80 }];
		await netd.publishPorts(PublishPortsRequest.fromPartial({ requestId: randomUUID(), endpointId: id, ports }));
	});
}

export function unpublish(network: string, hostPort: number): Step {
	return withEndpoint(network, async (netd, { id }) => {
		const ports = [{ hostPort }];
		await netd.unpublishPorts(UnpublishPortsRequest.fromPartial({ requestId: randomUUID(), endpointId: id, ports }));
	});
}

/** Somebody deletes the endpoint's link. */
export function loseLeg(network: string): Step {
	return withEndpoint(network, async (_, { hostInterface }, host) => {
		await host.run("ip", ["link", "delete", hostInterface]);
	});
}

/** On the network's first endpoint; nothing when there is none, for what came before may have been refused. */
function withEndpoint(network: string, body: (netd: Client, endpoint: Endpoint, host: Host) => Promise<void>): Step {
	return async (host) => {
		using netd = client(EndpointServiceService, { unix: join(host.root, "run/netd.sock") }, { timeoutMs: 30_000 });
		try {
			const { endpoints } = await netd.listEndpoints(ListEndpointsRequest.fromPartial({ network }));
			const [endpoint] = endpoints;
			if (endpoint !== undefined) await body(netd, endpoint, host);
			return undefined;
		} catch (error) {
			// An INTERNAL of any other reason is a bug.
			const isRefused = isFault(error) && (error.code !== "INTERNAL" || error.reason === "KERNEL_REFUSED");
			return isRefused ? undefined : `ports on ${network}: ${String(error)}`;
		}
	};
}
