/** netd, as the gateway uses it: it holds the sandboxes of its containers there, one each, owned by the container's id. */
import { randomUUID } from "node:crypto";
import {
	ConnectRequest,
	DisconnectRequest,
	type Endpoint,
	EndpointServiceService,
	ListEndpointsRequest,
	type Port,
	PublishPortsRequest,
} from "#gen/wharf/network/v1/endpoint.ts";
import { GetNetworkRequest, type Network, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import {
	CreateSandboxRequest,
	DeleteSandboxRequest,
	ListSandboxesRequest,
	type Sandbox,
	SandboxServiceService,
} from "#gen/wharf/network/v1/sandbox.ts";
import { type Address, client, type ClientOf } from "#lib/rpc/client.ts";
import { allPages } from "#lib/rpc/all-pages.ts";

export type { Endpoint, Sandbox };

export const HOLDER = "gateway";

/** The kernel's and the resolver's part may take a moment on a busy machine. */
const TIMEOUT_MS = 30_000;

export interface Connection {
	readonly network: string;
	readonly sandboxId: string;
	readonly addresses: readonly string[];
	readonly aliases: readonly string[];
	readonly gatewayPriority: number;
	/** Names for the sandbox alone, each with the name of the one that it stands for. */
	readonly links: Readonly<Record<string, string>>;
	readonly ports: readonly Port[];
}

export interface SandboxWish {
	/** The container's id. */
	readonly owner: string;
	readonly name: string;
	readonly hostname: string;
	/** Whose namespace it is to share; empty: one of its own is made. */
	readonly joinSandboxId: string;
	/** Empty: as its networks or netd's settings say. */
	readonly dnsServers: readonly string[];
}

export class Netd implements Disposable {
	readonly #networks: ClientOf<NetworkServiceService>;
	readonly #sandboxes: ClientOf<SandboxServiceService>;
	readonly #endpoints: ClientOf<EndpointServiceService>;

	constructor(address: Address) {
		const options = { timeoutMs: TIMEOUT_MS, pipeline: true };
		this.#networks = client(NetworkServiceService, address, options);
		this.#sandboxes = client(SandboxServiceService, address, options);
		this.#endpoints = client(EndpointServiceService, address, options);
	}

	/** By id, unique beginning of an id, or name. NETWORK_NOT_FOUND. */
	async network(reference: string, signal?: AbortSignal): Promise<Network> {
		const { network } = await this.#networks.getNetwork(GetNetworkRequest.fromPartial({ network: reference }), {
			signal,
		});
		return given(network, "network");
	}

	async createSandbox({ dnsServers, ...wish }: SandboxWish, signal?: AbortSignal): Promise<Sandbox> {
		const request = { requestId: randomUUID(), holder: HOLDER, ...wish, dnsServers: [...dnsServers] };
		const { sandbox } = await this.#sandboxes.createSandbox(CreateSandboxRequest.fromPartial(request), { signal });
		return given(sandbox, "sandbox");
	}

	async sandbox(id: string, signal?: AbortSignal): Promise<Sandbox> {
		const { sandbox } = await this.#sandboxes.getSandbox({ id }, { signal });
		return given(sandbox, "sandbox");
	}

	/** Gone already is success. */
	async deleteSandbox(id: string): Promise<void> {
		await this.#sandboxes.deleteSandbox(DeleteSandboxRequest.fromPartial({ requestId: randomUUID(), id }));
	}

	/** The sandbox of a container, whoever forgot its id. */
	async deleteSandboxOf(owner: string): Promise<void> {
		for (const { id } of await this.sandboxes(owner)) await this.deleteSandbox(id);
	}

	/** The gateway's own; with an owner only that container's. */
	sandboxes(owner = ""): Promise<Sandbox[]> {
		return allPages(
			(page) => this.#sandboxes.listSandboxes(ListSandboxesRequest.fromPartial({ ...page, holder: HOLDER, owner })),
			(answer) => answer.sandboxes,
		);
	}

	async connect(connection: Connection, signal?: AbortSignal): Promise<{ endpoint: Endpoint; namesLag: boolean }> {
		const { addresses, aliases, ports, links, ...rest } = connection;
		const request = {
			requestId: randomUUID(),
			...rest,
			addresses: [...addresses],
			aliases: [...aliases],
			ports: [...ports],
			links: { ...links },
		};
		const { endpoint, namesLag } = await this.#endpoints.connect(ConnectRequest.fromPartial(request), { signal });
		return { endpoint: given(endpoint, "endpoint"), namesLag };
	}

	/** Gone already is success. */
	async disconnect(endpointId: string): Promise<void> {
		await this.#endpoints.disconnect(DisconnectRequest.fromPartial({ requestId: randomUUID(), endpointId }));
	}

	/** Also on an endpoint whose container runs. */
	async publishPorts(endpointId: string, ports: readonly Port[]): Promise<void> {
		const request = { requestId: randomUUID(), endpointId, ports: [...ports] };
		await this.#endpoints.publishPorts(PublishPortsRequest.fromPartial(request));
	}

	/** Of one sandbox. An empty id is none's, and has none. */
	endpoints(sandboxId: string): Promise<Endpoint[]> {
		return sandboxId === "" ? Promise.resolve([]) : this.#listEndpoints(sandboxId);
	}

	/** Of every sandbox, others' than the gateway's too. */
	allEndpoints(): Promise<Endpoint[]> {
		return this.#listEndpoints("");
	}

	#listEndpoints(sandboxId: string): Promise<Endpoint[]> {
		return allPages(
			(page) => this.#endpoints.listEndpoints(ListEndpointsRequest.fromPartial({ ...page, sandboxId })),
			(answer) => answer.endpoints,
		);
	}

	[Symbol.dispose](): void {
		for (const one of [this.#networks, this.#sandboxes, this.#endpoints]) one.close();
	}
}

/** A message field without presence in the contract's words is optional on the wire. */
function given<T>(value: T | undefined, what: string): T {
	if (value === undefined) throw new Error(`netd answered without a ${what}`);
	return value;
}
