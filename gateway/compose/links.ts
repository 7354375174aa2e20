/**
 * Links: other containers under names that one container alone sees.
 *
 * On a network that resolves names netd is told of them, and they follow whoever has the name. On `bridge`, which resolves none, they
 * are Docker's older ones: lines in /etc/hosts, and the other's ports and environment in the linking container's environment.
 */
import type { Link, NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";
import { isFault } from "#lib/fault/fault.ts";
import { bridgeLinks, DEFAULT_BRIDGE } from "../default-bridge.ts";
import { gatewayFaults } from "../faults.ts";
import type { HostsEntry } from "../files/hosts.ts";
import { withoutPrefix } from "../files/generated-files.ts";
import type { Parts } from "../parts.ts";
import { type ContainerRecord, hostnameOf } from "./container.ts";
import { environmentOf } from "./link-environment.ts";

export interface ResolvedLinks {
	readonly attachment: NetworkAttachment;
	/** One sentence each. */
	readonly warnings: readonly string[];
}

/** Each with the other's name, and an alias. CONTAINER_NOT_FOUND and LINKED_ELSEWHERE on `bridge`; LINK_TWICE. */
export function resolveLinks(
	{ table }: Pick<Parts, "table">,
	attachment: NetworkAttachment,
	network: Network,
): ResolvedLinks {
	const warnings: string[] = [];
	const links = attachment.links.map(({ container, alias }): Link => {
		const found = network.resolvesNames ? find({ table }, container) : table.get(container);
		const name = found?.name ?? container;
		if (!network.resolvesNames) refuseElsewhere(found, network);
		else if (found === undefined) {
			warnings.push(`There is no container ${name} yet: its link works once there is one on network ${network.name}.`);
		}
		return { container: name, alias: alias || name };
	});
	refuseTwins(links);
	return { attachment: { ...attachment, network: network.name, links }, warnings };
}

function refuseTwins(links: readonly Link[]): void {
	const known = new Set<string>();
	for (const { alias } of links) {
		const name = alias.toLowerCase();
		if (known.has(name)) throw gatewayFaults.LINK_TWICE({ alias });
		known.add(name);
	}
}

function refuseElsewhere(other: ContainerRecord | undefined, { id, name: network }: Network): void {
	if (other === undefined || other.networkIds.includes(id)) return;
	throw gatewayFaults.LINKED_ELSEWHERE({ container: other.name, network });
}

function find({ table }: Pick<Parts, "table">, reference: string): ContainerRecord | undefined {
	try {
		return table.get(reference);
	} catch (error) {
		if (isFault(error, "CONTAINER_NOT_FOUND")) return undefined;
		throw error;
	}
}

/** As netd has them: each name with that of its container. Those on `bridge` are not its. */
export function namedLinks({ network, links }: Pick<NetworkAttachment, "network" | "links">): Record<string, string> {
	if (network === DEFAULT_BRIDGE) return {};
	return Object.fromEntries(links.map(({ container, alias }) => [alias, container]));
}

/** Another container that runs, and the name for it. */
interface Linked {
	readonly alias: string;
	readonly other: ContainerRecord;
}

/** The containers that it is linked to on `bridge`. LINKED_NOT_RUNNING. */
export function runningLinked({ table }: Pick<Parts, "table">, record: ContainerRecord): Linked[] {
	return bridgeLinks(record.spec.networks).map(({ container, alias }) => {
		const other = table.findByName(container);
		if (other?.state === "RUNNING") return { alias, other };
		throw gatewayFaults.LINKED_NOT_RUNNING({ container: record.name, other: container });
	});
}

/** Lines of /etc/hosts for those of its links on `bridge` that run now. */
export async function linkedEntries(
	parts: Pick<Parts, "netd" | "table">,
	record: ContainerRecord,
): Promise<HostsEntry[]> {
	const entries: HostsEntry[] = [];
	for (const { container, alias } of bridgeLinks(record.spec.networks)) {
		const other = parts.table.findByName(container);
		if (other?.state !== "RUNNING") continue;
		const names = [...new Set([alias, hostnameOf(other), other.name, other.id.slice(0, 12)])];
		const addresses = await addressesOf(parts.netd, other);
		entries.push(...addresses.map((address) => ({ address, names })));
	}
	return entries;
}

/** What they tell of themselves in its environment. LINKED_NOT_RUNNING, LINKED_ELSEWHERE. */
export async function linkEnvironment(
	parts: Pick<Parts, "netd" | "table">,
	record: ContainerRecord,
): Promise<string[]> {
	const entries: string[] = [];
	for (const { alias, other } of runningLinked(parts, record)) {
		const addresses = await addressesOf(parts.netd, other);
		const address = addresses.find((one) => !one.includes(":")) ?? addresses[0];
		if (address === undefined) {
			throw gatewayFaults.LINKED_ELSEWHERE({ container: other.name, network: DEFAULT_BRIDGE });
		}
		entries.push(...environmentOf({ alias, address, name: record.name, other }));
	}
	return entries;
}

async function addressesOf(netd: Parts["netd"], { sandboxId }: ContainerRecord): Promise<string[]> {
	// One on the host's network has no sandbox.
	const endpoints = sandboxId === "" ? [] : await netd.endpoints(sandboxId);
	const { addresses = [] } = endpoints.find(({ networkName }) => networkName === DEFAULT_BRIDGE) ?? {};
	return addresses.map(withoutPrefix);
}
