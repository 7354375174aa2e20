/** A container joins another network: at once when it runs, with its next start otherwise. */
import type { NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import type { Port } from "#gen/wharf/network/v1/endpoint.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { type ContainerRecord, type LiveContainer, networkMode, type Outcome, sharedNetworkOf } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import { refuseUnjoinable } from "./joinable.ts";
import { namedLinks, resolveLinks } from "./links.ts";
import type { Parts } from "../parts.ts";
import { Undo } from "#lib/concurrency/undo.ts";
import { endpointsOf } from "./observe.ts";
import { namesLagWarning } from "./start.ts";
import { refreshFiles, tellLinking } from "./surroundings.ts";

export interface ConnectInput {
	readonly reference: string;
	readonly attachment: NetworkAttachment;
}

export async function connect(parts: Parts, input: ConnectInput, call: Mutation<Outcome>): Promise<Outcome> {
	const { id } = parts.table.get(input.reference);
	const connected = await connectOne(parts, id, input, call);
	await tellLinking(parts, connected.container.record.name);
	return connected;
}

async function connectOne(parts: Parts, id: string, input: ConnectInput, call: Mutation<Outcome>): Promise<Outcome> {
	const { store, table, netd, log } = parts;
	using _ = await parts.locks.take(id);
	const record = settledRecord(parts, id);
	const network = await netd.network(input.attachment.network, call.signal);
	refuseImpossible(record, network);
	if (record.networkIds.includes(network.id)) {
		throw gatewayFaults.ALREADY_CONNECTED({ container: record.name, network: network.name });
	}
	if (input.attachment.links.length > 0 && !network.resolvesNames) {
		throw gatewayFaults.LINK_TOO_LATE({ network: network.name }, { field: "network.links" });
	}
	const { attachment, warnings } = resolveLinks(parts, input.attachment, network);
	const change = {
		spec: { ...record.spec, networks: [...record.spec.networks, attachment] },
		networkIds: [...record.networkIds, network.id],
	};
	await using undo = new Undo({}, log);
	const told = [...warnings];
	if (record.state === "RUNNING") {
		// By what there is and not by what was answered: a call that timed out may have happened.
		undo.defer(async () => void (await disconnectFrom(parts, record, network.id)));
		const links = namedLinks(attachment);
		const wish = { ...attachment, links, network: network.id, sandboxId: record.sandboxId, ports: [] };
		const { namesLag } = await netd.connect(wish, call.signal);
		await refreshFiles(parts, { ...record, ...change });
		if (namesLag) told.push(namesLagWarning(network.name));
	}
	const container: LiveContainer = { record: { ...record, ...change }, endpoints: await endpointsOf(parts, record) };
	const result = { container, warnings: told };
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

/** `record`: as it is without the network. Not connected is success. Gives what was published there. */
export async function disconnectFrom(parts: Parts, record: ContainerRecord, networkId: string): Promise<Port[]> {
	const ports: Port[] = [];
	for (const endpoint of await parts.netd.endpoints(record.sandboxId)) {
		if (endpoint.networkId !== networkId) continue;
		await parts.netd.disconnect(endpoint.id);
		ports.push(...endpoint.ports);
	}
	await refreshFiles(parts, record);
	return ports;
}
