/**
 * Whatever a client says, netd answers with a result or with a fault that says what was wrong, and afterwards the kernel holds what
 * the store says: requests that are right but for a few fields, over gRPC, on the strict model. The seed repeats a run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { createLog } from "#lib/log/log.ts";
import { client } from "#lib/rpc/client.ts";
import { serve, type Server } from "#lib/rpc/serve.ts";
import { isPublication } from "./kernel/firewall.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import { netdServices } from "./rpc.ts";
import { badRequests } from "./test-support/bad-requests.ts";
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
		const before = it.kernel.snapshot();
		const present = () => {
			const { networks: nets, sandboxes: boxes, endpoints: legs } = bothSides().rows;
			return { networks: nets, sandboxes: boxes, endpoints: legs.map(({ endpoint }) => endpoint) };
		};
		const clients = { networks, sandboxes, endpoints };
		const outcomes = await badRequests({ clients, present, seed, rounds: ROUNDS });
		// Neither everything refused nor everything taken.
		expect(Math.min(outcomes.results, outcomes.refusals)).toBeGreaterThan(ROUNDS / 10);
		const { rows, stored, present: found } = bothSides();
		expect(found).toEqual(stored);
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
