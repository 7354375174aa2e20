/** When `network connect` has returned, the name resolves; when `disconnect` has returned, it does not. A thousand times. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ListSandboxesRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { client } from "#lib/rpc/client.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { Upstream } from "../support/upstream.ts";

let host: Host;
let upstream: Upstream | undefined;

beforeAll(async () => {
	host = await Host.boot();
	upstream = await Upstream.start(host, "--address=/example.test/203.0.113.7");
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("network", "create", "other");
	await host.wharfOk("run", "-d", "--name", "asker", "--network", "front", "host", "sleep", "1000");
	await host.wharfOk("run", "-d", "--name", "comer", "--network", "other", "host", "sleep", "1000");
});

afterAll(async () => {
	await upstream?.end();
	await takeDown(host);
});

/** One question, asked once: the addresses that asker is told. */
async function lookUp(name: string): Promise<string[]> {
	const [{ State }] = JSON.parse(await host.wharfOk("inspect", "asker"));
	const dig = ["-t", String(State.Pid), "-n", "--", "dig", "+short", "+tries=1", "+time=2", "@127.0.0.11", name];
	return (await host.ok("nsenter", dig)).split("\n").filter((line) => line !== "");
}

const ROUNDS = 1_000;

test(`${ROUNDS} connects, each resolved at the first try, and as many disconnects`, { timeout: 300_000 }, async () => {
	const socket = join(host.root, "run/netd.sock");
	using netd = client(SandboxServiceService, { unix: socket });
	const { sandboxes } = await netd.listSandboxes(ListSandboxesRequest.fromPartial({}));
	const of = (name: string) => sandboxes.find((sandbox) => sandbox.name === name);
	const task = { socket, network: "front", sandboxId: of("comer")?.id, name: "comer", rounds: ROUNDS };
	const program = [process.execPath, join(CHECKOUT, "test/support/names-come-and-go.ts"), JSON.stringify(task)];
	const inside = [`--net=${of("asker")?.netnsPath}`, "--", ...program];
	expect(JSON.parse(await host.ok("nsenter", inside, { timeoutMs: 280_000 }))).toEqual([]);
});

test("so it is at the command line", async () => {
	for (let round = 0; round < 3; round++) {
		await host.wharfOk("network", "connect", "front", "comer");
		expect(await lookUp("comer")).toHaveLength(1);
		await host.wharfOk("network", "disconnect", "front", "comer");
		expect(await lookUp("comer.front")).toEqual([]);
	}
});

test.each(["netd", "dnsd"])("so it is when %s was killed the moment before", async (service) => {
	await kill(host, service);
	await host.wharfOk("network", "connect", "front", "comer");
	expect(await lookUp("comer")).toHaveLength(1);
	await host.wharfOk("network", "disconnect", "front", "comer");
	expect(await lookUp("comer.front")).toHaveLength(0);
});

test("aliases, short ids and reverse names, over UDP and TCP", async () => {
	await host.wharfOk("network", "connect", "--alias", "db", "front", "comer");
	const [{ Id, NetworkSettings }] = JSON.parse(await host.wharfOk("inspect", "comer"));
	const address: string = NetworkSettings.Networks.front.IPAddress;
	const dig = async (...query: string[]) => (await host.wharfOk("exec", "asker", "dig", "+short", ...query)).trim();
	expect(await dig("db")).toBe(address);
	expect(await dig("+tcp", "COMER.front")).toBe(address);
	expect(await dig(String(Id).slice(0, 12))).toBe(address);
	expect(await dig("-x", address)).toBe("comer.front.");
	expect(await dig("AAAA", "comer")).toBe("");
	expect(await host.wharfOk("exec", "asker", "dig", "AAAA", "comer")).toContain("status: NOERROR");
	expect(await host.wharfOk("exec", "asker", "getent", "hosts", "comer")).toContain(address);
});

test("other names are asked at the host's resolver", async () => {
	const answer = await host.wharfOk("exec", "asker", "dig", "+short", "+tries=5", "+time=1", "www.example.test");
	expect(answer.trim()).toBe("203.0.113.7");
	expect(await host.wharfOk("exec", "asker", "dig", "nobody.example")).toContain("status: NXDOMAIN");
});
