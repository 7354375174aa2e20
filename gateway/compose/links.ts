/**
 * Links: other containers under names that one container alone sees.
 *
 * On a network that resolves names netd is told of them, and they follow whoever has the name. On `bridge`, which resolves none, they
 * are Docker's older ones: lines in /etc/hosts, and the other's ports and environment in the linking container's environment.
 */
import type { Link, NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";
import { isFault } from "#lib/fault/fault.ts";
import { gatewayFaults } from "../faults.ts";
import type { HostsEntry } from "../files/hosts.ts";
import { withoutPrefix } from "../files/generated-files.ts";
import type { Parts } from "../parts.ts";
import { type ContainerRecord, hostnameOf } from "./container.ts";

/** netd's name of the network that it makes itself, and on which it resolves no names. */
const DEFAULT_BRIDGE = "bridge";

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
	const aliases = links.map(({ alias }) => alias.toLowerCase());
	const twice = links.find(({ alias }, index) => aliases.indexOf(alias.toLowerCase()) !== index);
	if (twice !== undefined) throw gatewayFaults.LINK_TWICE({ alias: twice.alias });
	return { attachment: { ...attachment, network: network.name, links }, warnings };
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

/** Those on `bridge`. */
export function bridgeLinks({ spec }: Pick<ContainerRecord, "spec">): readonly Link[] {
	return spec.networks.find(({ network }) => network === DEFAULT_BRIDGE)?.links ?? [];
}

/** Another container that runs, and the name for it. */
interface Linked {
	readonly alias: string;
	readonly other: ContainerRecord;
}

/** The containers that it is linked to on `bridge`. LINKED_NOT_RUNNING. */
export function runningLinked({ table }: Pick<Parts, "table">, record: ContainerRecord): Linked[] {
	return bridgeLinks(record).map(({ container, alias }) => {
		const other = table.findByName(container);
		if (other?.state === "RUNNING") return { alias, other };
		throw gatewayFaults.LINKED_NOT_RUNNING({ container: record.name, other: container });
	});
}

/** Lines of /etc/hosts for those of its links on `bridge` that run now. */
export async function linkedEntries(parts: Parts, record: ContainerRecord): Promise<HostsEntry[]> {
	const entries: HostsEntry[] = [];
	for (const { container, alias } of bridgeLinks(record)) {
		const other = parts.table.findByName(container);
		if (other?.state !== "RUNNING") continue;
		const names = [...new Set([alias, hostnameOf(other), other.name, other.id.slice(0, 12)])];
		const endpoints = await parts.netd.endpoints(other.sandboxId);
		const addresses = endpoints.find(({ networkName }) => networkName === DEFAULT_BRIDGE)?.addresses ?? [];
		entries.push(...addresses.map((address) => ({ address: withoutPrefix(address), names })));
	}
	return entries;
}

/** What Docker gives a linking container of the other's ports and environment. */
export async function linkEnvironment(parts: Parts, record: ContainerRecord, linked: readonly Linked[]) {
	const entries: string[] = [];
	for (const { alias, other } of linked) {
		const endpoints = await parts.netd.endpoints(other.sandboxId);
		const addresses = endpoints.find(({ networkName }) => networkName === DEFAULT_BRIDGE)?.addresses ?? [];
		const address = withoutPrefix(addresses.find((one) => !one.includes(":")) ?? addresses[0] ?? "");
		entries.push(...environmentOf({ alias, address, name: record.name, other }));
	}
	return entries;
}

export interface LinkView {
	readonly alias: string;
	readonly address: string;
	/** The linking container's. */
	readonly name: string;
	readonly other: Pick<ContainerRecord, "spec">;
}

/** Source: moby `daemon/links/links.go`. */
export function environmentOf({ alias, address, name, other }: LinkView): string[] {
	const prefix = alias.toUpperCase().replaceAll("-", "_");
	const ports = portsOf(other);
	const [first] = ports;
	const url = ({ port, protocol }: Exposed): string => `${protocol}://${address}:${port}`;
	const keyOf = ({ port, protocol }: Exposed): string => `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
	const each = ports.flatMap((one) => {
		const { port, protocol } = one;
		const key = keyOf(one);
		return [`${key}=${url(one)}`, `${key}_ADDR=${address}`, `${key}_PORT=${port}`, `${key}_PROTO=${protocol}`];
	});
	const ranges = rangesOf(ports).flatMap(([start, end]) => {
		const key = keyOf(start);
		const [from, to] = [`${key}_START=${url(start)}`, `${key}_END=${url(end)}`];
		return [from, `${key}_PORT_START=${start.port}`, to, `${key}_PORT_END=${end.port}`];
	});
	const theirs = other.spec.environment.filter((entry) => !/^(HOME|PATH)=/.test(entry));
	return [
		...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
		...each,
		...ranges,
		`${prefix}_NAME=/${name}/${alias}`,
		...theirs.map((entry) => `${prefix}_ENV_${entry}`),
	];
}

interface Exposed {
	readonly port: number;
	readonly protocol: string;
}

/** The first and last of ports in a row, of one transport; a port alone is none. */
function rangesOf(ports: readonly Exposed[]): (readonly [start: Exposed, end: Exposed])[] {
	const ranges: [Exposed, Exposed][] = [];
	for (const one of ports) {
		const last = ranges.at(-1);
		const isNext = last?.[1].port === one.port - 1 && last[1].protocol === one.protocol;
		if (last !== undefined && isNext) last[1] = one;
		else ranges.push([one, one]);
	}
	return ranges.filter(([start, end]) => start !== end);
}

/** By number, TCP before others of the same. */
function portsOf({ spec }: Pick<ContainerRecord, "spec">): Exposed[] {
	const all = spec.ports.map(({ containerPort: port, protocol }) => ({
		port,
		protocol: protocol === "PROTOCOL_UNSPECIFIED" ? "tcp" : protocol.replace("PROTOCOL_", "").toLowerCase(),
	}));
	const order = (one: Exposed): string =>
		`${String(one.port).padStart(5, "0")}${one.protocol === "tcp" ? "" : one.protocol}`;
	return [...new Map(all.map((one) => [order(one), one])).entries()]
		.toSorted(([one], [other]) => (one < other ? -1 : 1))
		.map(([, one]) => one);
}
