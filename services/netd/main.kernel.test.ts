/** netd and ipamd as processes, asked over their sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
	ConnectRequest,
	EndpointServiceService,
	NameServiceService,
	type WatchNamesRequest,
} from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Ip } from "#lib/address/ip.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { openTcpListener } from "#lib/linux/socket.ts";
import { runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";

const folder = mkdtempSync(join(tmpdir(), "netd-main-"));
const host = join(folder, "host");
const paths = new Paths(join(folder, "root"));
const children = new Map<string, Child>();

async function daemon(name: string): Promise<void> {
	const env = { WHARF_ROOT: paths.root };
	const main = join(import.meta.dirname, "..", name, "main.ts");
	const child = start("nsenter", [`--net=${host}`, "--", process.execPath, main], {
		env,
		stdout: "ignore",
		stderr: "ignore",
	});
	children.set(name, child);
	while ((await checkHealth({ unix: paths.socket(name) })) !== "SERVING") await sleep(20);
}

const at = { unix: paths.socket("netd") };
const networks = client(NetworkServiceService, at);
const sandboxes = client(SandboxServiceService, at);
const endpoints = client(EndpointServiceService, at);
const names = client(NameServiceService, at);

beforeAll(async () => {
	createNetns(host);
	runIn(host, "ip", "link", "set", "lo", "up");
	await daemon("ipamd");
	await daemon("netd");
});
afterAll(async () => {
	for (const one of [networks, sandboxes, endpoints, names]) one.close();
	for (const child of children.values()) {
		child.kill("SIGKILL");
		await child.done;
	}
	unmount(paths.netnsDir, { detach: true });
	removeNetns(host);
	rmSync(folder, { recursive: true });
});

const sandboxFor = async (owner: string): Promise<string> => {
	const request = CreateSandboxRequest.fromPartial({ requestId: owner, holder: "test", owner, name: owner });
	return (await sandboxes.createSandbox(request)).sandbox?.id ?? "";
};

test("a network, a sandbox on it, its names, its ports; the same again after netd was killed", async () => {
	const create = CreateNetworkRequest.fromPartial({ requestId: "n1", name: "web", labels: { tier: "front" } });
	const { network } = await networks.createNetwork(create);
	expect(await networks.createNetwork(create)).toMatchObject({ network: { id: network?.id } });
	await expect(networks.createNetwork({ ...create, name: "other" })).rejects.toMatchObject({
		reason: "REQUEST_ID_REUSED",
	});

	const watched = watch();
	expect(await watched.next()).toMatchObject({ $case: "synced" });
	const sandboxId = await sandboxFor("alice");
	const ports = [{ hostPort: 8080, containerPort: 80 }];
	const connected = await endpoints.connect(
		ConnectRequest.fromPartial({ requestId: "c1", network: "web", sandboxId, aliases: ["www"], ports }),
	);
	expect(connected).toMatchObject({
		namesLag: false,
		endpoint: { interface: "eth0", name: "alice", networkName: "web", defaultGateway: true, state: "STATE_ACTIVE" },
	});
	expect(await watched.next()).toMatchObject({
		$case: "sandbox",
		value: { sandboxId, name: "alice", forwards: true, endpoints: [{ networkName: "web", aliases: ["www"] }] },
	});
	expect((await sandboxes.getSandbox({ id: sandboxId })).sandbox?.resolver).toBe("127.0.0.11");

	const interfaces = () => runIn(host, "ip", "addr", "show");
	const before = interfaces();
	children.get("netd")?.kill("SIGKILL");
	await children.get("netd")?.done;
	await daemon("netd");
	expect(interfaces()).toBe(before);
	await expect(watched.next()).rejects.toMatchObject({ code: "UNAVAILABLE" });
	const again = watch();
	expect(await again.next()).toMatchObject({ $case: "sandbox", value: { sandboxId } });
	expect(await again.next()).toMatchObject({ $case: "synced" });

	expect(await sandboxes.deleteSandbox({ requestId: "", id: sandboxId })).toEqual({ deleted: true });
	expect(await again.next()).toEqual({ $case: "removedSandboxId", value: sandboxId });
	await again.end();
	await networks.deleteNetwork({ requestId: "", network: "web" });
	const { networks: left } = await networks.listNetworks(ListNetworksRequest.fromPartial({}));
	expect(left.map(({ name }) => name).sort()).toEqual(["bridge", "host", "none"]);
});

test("a port that another program has is refused with the program's name", async () => {
	const server = createServer();
	await new Promise<void>((resolve) =>
		server.listen({ fd: openTcpListener(host, Ip.parse("0.0.0.0"), 8088) }, resolve),
	);
	const sandboxId = await sandboxFor("bob");
	const request = ConnectRequest.fromPartial({
		network: "bridge",
		sandboxId,
		ports: [{ hostPort: 8088, containerPort: 80 }],
	});
	await expect(endpoints.connect(request)).rejects.toMatchObject({
		reason: "PORT_IN_USE",
		message: expect.stringContaining(`(process ${process.pid})`),
	});
	server.close();
	await expect(endpoints.connect({ ...request, network: "host" })).rejects.toMatchObject({
		reason: "NETWORK_HAS_NO_ENDPOINTS",
	});
	await sandboxes.deleteSandbox({ requestId: "", id: sandboxId });
});

test("what somebody else does to the rules is undone; an orderly end does not wait for news", async () => {
	const rules = () => runIn(host, "nft", "list", "ruleset");
	const before = rules();
	expect(before).toContain("table inet wharf");
	runIn(host, "nft", "flush", "ruleset");
	await vi.waitFor(() => expect(rules()).toBe(before), { timeout: 10_000, interval: 50 });
	children.get("netd")?.kill("SIGTERM");
	expect(await children.get("netd")?.done).toMatchObject({ exitCode: 0 });
	await daemon("netd");
});

/** A resolver that acknowledges everything that it is told, as soon as it is told. */
function watch() {
	const told: unknown[] = [];
	let wake = (): void => {};
	let failed: unknown;
	const acks: bigint[] = [0n];
	let ack = (): void => {};
	const stop = new AbortController();
	async function* requests(): AsyncGenerator<WatchNamesRequest> {
		while (!stop.signal.aborted) {
			while (acks.length > 0) yield { acknowledgedRevision: acks.shift() ?? 0n };
			await new Promise<void>((resolve) => (ack = resolve));
		}
	}
	const reading = (async () => {
		try {
			for await (const { revision, change } of names.watchNames(requests(), { signal: stop.signal })) {
				told.push(change);
				acks.push(revision);
				ack();
				wake();
			}
		} catch (error) {
			failed = error;
			wake();
		}
	})();
	return {
		next: async (): Promise<unknown> => {
			while (told.length === 0) {
				if (failed !== undefined) throw failed;
				await new Promise<void>((resolve) => (wake = resolve));
			}
			return told.shift();
		},
		end: async (): Promise<void> => {
			stop.abort();
			ack();
			await reading;
		},
	};
}
