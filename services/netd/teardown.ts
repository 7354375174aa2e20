/**
 * The end of an endpoint's effects, the same for a disconnect, the end of its sandbox, and what a crash left.
 *
 * Every step is taken whatever the others did; each is a success where there is nothing to take back. The row is the caller's:
 * it goes when all steps in the kernel succeeded, and stays `deleting` otherwise. The addresses are given back meanwhile: a lease
 * whose endpoint is gone is released by reconciliation.
 */
import { killPoint } from "#lib/config/kill-point.ts";
import { attachmentOf } from "./attachments.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Parts } from "./parts.ts";
import { publicationsOf, shortcutsOf, shortcutsWithout } from "./publications.ts";
import type { Sandbox } from "./sandbox.ts";
import { defaultRoutes, sourceRoutes } from "./sandbox-view.ts";
import { isThere } from "./status.ts";
import { collect } from "#lib/concurrency/undo.ts";

type Needs = Pick<Parts, "kernel" | "drivers" | "records" | "allocator" | "reservations" | "reaper" | "log">;

/** Somebody else's processes are in its namespace, or may be: that stays when the sandbox goes, and keeps nothing of ours. */
export function isOutlived({ records }: Pick<Parts, "records">, { id, adopted }: Sandbox): boolean {
	return adopted || records.joinedTo(id).length > 0;
}

/** True when nothing of it is left but what the reaper removes. `ending`: the sandbox goes as well, so its routes do not matter. */
export function takeDown(
	parts: Needs,
	endpoint: Endpoint,
	sandbox: Sandbox,
	{ ending }: { ending: boolean },
): Promise<boolean> {
	const { kernel, drivers, records, log } = parts;
	const { network } = attachmentOf(records, endpoint);
	const { netnsPath } = sandbox;
	const driver = drivers.getLinked(network);
	const all = records.endpointsOf(sandbox.id).map((one) => attachmentOf(records, one));
	const others = all.filter((one) => one.endpoint.id !== endpoint.id);
	return collect(
		[
			() => kernel.firewall.removePublished(publicationsOf(endpoint, driver.reachOf(network)), []),
			() => kernel.firewall.removeShortcuts(shortcutsWithout(shortcutsOf(drivers, all), shortcutsOf(drivers, others))),
			() => driver.parkLink({ network, endpoint, netnsPath }, { ending }),
			() => {
				if ((ending && !isOutlived(parts, sandbox)) || !kernel.namespaces.isNamespace(sandbox.netnsPath)) return;
				if (ending) return kernel.links.ensureSourceRoutes(sandbox.netnsPath, []);
				const staying = others.filter(({ endpoint: other }) => isThere(other));
				kernel.links.ensureDefaultRoutes(sandbox.netnsPath, defaultRoutes(staying));
				if (others.length === 0) return;
				kernel.links.ensureSourceRoutes(sandbox.netnsPath, sourceRoutes(staying));
			},
			() => killPoint("netd.teardown.parked"),
		],
		(error) => log.error("a part of an endpoint could not be removed", { endpoint: endpoint.id, err: error }),
	);
}

/** Addresses at which nothing of ours answers any more are anybody's. True when all are released. */
export async function releaseLeases(parts: Needs, endpoints: readonly Endpoint[]): Promise<boolean> {
	const { records, allocator, log } = parts;
	const held = endpoints.flatMap((endpoint) =>
		attachmentOf(records, endpoint).network.subnets.map(({ id: subnetId }) => ({ subnetId, owner: endpoint.id })),
	);
	if (held.length === 0) return true;
	const owners = endpoints.map(({ id }) => id);
	const released = await collect([async () => void (await allocator.releaseAddresses(held))], (error) =>
		log.error("addresses could not be released", { endpoints: owners, err: error }),
	);
	killPoint("netd.teardown.released");
	return released;
}

/** What is given up once the row is gone: nobody else may have a port, or the link's name, before that. */
export function giveUp(parts: Needs, endpoint: Endpoint): void {
	parts.reservations.release(endpoint.ports);
	parts.reaper.removeFlows(
		endpoint.ports,
		endpoint.addresses.map(({ ip }) => ip),
	);
}
