/** What a container's generated files say, as of now; and how those of a running one come to say it. */
import type { Network } from "#gen/wharf/network/v1/network.ts";
import { isFault } from "#lib/fault/fault.ts";
import { gatewayFaults } from "../faults.ts";
import { GeneratedFiles, type Surroundings, withoutPrefix } from "../files/generated-files.ts";
import type { Parts } from "../parts.ts";
import type { Endpoint, Sandbox } from "../peers/netd.ts";
import { type ContainerRecord, networkMode } from "./container.ts";
import { linkedEntries } from "./links.ts";

/** What netd has of a container. */
export interface Legs {
	/** Undefined: it has the host's network. */
	readonly sandbox: Sandbox | undefined;
	readonly endpoints: readonly Endpoint[];
}

export async function surroundingsOf(
	parts: Parts,
	record: ContainerRecord,
	{ sandbox, endpoints }: Legs,
): Promise<Surroundings> {
	return {
		record,
		endpoints,
		resolver: sandbox?.resolver ?? "",
		dnsServers: sandbox?.dnsServers ?? record.spec.dns?.servers ?? [],
		hostGateways: await hostGateways(parts, record),
		linked: await linkedEntries(parts, record),
	};
}

/** Of a container that runs, and whose turn is the caller's. */
export async function refreshFiles(parts: Parts, record: ContainerRecord): Promise<void> {
	const { netd, roots } = parts;
	const [sandbox, endpoints] = await Promise.all([netd.sandbox(record.sandboxId), netd.endpoints(record.sandboxId)]);
	await new GeneratedFiles(roots.dir(record.id)).follow(await surroundingsOf(parts, record, { sandbox, endpoints }));
}

/** Containers that run and are linked to one of this name on `bridge` learn its address, or that it has none. Nobody's turn is the caller's. */
export async function tellLinking(parts: Parts, name: string): Promise<void> {
	const { table, locks, log } = parts;
	for (const id of table.linkedTo(name)) {
		using _ = await locks.take(id);
		const linking = table.find(id);
		if (linking?.state !== "RUNNING" || linking.sandboxId === "") continue;
		await refreshFiles(parts, linking).catch((error: unknown) => {
			log.warn("a container's /etc/hosts could not follow a link", { container: id, linked: name, err: error });
		});
	}
}

/** Before anything is made. NO_HOST_GATEWAY. */
export async function refuseNoHostGateway(parts: Parts, record: ContainerRecord, signal: AbortSignal): Promise<void> {
	const asker = asksForHost(record);
	if (asker === undefined || (await hostGateways(parts, record, signal)).length > 0) return;
	throw gatewayFaults.NO_HOST_GATEWAY({ container: record.name, name: asker });
}

/** The first name that is to be the host's; undefined: none is. */
function asksForHost({ spec }: ContainerRecord): string | undefined {
	return spec.extraHosts.find(({ address }) => address === "host-gateway")?.name;
}

/** The host's addresses on the container's networks, one a family: on the network of the default route before others. */
async function hostGateways(
	{ netd }: Pick<Parts, "netd">,
	record: ContainerRecord,
	signal?: AbortSignal,
): Promise<string[]> {
	const { spec, networkIds } = record;
	if (asksForHost(record) === undefined) return [];
	if (networkMode(spec) === "host") return ["127.0.0.1"];
	const priority = (index: number): number => spec.networks[index]?.gatewayPriority ?? 0;
	const order = [...networkIds.keys()].toSorted((one, other) => priority(other) - priority(one));
	const addresses: string[] = [];
	for (const index of order) {
		const network = await findNetwork(netd, networkIds[index] ?? "", signal);
		if (network !== undefined) addresses.push(...hostAddressesOn(network));
	}
	const families = [addresses.find((one) => !one.includes(":")), addresses.find((one) => one.includes(":"))];
	return families.filter((one) => one !== undefined);
}

/** On a bridge of its own the host has the gateways. */
function hostAddressesOn({ publishes, subnets, hostAddresses }: Network): string[] {
	const gateways = publishes ? subnets.map(({ gateway }) => gateway).filter((gateway) => gateway !== "") : [];
	return [...hostAddresses.map(withoutPrefix), ...gateways];
}

/** Undefined: it is gone. */
async function findNetwork(netd: Parts["netd"], id: string, signal?: AbortSignal): Promise<Network | undefined> {
	try {
		return await netd.network(id, signal);
	} catch (error) {
		if (isFault(error, "NETWORK_NOT_FOUND")) return undefined;
		throw error;
	}
}
