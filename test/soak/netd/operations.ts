/** What a client of netd may ask next: every RPC that changes something, few names and ports, so that they collide. */
import { randomUUID } from "node:crypto";
import { ConnectRequest, type Port } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest } from "#gen/wharf/network/v1/sandbox.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Random } from "../random.ts";
import { ADOPTABLE, type NetdHost } from "./instance.ts";
import type { Ledger } from "./ledger.ts";

const DOCKER = "com.docker.network.";
const subnet = (cidr: string) => ({ cidr, ipRange: "", gateway: "", auxiliaryAddresses: {} });

/** Each name is one kind of network. */
const NETWORKS: Readonly<Record<string, Partial<CreateNetworkRequest>>> = {
	plain: {},
	dual: { ipv6: true },
	closed: { internal: true },
	apart: { options: { [`${DOCKER}bridge.enable_icc`]: "false", [`${DOCKER}driver.mtu`]: "1400" } },
	named: { options: { [`${DOCKER}bridge.name`]: "lan7", [`${DOCKER}container_iface_prefix`]: "net" } },
	local: { options: { [`${DOCKER}bridge.host_binding_ipv4`]: "127.0.0.1" }, subnets: [subnet("10.201.0.0/24")] },
	snat: { options: { [`${DOCKER}host_ipv4`]: "198.51.100.1" } },
	routed: {
		ipv6: true,
		options: { [`${DOCKER}bridge.gateway_mode_ipv4`]: "routed", [`${DOCKER}bridge.gateway_mode_ipv6`]: "routed" },
	},
	mixed: { ipv6: true, options: { [`${DOCKER}bridge.gateway_mode_ipv6`]: "routed" } },
	bare: { options: { [`${DOCKER}bridge.gateway_mode_ipv4`]: "nat-unprotected" } },
	isolated: { internal: true, options: { [`${DOCKER}bridge.gateway_mode_ipv4`]: "isolated" } },
	trusting: { options: { [`${DOCKER}bridge.trusted_host_interfaces`]: "eth0" } },
	uplink: {
		options: { "wharf.bridge.uplink": "eth2", "wharf.bridge.uplink_move": "true" },
		subnets: [subnet("10.203.0.0/24")],
	},
	shim: {
		driver: "macvlan",
		options: { parent: "eth1", "wharf.macvlan.host_shim": "auto" },
		subnets: [subnet("10.204.0.0/24")],
	},
	segment: { driver: "macvlan", options: { parent: "eth1" }, subnets: [subnet("10.202.0.0/24")] },
	// Overlaps: refused while the other one is there.
	clash: { subnets: [subnet("10.201.0.0/25")] },
};
const UNPUBLISHED = ["segment", "shim", "uplink", "closed", "isolated"];
const OWNERS = ["ant", "bee", "cat", "dog", "elk"];
/** Sandboxes of theirs share others'. */
const GUESTS = ["fox", "gnu"];
const HOLDER = "soak";
const FIRST_PORT = 7_000;
const PORTS = 12;

export interface World {
	readonly it: NetdHost;
	readonly random: Random;
	readonly ledger: Ledger;
}

type Operation = (world: World) => Promise<void>;

const port = (random: Random): Port => ({
	protocol: random.pick(["PROTOCOL_TCP", "PROTOCOL_UDP"] as const),
	hostAddress: random.pick(["", "", "127.0.0.1", "198.51.100.1"]),
	...random.pick([
		{ hostPort: 0, hostPortEnd: 0 },
		{ hostPort: FIRST_PORT + random.below(PORTS), hostPortEnd: 0 },
		{ hostPort: FIRST_PORT, hostPortEnd: FIRST_PORT + random.below(PORTS) },
	]),
	containerPort: 80 + random.below(3),
});
const ports = (random: Random): Port[] => Array.from({ length: random.below(3) }, () => port(random));

const createNetwork: Operation = async ({ it, random, ledger }) => {
	const name = random.pick(Object.keys(NETWORKS));
	const request = CreateNetworkRequest.fromPartial({ requestId: randomUUID(), name, ...NETWORKS[name] });
	const { network } = await it.networks.createNetwork(request);
	ledger.made(`network ${network?.id}`);
};

const deleteNetwork: Operation = async ({ it, random, ledger }) => {
	const { networks } = await it.networks.listNetworks(everything({ names: [], drivers: [], labels: {} }));
	const own = networks.filter(({ name }) => name in NETWORKS);
	if (own.length === 0) return;
	const { id } = random.pick(own);
	ledger.ending(`network ${id}`);
	await it.networks.deleteNetwork({ requestId: randomUUID(), network: id });
	ledger.ended(`network ${id}`);
};

const createSandbox: Operation = async ({ it, random, ledger }) => {
	const adopted = random.next() < 0.25 ? random.pick(ADOPTABLE) : undefined;
	const owner = adopted ?? random.pick(OWNERS);
	const adoptPid = (adopted !== undefined && random.next() < 0.5 && it.pids.get(adopted)) || 0;
	const adoptPath = adopted === undefined || adoptPid > 0 ? "" : `/run/netns/${adopted}`;
	const fields = { requestId: randomUUID(), holder: HOLDER, owner, name: owner, adoptPath, adoptPid };
	const { sandbox } = await it.sandboxes.createSandbox(CreateSandboxRequest.fromPartial(fields));
	ledger.made(`sandbox ${sandbox?.id}`);
};

const sandboxOf = async ({ it, random }: World): Promise<string | undefined> => {
	const { sandboxes } = await it.sandboxes.listSandboxes(everything({ holder: "", owner: "" }));
	return sandboxes.length === 0 ? undefined : random.pick(sandboxes).id;
};

const joinSandbox: Operation = async (world) => {
	const { it, random, ledger } = world;
	const joinSandboxId = await sandboxOf(world);
	if (joinSandboxId === undefined) return;
	const owner = random.pick(GUESTS);
	const fields = { requestId: randomUUID(), holder: HOLDER, owner, name: owner, joinSandboxId };
	const { sandbox } = await it.sandboxes.createSandbox(CreateSandboxRequest.fromPartial(fields));
	ledger.made(`sandbox ${sandbox?.id}`);
};

const endpointOf = async ({ it, random }: World): Promise<string | undefined> => {
	const { endpoints } = await it.endpoints.listEndpoints(everything({ network: "", sandboxId: "" }));
	return endpoints.length === 0 ? undefined : random.pick(endpoints).id;
};

const deleteSandbox: Operation = async (world) => {
	const id = await sandboxOf(world);
	if (id === undefined) return;
	world.ledger.ending(`sandbox ${id}`);
	await world.it.sandboxes.deleteSandbox({ requestId: randomUUID(), id });
	world.ledger.ended(`sandbox ${id}`);
};

const connect: Operation = async (world) => {
	const { it, random, ledger } = world;
	const sandboxId = await sandboxOf(world);
	if (sandboxId === undefined) return;
	const network = random.pick(["bridge", ...Object.keys(NETWORKS)]);
	const request = ConnectRequest.fromPartial({
		requestId: randomUUID(),
		network,
		sandboxId,
		aliases: random.pick([[], ["www"]]),
		gatewayPriority: random.below(3),
		addresses: network === "local" && random.next() < 0.5 ? [`10.201.0.${2 + random.below(4)}`] : [],
		mac: random.pick(["", "", `02:42:00:00:00:0${random.below(10)}`]),
		ports: UNPUBLISHED.includes(network) ? [] : ports(random),
	});
	const { endpoint } = await it.endpoints.connect(request);
	ledger.made(`endpoint ${endpoint?.id}`, `sandbox ${sandboxId}`);
};

const disconnect: Operation = async (world) => {
	const endpointId = await endpointOf(world);
	if (endpointId === undefined) return;
	world.ledger.ending(`endpoint ${endpointId}`);
	await world.it.endpoints.disconnect({ requestId: randomUUID(), endpointId });
	world.ledger.ended(`endpoint ${endpointId}`);
};

const publish: Operation = async (world) => {
	const endpointId = await endpointOf(world);
	if (endpointId === undefined) return;
	const request = { requestId: randomUUID(), endpointId, ports: [port(world.random)] };
	await world.it.endpoints.publishPorts(request);
};

const unpublish: Operation = async (world) => {
	const endpointId = await endpointOf(world);
	if (endpointId !== undefined)
		await world.it.endpoints.unpublishPorts({ requestId: randomUUID(), endpointId, ports: [] });
};

/** What somebody else does on the host, where it is told of; whether it is there to be done or not. */
const harm: Operation = async ({ it, random }) => {
	const { endpoints } = await it.endpoints.listEndpoints(everything({ network: "", sandboxId: "" }));
	const { networks } = await it.networks.listNetworks(everything({ names: [], drivers: ["bridge"], labels: {} }));
	const endpoint = endpoints.length === 0 ? undefined : random.pick(endpoints);
	const bridge = networks.find(({ id }) => id === endpoint?.networkId)?.interface ?? "none";
	const address = endpoint?.addresses[0]?.split("/")[0] ?? "10.0.0.1";
	const wrong = ["lladdr", "02:00:00:00:00:66", "nud", "permanent"];
	const words = random.pick([
		["link", "set", "eth2", "nomaster"],
		["neigh", "replace", address, "dev", bridge, ...wrong],
		["link", "set", endpoint?.hostInterface || "none", "nomaster"],
	]);
	await it.host.run("ip", words);
};

const OPERATIONS: readonly (readonly [number, Operation])[] = [
	[3, createNetwork],
	[1, deleteNetwork],
	[4, createSandbox],
	[1, joinSandbox],
	[2, deleteSandbox],
	[8, connect],
	[3, disconnect],
	[3, publish],
	[2, unpublish],
	[1, harm],
];
const TOTAL = OPERATIONS.reduce((sum, [weight]) => sum + weight, 0);

/** Does the next thing. Being refused is fine; undefined then too, and otherwise what was wrong with the answer. */
export async function perform(world: World): Promise<string | undefined> {
	let left = world.random.next() * TOTAL;
	const [, operation = connect] = OPERATIONS.find(([weight]) => (left -= weight) < 0) ?? [];
	try {
		await operation(world);
		return undefined;
	} catch (error) {
		return isFault(error) && error.code !== "INTERNAL" && error.reason !== ""
			? undefined
			: `${operation.name}: ${String(error)}`;
	}
}

/** A page that holds all. */
export function everything<T>(filter: T): T & { readonly pageSize: number; readonly pageToken: string } {
	return { ...filter, pageSize: 1_000, pageToken: "" };
}
