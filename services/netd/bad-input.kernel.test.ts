/**
 * Whatever a client says, afterwards the real kernel holds what the store says, by other programs' account, and reconciliation finds
 * nothing to do; when all is deleted, it holds what it held before.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { ipJson, nftJson, runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import { client } from "#lib/rpc/client.ts";
import { serve, type Server } from "#lib/rpc/serve.ts";
import { netdServices } from "./rpc.ts";
import { badRequests } from "./test-support/bad-requests.ts";
import { type Town, town } from "./test-support/town.ts";

const ROUNDS = 150;
const SEEDS = [3, 11];

const folder = mkdtempSync(join(tmpdir(), "netd-bad-"));
const unix = join(folder, "netd.sock");
const networks = client(NetworkServiceService, { unix });
const sandboxes = client(SandboxServiceService, { unix });
const endpoints = client(EndpointServiceService, { unix });
let t: Town;
let server: Server;
beforeEach(async () => {
	t = await town();
	const log = createLog({ service: "netd", level: "silent" });
	server = await serve({ name: "netd", listen: { unix }, services: netdServices(t.it.netd), log });
});
afterEach(async () => {
	for (const one of [networks, sandboxes, endpoints]) one.close();
	await server.close();
	await t[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

function rows() {
	const page = { after: 0, limit: 10_000 };
	const { netd } = t.it;
	const views = netd.endpoints.list({ network: undefined, sandboxId: undefined }, page).items;
	return {
		networks: netd.networks.list({ names: [], drivers: [], labels: {} }, page).items,
		sandboxes: netd.sandboxes.list({ holder: undefined, owner: undefined }, page).items,
		endpoints: views.map(({ endpoint }) => endpoint),
	};
}

function stored(): Readonly<Record<string, readonly string[]>> {
	const { networks: nets, sandboxes: boxes, endpoints: legs } = rows();
	return {
		bridges: nets.flatMap((network) => network.interface ?? []).sort(),
		veths: legs.map(({ hostInterface }) => hostInterface).sort(),
		namespaces: boxes.map(({ netnsPath }) => netnsPath).sort(),
		inside: legs
			.map(
				({ sandboxId, interface: name, addresses }) => `${sandboxId} ${name} ${addresses.map(String).sort().join(" ")}`,
			)
			.sort(),
		ports: [...new Set(legs.flatMap((one) => one.ports.map((port) => `${port.protocol} ${port.hostPort}`)))].sort(),
	};
}

interface Link {
	readonly ifname: string;
	readonly linkinfo?: { readonly info_kind?: string };
	readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

/** The same by ip(8) and nft(8). */
function found(): ReturnType<typeof stored> {
	const links = ipJson(t.host, "address", "show") as Link[];
	const ofKind = (kind: string): string[] =>
		links.filter(({ linkinfo }) => linkinfo?.info_kind === kind).map(({ ifname }) => ifname);
	const namespaces = t.it.kernel.namespaces.observe();
	const inside = rows().sandboxes.flatMap(({ id, netnsPath }) =>
		(ipJson(netnsPath, "address", "show") as Link[])
			.filter(({ ifname }) => ifname !== "lo")
			.map(({ ifname, addr_info: all }) => {
				const own = all.filter(({ scope }) => scope === "global").map((one) => `${one.local}/${one.prefixlen}`);
				return `${id} ${ifname} ${own.sort().join(" ")}`;
			}),
	);
	return {
		bridges: ofKind("bridge").sort(),
		veths: ofKind("veth")
			.filter((name) => name !== "out0")
			.sort(),
		namespaces: [...namespaces].sort(),
		inside: inside.sort(),
		ports: [...new Set(publishedPorts())].sort(),
	};
}

interface PortElement {
	readonly concat: readonly [protocol: string, ...unknown[], port: number];
}

/** The keys of the maps of what is published, anywhere and at one address. */
function publishedPorts(): string[] {
	const entries = nftJson(t.host, "list", "table", "inet", "wharf") as {
		map?: { name: string; elem?: readonly (readonly [PortElement, unknown])[] };
	}[];
	return entries
		.flatMap(({ map }) => (map !== undefined && map.name.startsWith("published") ? (map.elem ?? []) : []))
		.map(([{ concat }]) => `${concat[0]} ${String(concat.at(-1))}`);
}

/** Without the names, which a new network's id makes. */
const remains = (): unknown => [
	runIn(t.host, "ip", "-brief", "link", "show")
		.replaceAll(/@\S+|UNKNOWN|UP|DOWN/g, "")
		.replaceAll(/[ \t]+.*$/gm, ""),
	runIn(t.host, "ip", "route", "show").replaceAll(" linkdown", ""),
	runIn(t.host, "nft", "list", "ruleset"),
];

test.each(SEEDS)(
	"seed %i",
	async (seed) => {
		const before = remains();
		const clients = { networks, sandboxes, endpoints };
		const outcomes = await badRequests({ clients, present: rows, seed, rounds: ROUNDS });
		expect(Math.min(outcomes.results, outcomes.refusals)).toBeGreaterThan(ROUNDS / 10);
		await expect.poll(found, { timeout: 10_000 }).toEqual(stored());
		const { networks: nets, sandboxes: boxes, endpoints: legs } = rows();
		expect(new Set([...nets, ...boxes, ...legs].map(({ status }) => status.state))).toEqual(new Set(["active"]));
		const rules = runIn(t.host, "nft", "list", "ruleset");
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(found()).toEqual(stored());
		expect(runIn(t.host, "nft", "list", "ruleset")).toBe(rules);

		for (const { id } of boxes) await sandboxes.deleteSandbox({ requestId: "", id });
		for (const { id, predefined } of nets) {
			if (!predefined) await networks.deleteNetwork({ requestId: "", network: id });
		}
		await expect.poll(remains, { timeout: 10_000 }).toEqual(before);
	},
	120_000,
);
