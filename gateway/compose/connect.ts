/** A container joins another network: at once when it runs, with its next start otherwise. */
import type { NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import type { Endpoint, Port } from "#gen/wharf/network/v1/endpoint.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { type ContainerRecord, type LiveContainer, networkMode, sharedNetworkOf } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import { GeneratedFiles } from "../files/generated-files.ts";
import { refuseUnjoinable } from "./joinable.ts";
import type { Parts } from "../parts.ts";
import { Undo } from "#lib/concurrency/undo.ts";
import { endpointsOf } from "./observe.ts";
import { namesLagWarning, type Started } from "./start.ts";

export interface ConnectInput {
	readonly reference: string;
	readonly attachment: NetworkAttachment;
}

export async function connect(parts: Parts, input: ConnectInput, call: Mutation<Started>): Promise<Started> {
	const { store, table, netd, log } = parts;
	const { id } = table.get(input.reference);
	using _ = await parts.locks.take(id);
	const record = settledRecord(parts, id);
	const network = await netd.network(input.attachment.network, call.signal);
	refuseImpossible(record, network);
	if (record.networkIds.includes(network.id)) {
		throw gatewayFaults.ALREADY_CONNECTED({ container: record.name, network: network.name });
	}
	const change = {
		spec: { ...record.spec, networks: [...record.spec.networks, { ...input.attachment, network: network.name }] },
		networkIds: [...record.networkIds, network.id],
	};
	await using undo = new Undo({}, log);
	const warnings: string[] = [];
	if (record.state === "RUNNING") {
		// By what there is and not by what was answered: a call that timed out may have happened.
		undo.defer(async () => void (await disconnectFrom(parts, record, network.id)));
		const { network: _, ...asked } = input.attachment;
		const wish = { ...asked, network: network.id, sandboxId: record.sandboxId, ports: [] };
		const { endpoint, namesLag } = await netd.connect(wish, call.signal);
		await joined(parts, record, endpoint);
		if (namesLag) warnings.push(namesLagWarning(network.name));
	}
	const container: LiveContainer = { record: { ...record, ...change }, endpoints: await endpointsOf(parts, record) };
	const result = { container, warnings };
	await store.write([table.update(id, change), ...call.answer(result)], "container.connected");
	undo.done();
	return result;
}

/** A record that nothing is under way with. */
export function settledRecord({ table }: Parts, id: string): ContainerRecord {
	const record = table.get(id);
	if (record.state === "CREATED" || record.state === "EXITED" || record.state === "RUNNING") return record;
	throw gatewayFaults.CONTAINER_REMOVING({ container: record.name });
}

function refuseImpossible(record: ContainerRecord, network: Network): void {
	const mode = networkMode(record.spec);
	if (mode === "container") {
		const metadata = { owner: sharedNetworkOf(record.spec).slice(0, 12), what: "networks of its own" };
		throw gatewayFaults.NETWORK_IS_SHARED(metadata);
	}
	if (mode !== "networks" && record.networkIds.length === 0) {
		throw gatewayFaults.NETWORK_STANDS_ALONE({ network: mode });
	}
	refuseUnjoinable(network);
}

async function joined(parts: Parts, record: ContainerRecord, endpoint: Endpoint): Promise<void> {
	const { resolver } = await parts.netd.sandbox(record.sandboxId);
	await new GeneratedFiles(parts.roots.dir(record.id)).connected({ record, endpoints: [], resolver }, endpoint);
}

/** Not connected is success. Gives what was published there. */
export async function disconnectFrom(parts: Parts, record: ContainerRecord, networkId: string): Promise<Port[]> {
	const ports: Port[] = [];
	for (const endpoint of await parts.netd.endpoints(record.sandboxId)) {
		if (endpoint.networkId !== networkId) continue;
		await parts.netd.disconnect(endpoint.id);
		ports.push(...endpoint.ports);
		const { resolver } = await parts.netd.sandbox(record.sandboxId);
		await new GeneratedFiles(parts.roots.dir(record.id)).disconnected({ record, endpoints: [], resolver }, endpoint);
	}
	return ports;
}
