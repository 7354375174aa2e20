/** Between the contract's messages and netd's values: what comes in is parsed or refused, what goes out is rendered. */
import type * as endpoint from "#gen/wharf/network/v1/endpoint.ts";
import type * as network from "#gen/wharf/network/v1/network.ts";
import type * as sandbox from "#gen/wharf/network/v1/sandbox.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import { parseMac } from "#lib/address/mac.ts";
import { atField } from "#lib/fault/fault.ts";
import { type PageRequest, parsePage } from "#lib/rpc/page.ts";
import type { SubnetSpec } from "./allocator.ts";
import { writeAuxiliary } from "./auxiliary.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { ConnectSpec, EndpointFilter } from "./endpoints.ts";
import { faults } from "./faults.ts";
import { parseName } from "./id.ts";
import type { Told } from "./names.ts";
import type { Network, Subnet, TextMap } from "./network.ts";
import type { NetworkFilter, NetworkSpec } from "./networks.ts";
import { checkNumber, checkPort, type HostPort, type Port, type Protocol, refuseRepeats } from "./port.ts";
import type { PublishSpec, UnpublishSpec } from "./published-ports.ts";
import { RESOLVER_ADDRESS, type Sandbox } from "./sandbox.ts";
import type { Resolving, SandboxFilter, SandboxSpec } from "./sandboxes.ts";
import type { Status } from "./status.ts";

const MOST_SERVERS = 16;
const MOST_LINKS = 100;

export function parseCreateNetwork(message: network.CreateNetworkRequest): NetworkSpec {
	const given = message.subnets.map((subnet, index) => atField(`subnets[${index}]`, () => parseSubnet(subnet)));
	refuseSecond("subnets", given, ({ family }) => family, faults.TOO_MANY_SUBNETS);
	refuseContradictions(message);
	const wanted: Family[] = message.ipv6 || given.some(({ family }) => family === 6) ? [4, 6] : [4];
	return {
		name: atField("name", () => parseName("a network", message.name)),
		driver: message.driver,
		subnets: wanted.map((family) => given.find((subnet) => subnet.family === family) ?? automatic(family)),
		internal: message.internal,
		attachable: message.attachable,
		options: message.options,
		labels: message.labels,
		configOnly: message.configOnly,
		configFrom: message.configFrom || undefined,
		dnsServers: parseServers(message.dnsServers),
	};
}

function parseServers(texts: readonly string[]): Ip[] {
	refuseMany("DNS servers", texts.length, MOST_SERVERS, "dns_servers");
	return texts.map((text, index) => atField(`dns_servers[${index}]`, () => Ip.parse(text)));
}

/** TOO_MANY_VALUES. `what`: the list, as `links`. */
function refuseMany(what: string, count: number, limit: number, field: string): void {
	if (count <= limit) return;
	throw faults.TOO_MANY_VALUES({ what, count: String(count), limit: String(limit) }, { field });
}

/** A configuration has only what is a network's own; and who takes one has nothing of that beside it. */
function refuseContradictions(message: network.CreateNetworkRequest): void {
	const { configOnly, configFrom, internal, attachable, subnets, ipv6, options, labels, dnsServers } = message;
	const cannot = [
		["internal", "internal", internal],
		["attachable", "attachable", attachable],
		["config_from", "made from another", configFrom !== ""],
	] as const;
	const [field, what] = cannot.find(([, , isSaid]) => configOnly && isSaid) ?? [];
	if (what !== undefined) throw faults.CONFIG_ONLY_CANNOT({ what }, { field });
	const own = [
		["subnets", subnets.length > 0],
		["ipv6", ipv6],
		["options", Object.keys(options).length > 0],
		["labels", Object.keys(labels).length > 0],
		["dns_servers", dnsServers.length > 0],
	] as const;
	const [twice] = own.find(([, isSaid]) => configFrom !== "" && isSaid) ?? [];
	if (twice !== undefined) throw faults.CONFIG_TWICE({ what: twice, config: configFrom }, { field: twice });
}

function automatic(family: Family): SubnetSpec {
	return { family, cidr: undefined, ipRange: undefined, gateway: undefined, auxiliary: {} };
}

/** Without a range it is an IPv4 one, unless its gateway says otherwise. */
function parseSubnet(message: network.SubnetSpec): SubnetSpec {
	const cidr = optional(message.cidr, "cidr", (text) => Cidr.parse(text));
	const ipRange = optional(message.ipRange, "ip_range", (text) => IpRange.parse(text));
	const gateway = optional(message.gateway, "gateway", (text) => Ip.parse(text));
	const auxiliary = Object.entries(message.auxiliaryAddresses).map(
		([name, text]) => [name, atField(`auxiliary_addresses[${name}]`, () => Ip.parse(text))] as const,
	);
	const family = cidr?.family ?? ipRange?.family ?? gateway?.family ?? 4;
	return { family, cidr, ipRange, gateway, auxiliary: Object.fromEntries(auxiliary) };
}

function optional<T>(text: string, field: string, parse: (text: string) => T): T | undefined {
	return text === "" ? undefined : atField(field, () => parse(text));
}

function refuseSecond<T>(
	field: string,
	values: readonly T[],
	familyOf: (value: T) => Family,
	fault: (metadata: { family: string }, details: { field: string }) => Error,
): void {
	for (const family of [4, 6] as const) {
		if (values.filter((value) => familyOf(value) === family).length > 1)
			throw fault({ family: String(family) }, { field });
	}
}

export function parseListNetworks(message: network.ListNetworksRequest): { filter: NetworkFilter; page: PageRequest } {
	const { names, drivers, labels } = message;
	return { filter: { names, drivers, labels }, page: parsePage(message, faults.INVALID_PAGE_TOKEN) };
}

/** `configFrom`: the name of the configuration that it was made from. */
export function renderNetwork(
	value: Network,
	{ configFrom, publishes }: { readonly configFrom: string | undefined; readonly publishes: boolean },
): network.Network {
	return {
		id: value.id,
		name: value.name,
		driver: value.driver,
		scope: "SCOPE_LOCAL",
		...renderStatus(value.status),
		createdAt: value.createdAt,
		subnets: value.config === undefined ? value.subnets.map(renderSubnet) : value.config.flatMap(renderSpec),
		internal: value.internal,
		ipv6: value.ipv6,
		options: { ...value.options },
		labels: { ...value.labels },
		interface: value.interface ?? "",
		resolvesNames: value.resolvesNames,
		attachable: value.attachable,
		configOnly: value.config !== undefined,
		configFrom: configFrom ?? "",
		hostAddresses: value.hostAddresses.map(String),
		publishes,
		dnsServers: value.dnsServers.map(String),
	};
}

/** None for a subnet of which nothing is said. */
function renderSpec({ cidr, ipRange, gateway, auxiliary }: SubnetSpec): network.NetworkSubnet[] {
	const said = {
		subnetId: "",
		cidr: cidr?.toString() ?? "",
		ipRange: ipRange?.toString() ?? "",
		gateway: gateway?.toString() ?? "",
		auxiliaryAddresses: writeAuxiliary(auxiliary),
	};
	const { cidr: range, ipRange: part, gateway: way, auxiliaryAddresses } = said;
	return range + part + way === "" && Object.keys(auxiliaryAddresses).length === 0 ? [] : [said];
}

function renderSubnet({ id, cidr, ipRange, gateway, auxiliary }: Subnet): network.NetworkSubnet {
	return {
		subnetId: id,
		cidr: cidr.toString(),
		ipRange: ipRange?.toString() ?? "",
		gateway: gateway?.toString() ?? "",
		auxiliaryAddresses: writeAuxiliary(auxiliary),
	};
}

const STATES = {
	creating: "STATE_CREATING",
	active: "STATE_ACTIVE",
	deleting: "STATE_DELETING",
	failed: "STATE_FAILED",
} as const;

function renderStatus(status: Status): Pick<network.Network, "state" | "stateReason"> {
	return { state: STATES[status.state], stateReason: status.state === "failed" ? status.reason : "" };
}

export function parseCreateSandbox(message: sandbox.CreateSandboxRequest): SandboxSpec {
	const { holder, owner, name, adoptPath, hostname } = message;
	if (holder === "") throw faults.INVALID_OWNER({ field: "holder" }, { field: "holder" });
	if (owner === "") throw faults.INVALID_OWNER({ field: "owner" }, { field: "owner" });
	refuseTwice(message);
	return {
		holder: atField("holder", () => parseName("a holder", holder)),
		owner: atField("owner", () => parseName("an owner", owner)),
		name: name === "" ? "" : atField("name", () => parseName("a sandbox", name)),
		adoptPath: adoptPath || undefined,
		adoptPid: message.adoptPid || undefined,
		join: message.joinSandboxId || undefined,
		dnsServers: parseServers(message.dnsServers),
		hostname: hostname === "" ? undefined : atField("hostname", () => parseName("a host", hostname)),
	};
}

/** A namespace comes from one place, and what is shared has its name and servers from who had it first. */
function refuseTwice({ adoptPath, adoptPid, joinSandboxId, hostname, dnsServers }: sandbox.CreateSandboxRequest): void {
	const given: readonly (readonly [string, boolean])[] = [
		["join_sandbox_id", joinSandboxId !== ""],
		["adopt_path", adoptPath !== ""],
		["adopt_pid", adoptPid !== 0],
		["hostname", joinSandboxId !== "" && hostname !== ""],
		["dns_servers", joinSandboxId !== "" && dnsServers.length > 0],
	];
	const [one, other] = given.flatMap(([field, isGiven]) => (isGiven ? [field] : []));
	if (one !== undefined && other !== undefined) throw faults.NAMESPACE_TWICE({ one, other }, { field: other });
}

export function parseListSandboxes(message: sandbox.ListSandboxesRequest): {
	filter: SandboxFilter;
	page: PageRequest;
} {
	const { holder, owner } = message;
	return {
		filter: { holder: holder || undefined, owner: owner || undefined },
		page: parsePage(message, faults.INVALID_PAGE_TOKEN),
	};
}

export function renderSandbox(value: Sandbox, { hasResolver, dnsServers }: Resolving): sandbox.Sandbox {
	return {
		id: value.id,
		holder: value.holder,
		owner: value.owner,
		name: value.name,
		netnsPath: value.netnsPath,
		adopted: value.adopted,
		...renderStatus(value.status),
		createdAt: value.createdAt,
		resolver: hasResolver ? RESOLVER_ADDRESS.toString() : "",
		dnsServers: dnsServers.map(String),
		hostname: value.hostname,
		joinedSandboxId: value.joined ?? "",
	};
}

export function parseConnect(message: endpoint.ConnectRequest): ConnectSpec {
	const addresses = message.addresses.map((text, index) => atField(`addresses[${index}]`, () => Ip.parse(text)));
	refuseSecond("addresses", addresses, ({ family }) => family, faults.TOO_MANY_ADDRESSES);
	return {
		network: message.network,
		sandboxId: message.sandboxId,
		addresses,
		mac: optional(message.mac, "mac", parseMac),
		aliases: message.aliases.map((alias, index) => atField(`aliases[${index}]`, () => parseName("an endpoint", alias))),
		ports: parsePorts(message.ports),
		gatewayPriority: message.gatewayPriority,
		options: message.options,
		links: parseLinks(message.links),
	};
}

function parseLinks(links: TextMap): TextMap {
	const entries = Object.entries(links);
	refuseMany("links", entries.length, MOST_LINKS, "links");
	for (const [name, sandboxName] of entries) {
		atField(`links[${name}]`, () => [parseName("a link", name), parseName("a sandbox", sandboxName)]);
	}
	return links;
}

export function parsePublish({ endpointId, ports }: endpoint.PublishPortsRequest): PublishSpec {
	return { endpointId, ports: parsePorts(ports) };
}

export function parseUnpublish({ endpointId, ports }: endpoint.UnpublishPortsRequest): UnpublishSpec {
	return { endpointId, ports: ports.map((port, index) => atField(`ports[${index}]`, () => parseUnpublished(port))) };
}

/** What the container's port was does not matter, but for one that has no port of the host. */
function parseUnpublished(message: endpoint.Port): Port {
	const port = { ...parseHostPort(message), containerPort: message.containerPort };
	if (port.containerPort === 0) checkNumber("host port", port.hostPort, 1, "host_port");
	checkNumber("host port", port.hostPort, 0, "host_port");
	return port;
}

function parsePorts(messages: readonly endpoint.Port[]): Port[] {
	const ports = messages.map((message, index) => atField(`ports[${index}]`, () => checkPort(parsePort(message))));
	refuseRepeats(ports);
	return ports;
}

const PROTOCOLS: Readonly<Record<endpoint.Protocol, Protocol>> = {
	PROTOCOL_UNSPECIFIED: "tcp",
	PROTOCOL_TCP: "tcp",
	PROTOCOL_UDP: "udp",
	PROTOCOL_SCTP: "sctp",
};

const RENDERED = {
	tcp: "PROTOCOL_TCP",
	udp: "PROTOCOL_UDP",
	sctp: "PROTOCOL_SCTP",
} as const satisfies Record<Protocol, endpoint.Protocol>;

function parsePort(message: endpoint.Port): Port {
	const { containerPort, hostPortEnd } = message;
	return { ...parseHostPort(message), containerPort, ...(hostPortEnd === 0 ? {} : { hostPortEnd }) };
}

function parseHostPort({ protocol, hostAddress, hostPort }: endpoint.Port): HostPort {
	return {
		protocol: PROTOCOLS[protocol],
		hostAddress: optional(hostAddress, "host_address", (text) => Ip.parse(text)),
		hostPort,
	};
}

export function parseListEndpoints(message: endpoint.ListEndpointsRequest): {
	filter: EndpointFilter;
	page: PageRequest;
} {
	const { network: ref, sandboxId } = message;
	return {
		filter: { network: ref || undefined, sandboxId: sandboxId || undefined },
		page: parsePage(message, faults.INVALID_PAGE_TOKEN),
	};
}

export function renderEndpoint(view: EndpointView): endpoint.Endpoint {
	const { endpoint: value, network: on, sandbox: of } = view;
	return {
		id: value.id,
		networkId: on.id,
		networkName: on.name,
		sandboxId: of.id,
		owner: of.owner,
		name: of.name,
		...renderStatus(value.status),
		createdAt: value.createdAt,
		interface: value.interface,
		hostInterface: on.driver === "macvlan" ? "" : value.hostInterface,
		mac: value.mac ?? "",
		addresses: value.addresses.map(String),
		gateways: view.gateways.map(String),
		defaultGateway: view.leads.length > 0,
		defaultGatewayIpv4: view.leads.includes(4),
		defaultGatewayIpv6: view.leads.includes(6),
		gatewayPriority: value.gatewayPriority,
		options: { ...value.options },
		links: { ...value.links },
		aliases: [...value.aliases],
		ports: value.ports.map(renderPort),
	};
}

function renderPort({ protocol, hostAddress, hostPort, containerPort }: Port): endpoint.Port {
	return {
		hostPortEnd: 0,
		protocol: RENDERED[protocol],
		hostAddress: hostAddress?.toString() ?? "",
		hostPort,
		containerPort,
	};
}

export function renderTold({ revision, change }: Told): endpoint.WatchNamesResponse {
	return { revision: BigInt(revision), change: renderChange(change) };
}

function renderChange(change: Told["change"]): endpoint.WatchNamesResponse["change"] {
	switch (change.kind) {
		case "synced":
			return { $case: "synced", value: true };
		case "removed":
			return { $case: "removedSandboxId", value: change.sandboxId };
		case "sandbox": {
			const { dnsServers, endpoints, ...rest } = change.sandbox;
			return {
				$case: "sandbox",
				value: {
					...rest,
					dnsServers: dnsServers.map(String),
					endpoints: endpoints.map(({ addresses, aliases, links, ...leg }) => ({
						...leg,
						links: { ...links },
						addresses: addresses.map(String),
						aliases: [...aliases],
					})),
				},
			};
		}
	}
}
