/** dnsd put together, from netd's words to dig's: what an acknowledgement promises, and what stays when netd goes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { DnsServiceService } from "#gen/wharf/dns/v1/dns.ts";
import { createLog } from "#lib/log/log.ts";
import { client } from "#lib/rpc/client.ts";
import { serve } from "#lib/rpc/serve.ts";
import { NameWatch } from "./peers/netd.ts";
import { Resolver } from "./resolver.ts";
import { dnsService } from "./rpc.ts";
import { NameServiceDouble, told } from "./test-support/name-service.ts";
import { Scratch } from "./test-support/scratch.ts";
import { Forwarder } from "./upstream/forwarder.ts";

const PORT = 5320;
/** Nobody listens there. */
const HOST_SERVER = "127.255.255.254";
const log = createLog({ service: "dnsd", level: "silent" });

interface Place {
	readonly netdPath: string;
	readonly dnsd: ReturnType<typeof dnsClient>;
}

const dnsClient = (path: string) => client(DnsServiceService, { unix: path });

async function dnsd(): Promise<Place> {
	const folder = mkdtempSync(join(tmpdir(), "dnsd-"));
	const [netdPath, dnsdPath] = [join(folder, "netd.sock"), join(folder, "dnsd.sock")];
	const pace = { hedgeMs: 50, againMs: 100, overallMs: 500 };
	const resolver = new Resolver({
		ttlSeconds: 5,
		tcp: { connections: 16, idleMs: 10_000 },
		forwarder: new Forwarder({ pace, inFlightPerSandbox: 16, inFlight: 16, cacheBytes: 0 }),
		hostServers: () => [{ family: 4, address: HOST_SERVER, port: 53 }],
		log,
	});
	const watch = NameWatch.start({ unix: netdPath }, resolver, log);
	const server = await serve({
		name: "dnsd",
		listen: { unix: dnsdPath },
		services: [dnsService(resolver, watch)],
		log,
	});
	const connection = dnsClient(dnsdPath);
	onTestFinished(async () => {
		connection.close();
		await server.close();
		await watch[Symbol.asyncDispose]();
		await resolver[Symbol.asyncDispose]();
		rmSync(folder, { recursive: true });
	});
	return { netdPath, dnsd: connection };
}

async function scratch(): Promise<Scratch> {
	const made = await Scratch.create();
	onTestFinished(() => made[Symbol.asyncDispose]());
	return made;
}

const acknowledged = (netd: NameServiceDouble, revision: bigint) =>
	expect.poll(() => netd.acknowledged.at(-1), { timeout: 10_000, interval: 5 }).toBe(revision);

it("has told the truth when it has acknowledged: names answer, sockets are open, and closed", async () => {
	const [one, two] = [await scratch(), await scratch()];
	const { netdPath } = await dnsd();
	const web = told("web", "172.18.0.2", { netnsPath: one.netnsPath, resolverPort: PORT });
	await using netd = await NameServiceDouble.start(netdPath, 1n, web);
	await acknowledged(netd, 1n);
	for (let round = 0; round < 15; round++) {
		const app = told("app", `172.18.1.${round + 1}`, { netnsPath: two.netnsPath, resolverPort: PORT });
		await acknowledged(netd, netd.put(app));
		const answer = await one.dig(PORT, "app", "A");
		expect(answer.answers.map((record) => record.at(-1))).toEqual([`172.18.1.${round + 1}`]);
		expect(await two.dig(PORT, "web", "A")).toMatchObject({ status: "NOERROR" });
		await acknowledged(netd, netd.remove("s-app"));
		expect(await two.sockets()).toEqual([]);
		expect(await one.dig(PORT, "app.frontend", "A")).toMatchObject({ status: "SERVFAIL" });
	}
});

it("acknowledges what it cannot open, and reports it", async () => {
	const { netdPath, dnsd: service } = await dnsd();
	await using netd = await NameServiceDouble.start(netdPath, 1n, told("web", "172.18.0.2", { resolverPort: PORT }));
	await acknowledged(netd, 1n);
	const status = await service.getStatus({});
	expect(status).toMatchObject({ revision: 1n, synced: true, sandboxes: 0, upstreams: [HOST_SERVER] });
	expect(status.failures).toEqual([expect.stringMatching(/^sandbox s-web: .*\/nowhere/)]);
	await acknowledged(netd, netd.remove("s-web"));
	expect((await service.getStatus({})).failures).toEqual([]);
});

it("goes on answering without netd, and closes what vanished meanwhile when netd is back", async () => {
	const [one, two] = [await scratch(), await scratch()];
	const { netdPath } = await dnsd();
	const web = told("web", "172.18.0.2", { netnsPath: one.netnsPath, resolverPort: PORT });
	const app = told("app", "172.18.0.3", { netnsPath: two.netnsPath, resolverPort: PORT });
	{
		await using netd = await NameServiceDouble.start(netdPath, 1n, web, app);
		await acknowledged(netd, 1n);
	}
	expect(await one.dig(PORT, "app", "A")).toMatchObject({ status: "NOERROR" });
	expect(await two.dig(PORT, "web", "A", "+tcp")).toMatchObject({ status: "NOERROR" });
	await using netd = await NameServiceDouble.start(netdPath, 1n, web);
	await acknowledged(netd, 1n);
	expect([(await one.sockets()).length, await two.sockets()]).toEqual([2, []]);
	expect(await one.dig(PORT, "app.frontend", "A")).toMatchObject({ status: "SERVFAIL" });
});

it("says what a sandbox would be answered, and refuses what makes no sense", async () => {
	const inside = await scratch();
	const { netdPath, dnsd: service } = await dnsd();
	const web = told("web", "172.18.0.2", { netnsPath: inside.netnsPath, resolverPort: PORT });
	const quiet = told("quiet", "172.18.0.3");
	await using netd = await NameServiceDouble.start(netdPath, 1n, web, quiet);
	await acknowledged(netd, 1n);
	const lookUp = (name: string, type: string, sandboxId = "s-web") => service.lookUp({ sandboxId, name, type });
	expect(await lookUp("QUIET.frontend", "A")).toEqual({ code: "NOERROR", data: ["172.18.0.3"], upstreams: [] });
	expect(await lookUp("quiet", "aaaa")).toMatchObject({ code: "NOERROR", data: [] });
	expect(await lookUp("172.18.0.3", "PTR")).toMatchObject({ code: "NOERROR", data: ["quiet.frontend"] });
	expect(await lookUp("none.frontend", "A")).toMatchObject({ code: "FORWARDED", data: [] });
	expect(await lookUp("example.com", "A")).toEqual({ code: "FORWARDED", data: [], upstreams: [HOST_SERVER] });
	await expect(lookUp("web", "A", "s-quiet")).rejects.toMatchObject({
		reason: "SANDBOX_NOT_SERVED",
		code: "NOT_FOUND",
	});
	await expect(lookUp("web", "A", "nobody")).rejects.toMatchObject({ reason: "SANDBOX_NOT_SERVED" });
	await expect(lookUp("web", "BOGUS")).rejects.toMatchObject({ reason: "UNKNOWN_TYPE", field: "type" });
	await expect(lookUp("a..b", "A")).rejects.toMatchObject({ reason: "INVALID_DOMAIN_NAME", field: "name" });
	await inside.dig(PORT, "web", "A");
	await inside.dig(PORT, "example.com", "A");
	expect(await service.getStatus({})).toMatchObject({
		sandboxes: 1,
		counters: { queries: 2n, local: 1n, forwarded: 1n },
	});
});

it("lists the sandboxes that it serves by pages, with what each has asked", async () => {
	const [one, two] = [await scratch(), await scratch()];
	const { netdPath, dnsd: service } = await dnsd();
	const web = told("web", "172.18.0.2", { netnsPath: one.netnsPath, resolverPort: PORT });
	const app = {
		...told("app", "172.18.0.3", { netnsPath: two.netnsPath, resolverPort: PORT }),
		dnsServers: ["127.255.255.253"],
	};
	await using netd = await NameServiceDouble.start(netdPath, 1n, web, app, told("quiet", "172.18.0.4"));
	await acknowledged(netd, 1n);
	await one.dig(PORT, "app", "A");
	await one.dig(PORT, "none.frontend", "A", "+tcp");
	await two.dig(PORT, "example.com", "A");
	const first = await service.listSandboxes({ pageSize: 1, pageToken: "" });
	expect(first.sandboxes).toMatchObject([
		{ sandboxId: "s-app", name: "app", owner: "app", upstreams: ["127.255.255.253"] },
	]);
	expect(first.sandboxes[0]?.counters).toMatchObject({ queries: 1n, forwarded: 1n, failed: 1n, tcp: 0n });
	const second = await service.listSandboxes({ pageSize: 1, pageToken: first.nextPageToken });
	expect(second).toMatchObject({ sandboxes: [{ sandboxId: "s-web", upstreams: [HOST_SERVER] }], nextPageToken: "" });
	expect(second.sandboxes[0]?.counters).toMatchObject({ queries: 2n, local: 1n, absent: 0n, forwarded: 1n, tcp: 1n });
	await expect(service.listSandboxes({ pageSize: 1, pageToken: "nonsense" })).rejects.toMatchObject({
		reason: "INVALID_PAGE_TOKEN",
		field: "page_token",
	});
	await acknowledged(netd, netd.remove("s-web"));
	expect((await service.listSandboxes({ pageSize: 0, pageToken: "" })).sandboxes).toHaveLength(1);
	expect((await service.getStatus({})).counters).toMatchObject({ queries: 3n, local: 1n, failed: 2n });
	expect(await service.flushCache({})).toEqual({ entries: 0n });
});

it("tells each query to who watches, until they leave", async () => {
	const inside = await scratch();
	const { netdPath, dnsd: service } = await dnsd();
	const web = told("web", "172.18.0.2", { netnsPath: inside.netnsPath, resolverPort: PORT });
	await using netd = await NameServiceDouble.start(netdPath, 1n, web);
	await acknowledged(netd, 1n);
	const left = new AbortController();
	const filter = { sandboxIds: [], owners: ["web"], suffix: "frontend", failuresOnly: false };
	const watch = service.watchQueries(filter, { signal: left.signal });
	expect(await watch.next()).toEqual({ done: false, value: { queries: [], lost: 0n } });
	await inside.dig(PORT, "web", "A");
	await inside.dig(PORT, "WEB.frontend", "A", "+tcp");
	const { value } = await watch.next();
	expect(value).toMatchObject({
		lost: 0n,
		queries: [
			{
				sandboxId: "s-web",
				owner: "web",
				container: "web",
				transport: "TRANSPORT_TCP",
				name: "WEB.frontend",
				type: "A",
				outcome: "OUTCOME_LOCAL",
				code: "NOERROR",
				answers: 1,
				data: ["172.18.0.2"],
			},
		],
	});
	left.abort();
	await expect(watch.next()).rejects.toMatchObject({ code: "CANCELLED" });
	await expect(service.watchQueries({ ...filter, suffix: "a..b" }).next()).rejects.toMatchObject({
		reason: "INVALID_DOMAIN_NAME",
		field: "suffix",
	});
});
