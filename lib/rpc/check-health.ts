/** Asks a service how it is; a missing service is an answer too. */
import { isFault } from "#lib/fault/fault.ts";
import type { Address } from "./address.ts";
import { client } from "./client.ts";
import { HealthService, ServingStatus } from "./health-definition.ts";

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNREACHABLE";

const DEFAULT_TIMEOUT_MS = 1_000;

/** UNREACHABLE also where it does not answer in time. */
export async function checkHealth(address: Address, o: { timeoutMs?: number } = {}): Promise<HealthStatus> {
	using health = client(HealthService, address, { timeoutMs: o.timeoutMs ?? DEFAULT_TIMEOUT_MS });
	try {
		const { status } = await health.check({ service: "" });
		return status === ServingStatus.SERVING ? "SERVING" : "NOT_SERVING";
	} catch (error) {
		if (isFault(error)) return isFault(error, "SHUTTING_DOWN") ? "NOT_SERVING" : "UNREACHABLE";
		throw error;
	}
}
