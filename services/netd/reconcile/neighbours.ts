/** What somebody has written about who has an endpoint's address, where that keeps the host from it. All else is not ours. */
import type { Parts } from "../parts.ts";
import { IS_THERE } from "../status.ts";

export function correctNeighbours({ kernel, records, drivers, log }: Parts): void {
	const written = Map.groupBy(kernel.links.writtenNeighbours(), (one) => one.interface);
	if (written.size === 0) return;
	for (const network of records.networks([[IS_THERE]])) {
		const link = drivers.linked(network)?.hostLink(network);
		const here = link && written.get(link);
		if (link === undefined || here === undefined) continue;
		for (const { id, addresses, mac } of records.endpoints([["network_id = ?", network.id]])) {
			for (const { ip } of addresses) {
				const one = here.find((neighbour) => neighbour.ip.equals(ip));
				if (mac === undefined || one === undefined) continue;
				if (!kernel.links.ensureReachable({ interface: link, ip, mac })) continue;
				const wrong = { endpoint: id, interface: link, address: ip.toString(), mac: one.mac };
				log.warn("removed what somebody had written of an endpoint's address", wrong);
			}
		}
	}
}
