/** What netd is asked for, with nothing said that need not be. */
import type { ConnectRequest, Port } from "#gen/wharf/network/v1/endpoint.ts";
import type { CreateSandboxRequest } from "#gen/wharf/network/v1/sandbox.ts";

export function sandboxRequest(owner: string): CreateSandboxRequest {
	const fields = { holder: "bench", adoptPath: "", adoptPid: 0, joinSandboxId: "", dnsServers: [], hostname: "" };
	return { requestId: owner, owner, name: owner, ...fields };
}

export function connectRequest({
	requestId,
	network,
	sandboxId,
	ports = [],
}: Pick<ConnectRequest, "requestId" | "network" | "sandboxId"> & { readonly ports?: Port[] }): ConnectRequest {
	const fields = { addresses: [], mac: "", aliases: [], gatewayPriority: 0, options: {}, links: {} };
	return { requestId, network, sandboxId, ports, ...fields };
}

export function tcp(hostPort: number, containerPort = 80): Port {
	return { protocol: "PROTOCOL_TCP", hostAddress: "", hostPort, hostPortEnd: 0, containerPort };
}
