/** Asks a service how it is; a missing service is an answer too. */
import { isFault } from "#lib/fault/fault.ts";
import type { Address } from "./address.ts";
import { client, type ClientOf } from "./client.ts";
import { HealthService, ServingStatus } from "./health-definition.ts";

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNREACHABLE";

const DEFAULT_TIMEOUT_MS = 1_000;

/**
 * One client per address for the life of the process: grpc-js (1.14) never gives up a connection whose peer accepts and says nothing,
 * so a new client for each question would leave a socket at each question to a service that hangs.
 */
const probes = new Map<string, ClientOf<typeof HealthService>>();

function probe(address: Address): ClientOf<typeof HealthService> {
	const key = JSON.stringify(address);
	const known = probes.get(key) ?? client(HealthService, address);
	probes.set(key, known);
	return known;
}

/** UNREACHABLE also where it does not answer in time. */
export async function checkHealth(address: Address, o: { timeoutMs?: number } = {}): Promise<HealthStatus> {
	try {
		const { status } = await probe(address).check({ service: "" }, { timeoutMs: o.timeoutMs ?? DEFAULT_TIMEOUT_MS });
		return status === ServingStatus.SERVING ? "SERVING" : "NOT_SERVING";
	} catch (error) {
		if (isFault(error)) return isFault(error, "SHUTTING_DOWN") ? "NOT_SERVING" : "UNREACHABLE";
		throw error;
	}
}
