/** When `network connect` has returned, the name resolves; when `disconnect` has returned, it does not. A hundred times. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("network", "create", "other");
	await host.wharfOk("run", "-d", "--name", "asker", "--network", "front", "host", "sleep", "1000");
	await host.wharfOk("run", "-d", "--name", "comer", "--network", "other", "host", "sleep", "1000");
});

afterAll(() => takeDown(host));

/** One question, asked once: the addresses that asker is told. */
async function lookUp(name: string): Promise<string[]> {
	const [{ State }] = JSON.parse(await host.wharfOk("inspect", "asker"));
	const dig = ["-t", String(State.Pid), "-n", "--", "dig", "+short", "+tries=1", "+time=2", "@127.0.0.11", name];
	return (await host.ok("nsenter", dig)).split("\n").filter((line) => line !== "");
}

test("a hundred connects, each resolved at the first try, and a hundred disconnects", async () => {
	const missed: number[] = [];
	for (let round = 0; round < 100; round++) {
		await host.wharfOk("network", "connect", "front", "comer");
		if ((await lookUp("comer")).length !== 1) missed.push(round);
		await host.wharfOk("network", "disconnect", "front", "comer");
		if ((await lookUp("comer.front")).length !== 0) missed.push(-round);
	}
	expect(missed).toEqual([]);
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
	const dnsmasq = [
		"--keep-in-foreground",
		"--no-resolv",
		"--no-hosts",
		"--conf-file=/dev/null",
		"--user=root",
		"--pid-file=",
	];
	const upstream = host.start("dnsmasq", [...dnsmasq, "--address=/example.test/203.0.113.7"], { netns: "outside" });
	try {
		const answer = await host.wharfOk("exec", "asker", "dig", "+short", "+tries=5", "+time=1", "www.example.test");
		expect(answer.trim()).toBe("203.0.113.7");
	} finally {
		upstream.kill();
		await upstream.done;
	}
});
