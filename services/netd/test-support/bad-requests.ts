/** Whatever a client says: a seeded mix of all requests with wrong fields, over gRPC. The answer is a result, or a fault that says what was wrong. */
import { ConnectRequest, type EndpointServiceService, PublishPortsRequest } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, type NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest, type SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { Choice, NUMBERS, PREFIX, spoil, TEXTS } from "./spoil.ts";

interface Clients {
	readonly networks: ClientOf<typeof NetworkServiceService>;
	readonly sandboxes: ClientOf<typeof SandboxServiceService>;
	readonly endpoints: ClientOf<typeof EndpointServiceService>;
}

/** What there is to be asked about. */
interface Present {
	readonly networks: readonly { readonly name: string; readonly driver: string }[];
	readonly sandboxes: readonly { readonly id: string }[];
	readonly endpoints: readonly { readonly id: string }[];
}

export interface BadRequests {
	readonly clients: Clients;
	readonly present: () => Present;
	readonly seed: number;
	readonly rounds: number;
}

/** Undefined for a refusal. Anything but a result or a fault that says what was wrong fails the test, with what was asked. */
async function ask<T>(request: object, body: () => Promise<T>): Promise<T | undefined> {
	try {
		return await body();
	} catch (error) {
		const what = JSON.stringify(request).slice(0, 2_000);
		if (!(error instanceof Fault)) throw new Error(`no fault: ${String(error)}: ${what}`, { cause: error });
		const { code, reason, message, field, domain } = error;
		if (code === "INTERNAL" || reason === "")
			throw new Error(`${code} ${reason} ${message}: ${what}`, { cause: error });
		// What a peer refuses has no field of this request.
		if (code === "INVALID_ARGUMENT" && domain !== "ipamd" && field === undefined) {
			throw new Error(`${reason} names no field: ${what}`, { cause: error });
		}
		if (message.length > 1_000) throw new Error(`${reason} says ${message.length} letters: ${what}`, { cause: error });
		return undefined;
	}
}

/** Asks, on two networks and with two sandboxes of its own; how many requests were taken and refused. */
export async function badRequests({ clients, present, seed, rounds }: BadRequests) {
	const { networks, sandboxes, endpoints } = clients;
	const choice = new Choice(seed);
	const outcomes = { results: 0, refusals: 0 };
	const tried = async <T>(request: object, body: () => Promise<T>): Promise<void> => {
		const result = await ask(request, body);
		outcomes[result === undefined ? "refusals" : "results"] += 1;
	};
	for (const name of ["web", "back"])
		await networks.createNetwork(CreateNetworkRequest.fromPartial({ name, ipv6: true }));
	for (const owner of ["alice", "bob"])
		await sandboxes.createSandbox(CreateSandboxRequest.fromPartial({ holder: "test", owner }));
	for (let round = 0; round < rounds; round += 1) {
		const own = `r${round}`;
		const rows = present();
		const bridged = rows.networks.filter(({ driver }) => driver === "bridge");
		const network = choice.of(choice.below(10) === 0 ? rows.networks : bridged).name;
		const sandboxId = rows.sandboxes.length > 0 ? choice.of(rows.sandboxes).id : "none";
		const endpointId = rows.endpoints.length > 0 ? choice.of(rows.endpoints).id : "none";
		const port = { protocol: "PROTOCOL_TCP" as const, hostAddress: "", hostPort: 10_000 + round, containerPort: 80 };
		const subnet = { cidr: `10.77.${round % 250}.0/24`, ipRange: "", gateway: "", auxiliaryAddresses: {} };
		switch (choice.below(7)) {
			case 0: {
				const options = { [`${PREFIX}driver.mtu`]: "1400" };
				const right = CreateNetworkRequest.fromPartial({
					name: own,
					subnets: [subnet],
					options,
					labels: { "a.b": "c" },
				});
				const wrong = spoil(right, choice);
				await tried(wrong, () => networks.createNetwork(wrong));
				break;
			}
			case 1: {
				const right = CreateSandboxRequest.fromPartial({
					holder: "test",
					owner: own,
					name: own,
					dnsServers: ["9.9.9.9"],
				});
				const wrong = choice.below(3) === 0 ? right : spoil(right, choice);
				await tried(wrong, () => sandboxes.createSandbox(wrong));
				break;
			}
			case 2:
			case 3: {
				const options = { [`${PREFIX}endpoint.ifname`]: `net${round}` };
				const right = ConnectRequest.fromPartial({
					network,
					sandboxId,
					aliases: [own],
					ports: [port],
					options,
					links: { [own]: own },
				});
				const wrong = choice.below(3) === 0 ? right : spoil(right, choice);
				await tried(wrong, () => endpoints.connect(wrong));
				break;
			}
			case 4: {
				const right = PublishPortsRequest.fromPartial({ endpointId, ports: [port] });
				const wrong = spoil(right, choice);
				await tried(wrong, () => endpoints.publishPorts(wrong));
				const other = spoil(wrong, choice);
				await tried(other, () => endpoints.unpublishPorts(other));
				break;
			}
			case 5: {
				const wrong = choice.of([...TEXTS, endpointId, sandboxId, network]);
				const page = { pageSize: choice.of(NUMBERS), pageToken: choice.of(TEXTS) };
				await tried({ wrong }, () => networks.getNetwork({ network: wrong }));
				await tried({ wrong }, () => sandboxes.getSandbox({ id: wrong }));
				await tried({ wrong }, () => endpoints.getEndpoint({ id: wrong }));
				await tried(page, () => endpoints.listEndpoints({ ...page, network: "", sandboxId: wrong }));
				await tried(page, () =>
					networks.listNetworks({ ...page, names: [wrong], drivers: [], labels: { [wrong]: wrong } }),
				);
				break;
			}
			default: {
				const wrong = choice.of([...TEXTS, endpointId, endpointId, sandboxId, network]);
				const request = { requestId: "", id: wrong, network: wrong, endpointId: wrong };
				await tried(request, () => endpoints.disconnect(request));
				await tried(request, () => networks.deleteNetwork(request));
				if (choice.below(8) === 0) await tried(request, () => sandboxes.deleteSandbox(request));
			}
		}
	}
	return outcomes;
}
