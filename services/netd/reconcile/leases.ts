/** What netd holds at the allocator, compared with the rows: what nobody needs is given back, what is missing is taken again. */
import { setImmediate } from "node:timers/promises";
import { subnetOf } from "../network.ts";
import type { Parts } from "../parts.ts";
import { IS_THERE } from "../status.ts";
import type { Problems } from "./problems.ts";

/**
 * Asked first, and the rows read afterwards: a row comes before what is taken for it. It goes while that is given back, so what is on
 * its way is released twice, and only the one that finds it has found a stray.
 */
export async function settleLeases({ allocator, records, log }: Parts, problems: Problems): Promise<void> {
	await problems.guard("compare leases", async () => {
		const leases = await allocator.leases();
		for (const lease of leases) {
			// A network's are the host's own addresses on it.
			if (records.endpoint(lease.owner) !== undefined || records.network(lease.owner) !== undefined) continue;
			await problems.guard("release a lease", async () => {
				if (!(await allocator.releaseAddress(lease))) return;
				log.warn("a stray lease was released", { address: lease.address.toString(), owner: lease.owner });
			});
		}
		const held = new Set(leases.map(({ owner, address }) => `${owner} ${address}`));
		for (const endpoint of records.endpoints([[IS_THERE]])) {
			const network = records.network(endpoint.networkId);
			for (const { ip } of endpoint.addresses) {
				const subnet = network && subnetOf(network, ip.family);
				if (subnet === undefined || held.has(`${endpoint.id} ${ip}`)) continue;
				log.warn("taking a lease again", { address: ip.toString(), endpoint: endpoint.id });
				const spec = { subnetId: subnet.id, owner: endpoint.id, address: ip, mac: endpoint.mac, name: "" };
				await problems.guard("take a lease again", async () => void (await allocator.takeAddress(spec)));
			}
		}
		for (const network of records.networks([[`${IS_THERE} AND host_side != '{}'`]])) {
			for (const { ip } of network.hostAddresses) {
				const subnet = subnetOf(network, ip.family);
				if (subnet === undefined || held.has(`${network.id} ${ip}`)) continue;
				log.warn("taking a lease again", { address: ip.toString(), network: network.id });
				const spec = { subnetId: subnet.id, owner: network.id, address: ip, mac: undefined, name: network.name };
				await problems.guard("take a lease again", async () => void (await allocator.takeAddress(spec)));
			}
		}
		await setImmediate();
	});
	await problems.guard("compare subnets", async () => {
		const owners = new Set((await allocator.subnets()).map(({ owner }) => owner));
		for (const owner of owners) {
			if (records.network(owner) !== undefined) continue;
			log.warn("releasing the subnets of a network that is gone", { owner });
			await problems.guard("release subnets", () => allocator.releaseSubnets(owner));
		}
	});
}
