/** Which priority an endpoint may have among those of its sandbox. Pure. */
import { faults } from "./faults.ts";
import type { Network } from "./network.ts";
import { type Attachment, gatewayOf } from "./sandbox-view.ts";

/** Refuses a second highest priority that somebody chose: both are to have one and the same default route. */
export function refuseContradiction(
	{ network, gatewayPriority: priority }: { readonly network: Network; readonly gatewayPriority: number },
	others: readonly Attachment[],
): void {
	if (priority === 0) return;
	for (const family of [4, 6] as const) {
		if (gatewayOf(network, family) === undefined) continue;
		const rivals = others.filter((other) => gatewayOf(other.network, family) !== undefined);
		const equal = rivals.find(({ endpoint }) => endpoint.gatewayPriority === priority);
		if (equal === undefined || rivals.some(({ endpoint }) => endpoint.gatewayPriority > priority)) continue;
		const metadata = { priority: String(priority), network: equal.network.name };
		throw faults.GATEWAY_PRIORITY_TAKEN(metadata, { field: "gateway_priority" });
	}
}
