/**
 * Whatever a client says, netd answers with a result or with a fault that says what was wrong, and afterwards the kernel holds what
 * the store says: requests that are right but for a few fields, over gRPC, on the strict model. The seed repeats a run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConnectRequest, EndpointServiceService, PublishPortsRequest } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Fault } from "#lib/fault/fault.ts";
import { createLog } from "#lib/log/log.ts";
import { client } from "#lib/rpc/client.ts";
import { serve, type Server } from "#lib/rpc/serve.ts";
import { isPublication } from "./kernel/firewall.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import { netdServices } from "./rpc.ts";
import { type Bench, modelBench } from "./test-support/netd.ts";

const ROUNDS = 200;
const SEEDS = [1, 7];

const folder = mkdtempSync(join(tmpdir(), "netd-bad-"));
const unix = join(folder, "netd.sock");
const networks = client(NetworkServiceService, { unix });
const sandboxes = client(SandboxServiceService, { unix });
const endpoints = client(EndpointServiceService, { unix });
let it: Bench<ModelKernel, ModelAllocator>;
let server: Server;
beforeEach(async () => {
	it = await modelBench();
	const log = createLog({ service: "netd", level: "silent" });
	server = await serve({ name: "netd", listen: { unix }, services: netdServices(it.netd), log });
});
afterEach(async () => {
	await server.close();
	await it[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

/** Numbers from 0 up to, and without, `end`; a linear congruence is random enough to choose fields with. */
class Choice {
	#state: number;

	constructor(seed: number) {
		this.#state = seed;
	}

	below(end: number): number {
		this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((this.#state / 2 ** 32) * end);
	}

	of<T>(values: readonly T[]): T {
		const value = values[this.below(values.length)];
		if (value === undefined) throw new RangeError("nothing to choose from");
		return value;
	}
}

const PREFIX = "com.docker.network.";
const TEXTS = [
	...["", " ", ".", "..", "-", "a b", "a/b", "../../etc", "\u0000", "\n", "💥", "é", "%d", "__proto__", "constructor"],
	...["x".repeat(64), "x".repeat(129), "x".repeat(100_000), "0", "-1", "1e3", "NaN", "true", "null", "{}", "'; --"],
	...["web", "bridge", "host", "none", "a", "lo", "all", "eth0", "wh-0123456789ab"],
	...["0.0.0.0", "10.0.0.1", "10.0.0.999", "010.0.0.1", "255.255.255.255", "224.0.0.1", "127.0.0.1", "10.77.0.9"],
	...["::", "::1", "fe80::1%eth0", "ff02::1", "fd00::/64", "fd00:77::9", "10.77.0.0/16", "10.0.0.0/0", "10.0.0.0/33"],
	...["10.0.0.1/8", "10.0.0.0/31", "::/0", "fd00:7::/64", "10.61.2.0/24"],
	...["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:42:0a:00:00", "02:42:0a:00:00:0g"],
	...["net.ipv4.conf.IFNAME.log_martians=1", "net.ipv4.conf.IFNAME.none=1", "net.ipv4.conf.all.log_martians=1"],
];
const KEYS = [
	...["bridge.name", "driver.mtu", "bridge.enable_icc", "bridge.host_binding_ipv4", "host_ipv4", "host_ipv6"],
	...["container_iface_prefix", "container_interface_prefix", "bridge.inhibit_ipv4", "endpoint.ifname"],
	...["endpoint.sysctls", "endpoint.none", ""],
].map((key) => PREFIX + key);
const NUMBERS = [0, 1, 80, 8080, 65_535, 65_536, 2 ** 31 - 1];

/** A value of the same kind that is most likely wrong there. */
function spoilt(value: unknown, choice: Choice): unknown {
	if (typeof value === "string") {
		return value.startsWith("PROTOCOL") ? choice.of(["PROTOCOL_TCP", "PROTOCOL_UDP"]) : choice.of(TEXTS);
	}
	if (typeof value === "number") return choice.of(NUMBERS);
	if (typeof value === "boolean") return !value;
	return Array.isArray(value) ? spoiltList(value, choice) : spoiltMap(value as Record<string, unknown>, choice);
}

function spoiltList(list: readonly unknown[], choice: Choice): unknown[] {
	const [first] = list;
	if (first === undefined) return [];
	switch (choice.below(8)) {
		case 0:
			return [];
		case 1:
			return [...list, ...list];
		case 2:
			return typeof first === "string" ? [...list, choice.of(TEXTS)] : [...list, first];
		default: {
			const at = choice.below(list.length);
			return list.map((value, index) => (index === at ? spoilt(value, choice) : value));
		}
	}
}

/** A message, of which a field changes, or a map, which has another entry. */
function spoilMessage(message: Record<string, unknown>, choice: Choice): Record<string, unknown> {
	const field = choice.of(Object.keys(message));
	return { ...message, [field]: spoilt(message[field], choice) };
}

function spoiltMap(value: Record<string, unknown>, choice: Choice): Record<string, unknown> {
	const isMap = Object.keys(value).every((key) => key.includes("."));
	if (!isMap) return spoilMessage(value, choice);
	return { ...value, [choice.below(3) === 0 ? choice.of(TEXTS) : choice.of(KEYS)]: choice.of(TEXTS) };
}

function spoil<T extends object>(message: T, choice: Choice): T {
	let result = { ...message } as Record<string, unknown>;
	for (let count = choice.of([1, 1, 1, 2, 3]); count > 0; count -= 1) result = spoilMessage(result, choice);
	return result as T; // fields keep their kinds
}

/** Undefined for a refusal. Anything but a result or a fault that says what was wrong fails the test, with what was asked. */
async function ask<T>(request: object, body: () => Promise<T>): Promise<T | undefined> {
	try {
		return await body();
	} catch (error) {
		const what = JSON.stringify(request).slice(0, 2_000);
		if (!(error instanceof Fault)) throw new Error(`no fault: ${String(error)}: ${what}`, { cause: error });
		const { code, reason, message, field, domain } = error;
		if (code === "INTERNAL" || reason === "")
			throw new Error(`${code} ${reason} ${message}: ${what}`, { cause: error });
		// What a peer refuses has no field of this request.
		if (code === "INVALID_ARGUMENT" && domain !== "ipamd" && field === undefined) {
			throw new Error(`${reason} names no field: ${what}`, { cause: error });
		}
		if (message.length > 1_000) throw new Error(`${reason} says ${message.length} letters: ${what}`, { cause: error });
		return undefined;
	}
}

/** By the rows on one hand, by the model's state on the other. */
function bothSides() {
	const page = { after: 0, limit: 10_000 };
	const rows = {
		networks: it.netd.networks.list({ names: [], drivers: [], labels: {} }, page).items,
		sandboxes: it.netd.sandboxes.list({ holder: undefined, owner: undefined }, page).items,
		endpoints: it.netd.endpoints.list({ network: undefined, sandboxId: undefined }, page).items,
	};
	const { bridges, legs, sandboxes: namespaces } = it.kernel.state;
	const { networks: places, publications } = it.kernel.firewall.observe();
	const wanted = rows.endpoints.flatMap(({ endpoint }) => endpoint.addresses.map(({ ip }) => ip.toString()));
	const targets = new Set(
		rows.endpoints.filter(({ endpoint }) => endpoint.ports.length > 0).map(({ endpoint }) => endpoint.hostInterface),
	);
	const published = [...legs].filter(([, { hairpin }]) => hairpin).map(([name]) => name);
	const stored = {
		bridges: rows.networks.flatMap((network) => network.interface ?? []).sort(),
		places: rows.networks.flatMap((network) => network.interface ?? []).sort(),
		legs: rows.endpoints.map(({ endpoint }) => `${endpoint.hostInterface} ${endpoint.interface}`).sort(),
		namespaces: rows.sandboxes.map(({ netnsPath }) => netnsPath).sort(),
		leases: wanted.sort(),
		published: [...targets].sort(),
		ports: new Set(rows.endpoints.flatMap(({ endpoint }) => endpoint.ports.map(({ hostPort }) => hostPort))),
	};
	const present = {
		bridges: [...bridges.keys()].sort(),
		places: places.map(({ bridge }) => bridge).sort(),
		legs: [...legs].map(([name, leg]) => `${name} ${leg.interface}`).sort(),
		namespaces: [...namespaces.keys()].sort(),
		leases: it.allocator.snapshot().leases.sort(),
		published: published.sort(),
		ports: new Set(publications.map((one) => (isPublication(one) ? one.hostPort : 0))),
	};
	return { rows, stored, present };
}

test.each(SEEDS)(
	"seed %i",
	async (seed) => {
		const choice = new Choice(seed);
		const outcomes = { results: 0, refusals: 0 };
		const count = <T>(result: T | undefined): T | undefined => {
			outcomes[result === undefined ? "refusals" : "results"] += 1;
			return result;
		};
		const tried = async <T>(request: object, body: () => Promise<T>) => count(await ask(request, body));
		const before = it.kernel.snapshot();
		for (const name of ["web", "back"])
			await networks.createNetwork(CreateNetworkRequest.fromPartial({ name, ipv6: true }));
		for (const owner of ["alice", "bob"])
			await sandboxes.createSandbox(CreateSandboxRequest.fromPartial({ holder: "test", owner }));
		for (let round = 0; round < ROUNDS; round += 1) {
			const own = `r${round}`;
			const { rows } = bothSides();
			const bridged = rows.networks.filter(({ driver }) => driver === "bridge");
			const network = choice.of(choice.below(10) === 0 ? rows.networks : bridged).name;
			const sandboxId = rows.sandboxes.length > 0 ? choice.of(rows.sandboxes).id : "none";
			const endpointId = rows.endpoints.length > 0 ? choice.of(rows.endpoints).endpoint.id : "none";
			const port = { protocol: "PROTOCOL_TCP" as const, hostAddress: "", hostPort: 10_000 + round, containerPort: 80 };
			const subnet = { cidr: `10.77.${round % 250}.0/24`, ipRange: "", gateway: "", auxiliaryAddresses: {} };
			switch (choice.below(7)) {
				case 0: {
					const options = { [`${PREFIX}driver.mtu`]: "1400" };
					const right = CreateNetworkRequest.fromPartial({
						name: own,
						subnets: [subnet],
						options,
						labels: { "a.b": "c" },
					});
					const wrong = spoil(right, choice);
					await tried(wrong, () => networks.createNetwork(wrong));
					break;
				}
				case 1: {
					const right = CreateSandboxRequest.fromPartial({
						holder: "test",
						owner: own,
						name: own,
						dnsServers: ["9.9.9.9"],
					});
					const wrong = choice.below(3) === 0 ? right : spoil(right, choice);
					await tried(wrong, () => sandboxes.createSandbox(wrong));
					break;
				}
				case 2:
				case 3: {
					const options = { [`${PREFIX}endpoint.ifname`]: `net${round}` };
					const right = ConnectRequest.fromPartial({ network, sandboxId, aliases: [own], ports: [port], options });
					const wrong = choice.below(3) === 0 ? right : spoil(right, choice);
					await tried(wrong, () => endpoints.connect(wrong));
					break;
				}
				case 4: {
					const right = PublishPortsRequest.fromPartial({ endpointId, ports: [port] });
					const wrong = spoil(right, choice);
					await tried(wrong, () => endpoints.publishPorts(wrong));
					const other = spoil(wrong, choice);
					await tried(other, () => endpoints.unpublishPorts(other));
					break;
				}
				case 5: {
					const wrong = choice.of([...TEXTS, endpointId, sandboxId, network]);
					const page = { pageSize: choice.of(NUMBERS), pageToken: choice.of(TEXTS) };
					await tried({ wrong }, () => networks.getNetwork({ network: wrong }));
					await tried({ wrong }, () => sandboxes.getSandbox({ id: wrong }));
					await tried({ wrong }, () => endpoints.getEndpoint({ id: wrong }));
					await tried(page, () => endpoints.listEndpoints({ ...page, network: "", sandboxId: wrong }));
					await tried(page, () =>
						networks.listNetworks({ ...page, names: [wrong], drivers: [], labels: { [wrong]: wrong } }),
					);
					break;
				}
				default: {
					const wrong = choice.of([...TEXTS, endpointId, endpointId, sandboxId, network]);
					const request = { requestId: "", id: wrong, network: wrong, endpointId: wrong };
					await tried(request, () => endpoints.disconnect(request));
					await tried(request, () => networks.deleteNetwork(request));
					if (choice.below(8) === 0) await tried(request, () => sandboxes.deleteSandbox(request));
				}
			}
		}
		// Neither everything refused nor everything taken.
		expect(Math.min(outcomes.results, outcomes.refusals)).toBeGreaterThan(ROUNDS / 10);
		const { rows, stored, present } = bothSides();
		expect(present).toEqual(stored);
		expect(new Set(rows.endpoints.map(({ endpoint }) => endpoint.status.state))).toEqual(new Set(["active"]));
		const after = it.kernel.snapshot();
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.kernel.snapshot()).toEqual(after);
		for (const { id } of rows.sandboxes) await sandboxes.deleteSandbox({ requestId: "", id });
		for (const { id, predefined } of rows.networks) {
			if (!predefined) await networks.deleteNetwork({ requestId: "", network: id });
		}
		await it.netd[Symbol.asyncDispose]();
		expect(it.kernel.snapshot()).toEqual(before);
	},
	120_000,
);
