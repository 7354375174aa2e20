/** A container leaves a network: at once when it runs. */
import type { Port } from "#gen/wharf/network/v1/endpoint.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import type { ContainerRecord, LiveContainer } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { disconnectFrom, settledRecord } from "./connect.ts";
import { endpointsOf } from "./observe.ts";
import { publisherOf } from "./publisher.ts";
import { tellLinking } from "./surroundings.ts";

export interface DisconnectInput {
	readonly reference: string;
	readonly network: string;
}

export async function disconnect(
	parts: Parts,
	input: DisconnectInput,
	call: Mutation<LiveContainer>,
): Promise<LiveContainer> {
	const { id } = parts.table.get(input.reference);
	const left = await disconnectOne(parts, id, input, call);
	await tellLinking(parts, left.record.name);
	return left;
}

async function disconnectOne(
	parts: Parts,
	id: string,
	input: DisconnectInput,
	call: Mutation<LiveContainer>,
): Promise<LiveContainer> {
	const { store, table } = parts;
	using _ = await parts.locks.take(id);
	const record = settledRecord(parts, id);
	const index = await indexOf(parts, record, input.network, call.signal);
	const networkId = record.networkIds[index];
	if (networkId === undefined) {
		throw gatewayFaults.NOT_CONNECTED({ container: record.name, network: input.network });
	}
	const others = <T>(all: readonly T[]): T[] => all.filter((_, at) => at !== index);
	const networkIds = others(record.networkIds);
	const spec = { ...record.spec, networks: others(record.spec.networks) };
	const publisher = spec.ports.length === 0 ? undefined : await publisherOf(parts, { spec, networkIds }, call.signal);
	const left =
		record.state === "RUNNING" ? await disconnectFrom(parts, { ...record, spec, networkIds }, networkId) : [];
	const moved = await publish(parts, record, left, publisher);
	const change = { spec: { ...spec, ports: moved ? record.spec.ports : [] }, networkIds };
	const result: LiveContainer = { record: { ...record, ...change }, endpoints: await endpointsOf(parts, record) };
	await store.write([table.update(id, change), ...call.answer(result)], "container.disconnected");
	return result;
}

/** On the network that is to have them now; false: they cannot be there, and are the container's no longer. */
async function publish(
	{ netd, log }: Parts,
	{ id, sandboxId }: ContainerRecord,
	ports: readonly Port[],
	networkId: string | undefined,
): Promise<boolean> {
	if (networkId === undefined) return false;
	if (ports.length === 0) return true;
	try {
		const endpoint = (await netd.endpoints(sandboxId)).find((one) => one.networkId === networkId);
		if (endpoint !== undefined) await netd.publishPorts(endpoint.id, ports);
		return endpoint !== undefined;
	} catch (err) {
		log.warn("a container's ports could not be published on another of its networks", { container: id, err });
		return false;
	}
}

/** By the name or id that the record has, or else by what netd knows; -1: it is not on it. A network that is gone can be left. */
async function indexOf(
	{ netd }: Parts,
	{ spec, networkIds }: ContainerRecord,
	reference: string,
	signal: AbortSignal,
): Promise<number> {
	const known = spec.networks.findIndex(({ network }, at) => network === reference || networkIds[at] === reference);
	if (known >= 0) return known;
	try {
		return networkIds.indexOf((await netd.network(reference, signal)).id);
	} catch (error) {
		if (isFault(error, "NETWORK_NOT_FOUND")) return -1;
		throw error;
	}
}
