/** A container leaves a network: at once when it runs. */
import { isFault } from "#lib/fault/fault.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import type { ContainerRecord, LiveContainer } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { disconnectFrom, settledRecord } from "./connect.ts";
import { endpointsOf } from "./observe.ts";

export interface DisconnectInput {
	readonly reference: string;
	readonly network: string;
}

export async function disconnect(
	parts: Parts,
	input: DisconnectInput,
	call: Mutation<LiveContainer>,
): Promise<LiveContainer> {
	const { store, table } = parts;
	const { id } = table.get(input.reference);
	using _ = await parts.locks.take(id);
	const record = settledRecord(parts, id);
	const index = await indexOf(parts, record, input.network, call.signal);
	const networkId = record.networkIds[index];
	if (networkId === undefined) {
		throw gatewayFaults.NOT_CONNECTED({ container: record.name, network: input.network });
	}
	if (record.state === "RUNNING") await disconnectFrom(parts, record, networkId);
	const others = <T>(all: readonly T[]): T[] => all.filter((_, at) => at !== index);
	const change = {
		spec: { ...record.spec, networks: others(record.spec.networks), ports: index === 0 ? [] : record.spec.ports },
		networkIds: others(record.networkIds),
	};
	const result: LiveContainer = { record: { ...record, ...change }, endpoints: await endpointsOf(parts, record) };
	await store.write([table.update(id, change), ...call.answer(result)], "container.disconnected");
	return result;
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
