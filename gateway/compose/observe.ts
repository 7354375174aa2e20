/** Containers as they are now: their records, and what netd says of their endpoints. */
import type { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import { isFault } from "#lib/fault/fault.ts";
import { type PageRequest, pageOf } from "#lib/rpc/page.ts";
import type { ContainerRecord, LiveContainer } from "./container.ts";
import type { Parts } from "../parts.ts";

export async function get(parts: Parts, reference: string): Promise<LiveContainer> {
	const record = parts.table.get(reference);
	return { record, endpoints: await endpointsOf(parts, record) };
}

export interface ListQuery {
	readonly page: PageRequest;
	readonly all: boolean;
}

export interface Listing {
	readonly containers: readonly LiveContainer[];
	/** Where the next page begins, of older ones; undefined: that was all. */
	readonly next: number | undefined;
}

/** Newest first. */
export async function list(parts: Parts, { page: { after, limit }, all }: ListQuery): Promise<Listing> {
	const { items: shown, next } = pageOf(parts.table.page(after, limit + 1, all), limit, ({ row }) => row);
	const bySandbox = Map.groupBy(
		shown.some(({ record }) => record.sandboxId !== "") ? await whileAway(parts, () => parts.netd.allEndpoints()) : [],
		({ sandboxId }) => sandboxId,
	);
	return {
		containers: shown.map(({ record }) => ({ record, endpoints: bySandbox.get(record.sandboxId) ?? [] })),
		next,
	};
}

export async function endpointsOf(parts: Parts, { sandboxId }: ContainerRecord): Promise<Endpoint[]> {
	return sandboxId === "" ? [] : whileAway(parts, () => parts.netd.endpoints(sandboxId));
}

/** Containers are listed while netd is away as well: without their endpoints, and the log says so. */
async function whileAway({ log }: Parts, ask: () => Promise<Endpoint[]>): Promise<Endpoint[]> {
	try {
		return await ask();
	} catch (error) {
		if (!isFault(error, "SERVICE_UNAVAILABLE")) throw error;
		log.warn("netd is away: containers are shown without their endpoints");
		return [];
	}
}
