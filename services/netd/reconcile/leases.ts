/** What netd holds at the allocator, compared with the rows: what nobody needs is given back, what is missing is taken again. */
import { setImmediate } from "node:timers/promises";
import type { IpInterface } from "#lib/address/cidr.ts";
import type { AddressesSpec } from "../allocator.ts";
import { type Network, subnetOf } from "../network.ts";
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
		await problems.guard("release stray leases", async () => {
			// A network's are the host's own addresses on it.
			const strays = leases.filter(
				({ owner }) => records.endpoint(owner) === undefined && records.network(owner) === undefined,
			);
			for (const { address, owner } of strays.length === 0 ? [] : await allocator.releaseAddresses(strays))
				log.warn("a stray lease was released", { address: address.toString(), owner });
		});
		const held = new Set(leases.map(({ owner, address }) => `${owner} ${address}`));
		for (const { kind, owner, network, addresses, mac, name } of holdings(records)) {
			for (const { ip } of addresses) {
				const subnet = subnetOf(network, ip.family);
				if (subnet === undefined || held.has(`${owner} ${ip}`)) continue;
				log.warn("taking a lease again", { address: ip.toString(), [kind]: owner });
				const spec = { owner, wishes: [{ subnetId: subnet.id, address: ip }], mac, name };
				await problems.guard("take a lease again", async () => void (await allocator.takeAddresses(spec)));
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

/** The addresses that a row says somebody has: an endpoint, or the host itself on a network. */
interface Holding extends Pick<AddressesSpec, "owner" | "mac" | "name"> {
	readonly kind: "endpoint" | "network";
	readonly network: Network;
	readonly addresses: readonly IpInterface[];
}

function* holdings(records: Parts["records"]): Generator<Holding> {
	for (const { id: owner, networkId, addresses, mac } of records.endpoints([[IS_THERE]])) {
		const network = records.network(networkId);
		if (network !== undefined) yield { kind: "endpoint", owner, network, addresses, mac, name: "" };
	}
	for (const network of records.networks([[`${IS_THERE} AND host_side != '{}'`]])) {
		const { id: owner, hostAddresses: addresses, name } = network;
		yield { kind: "network", owner, network, addresses, mac: undefined, name };
	}
}
