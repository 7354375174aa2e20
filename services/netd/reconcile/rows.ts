/** What an operation left half done: rows that are `creating` are undone, rows that are `deleting` are brought to their end. */
import type { Endpoints } from "../endpoints.ts";
import type { Networks } from "../networks.ts";
import type { Parts } from "../parts.ts";
import type { Predefined } from "../predefined.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { Problems } from "./problems.ts";

export interface UseCases {
	readonly networks: Networks;
	readonly sandboxes: Sandboxes;
	readonly endpoints: Endpoints;
	readonly predefined: Predefined;
}

const UNFINISHED = [["state IN ('creating', 'deleting')"]] as const;

/** Endpoints before their sandboxes and networks. What is locked is somebody's work, and passed over. */
export async function finishRows(parts: Parts, useCases: UseCases, problems: Problems): Promise<void> {
	const { records, log } = parts;
	for (const { id, sandboxId } of records.endpoints(UNFINISHED)) {
		await problems.guard(`finish the endpoint ${id}`, () =>
			exclusively(parts, sandboxId, async () => {
				const endpoint = records.endpoint(id);
				const sandbox = records.sandbox(sandboxId);
				// With its sandbox it ends together.
				if (!isUnfinished(endpoint) || sandbox === undefined || isUnfinished(sandbox)) return true;
				log.info("finishing an endpoint", { endpoint: id, state: endpoint.status.state });
				return useCases.endpoints.finish(endpoint, sandbox);
			}),
		);
	}
	for (const { id } of records.sandboxes(UNFINISHED)) {
		await problems.guard(`finish the sandbox ${id}`, () =>
			exclusively(parts, id, async () => {
				const sandbox = records.sandbox(id);
				if (!isUnfinished(sandbox)) return true;
				log.info("finishing a sandbox", { sandbox: id, state: sandbox.status.state });
				return useCases.sandboxes.finish(sandbox);
			}),
		);
	}
	for (const { id } of records.networks(UNFINISHED)) {
		await problems.guard(`finish the network ${id}`, () =>
			exclusively(parts, id, async () => {
				const network = records.network(id);
				// The default one is made again, under its id.
				if (!isUnfinished(network) || network.predefined) return true;
				log.info("finishing a network", { network: id, state: network.status.state });
				return useCases.networks.finish(network);
			}),
		);
	}
}

function isUnfinished<T extends { readonly status: { readonly state: string } }>(thing: T | undefined): thing is T {
	return thing?.status.state === "creating" || thing?.status.state === "deleting";
}

async function exclusively(parts: Parts, id: string, body: () => Promise<boolean>): Promise<boolean> {
	using turn = parts.locks.tryTake(id);
	return turn === undefined ? true : body();
}
