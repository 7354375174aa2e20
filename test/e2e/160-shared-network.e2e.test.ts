/** `--network container:NAME`, SEEDS N7: two containers with one network, and what is left of it when its owner goes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { kill, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { webServer } from "../support/web.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	const web = ["--name", "web", "--network", "front", "-p", "8080:80", "host", ...webServer(80, "web")];
	await host.wharfOk("run", "-d", ...web);
	await host.wharfOk("run", "-d", "--name", "side", "--network", "container:web", "host", ...webServer(81, "side"));
	await eventually(async () => expect(await fetch("web", "http://127.0.0.1:81/")).toBe("side"));
});

afterAll(() => takeDown(host));

const exec = (container: string, ...command: string[]): Promise<string> => host.wharfOk("exec", container, ...command);

async function fetch(container: string, url: string): Promise<string> {
	const { stdout } = await host.wharf(["exec", container, "curl", "-s", "--max-time", "3", url]);
	return stdout;
}

/** The end of a link takes its moment after the answer. */
const clean = (): Promise<void> => eventually(async () => expect(await audit(host)).toEqual([]), 20_000);

/** What a container has of the network, by programs inside. */
async function network(container: string): Promise<string[]> {
	return Promise.all([
		exec(container, "ip", "-o", "addr"),
		exec(container, "cat", "/sys/class/net/eth0/address"),
		exec(container, "hostname"),
		exec(container, "cat", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"),
	]);
}

test("both have the same interfaces, MAC, addresses and names, and meet on 127.0.0.1", async () => {
	expect(await network("side")).toEqual(await network("web"));
	expect(await fetch("side", "http://127.0.0.1/")).toBe("web");
	expect(await fetch("web", "http://127.0.0.1:81/")).toBe("side");
	expect(await fetch("side", "http://web/")).toBe("web");
	const other = ["run", "--rm", "--network", "front", "host", "curl", "-s", "--max-time", "5", "http://web:81/"];
	expect(await host.wharfOk(...other)).toBe("side");
	expect(await host.fetch("http://127.0.0.1:8080/")).toBe("web");
	await clean();
});

test("a port that one has taken is taken for the other", async () => {
	const third = ["--name", "third", "--network", "container:side", "host", ...webServer(80, "third")];
	const { stdout, stderr, exitCode } = await host.wharf(["run", "--rm", ...third]);
	expect(exitCode).not.toBe(0);
	expect(stdout + stderr).toContain("EADDRINUSE");
});

test("inspect says whose network it is; what would be another network is refused, and says so", async () => {
	const idOf = async (name: string): Promise<string> =>
		(JSON.parse(await host.wharfOk("inspect", name)) as { Id: string }[])[0]?.Id ?? "";
	const web = await idOf("web");
	expect(JSON.parse(await host.wharfOk("inspect", "side"))).toMatchObject([
		{ HostConfig: { NetworkMode: `container:${web}` }, Config: { Hostname: web.slice(0, 12) } },
	]);
	const refused = async (...args: string[]): Promise<string> => {
		const { exitCode, stderr } = await host.wharf(args);
		return `${exitCode} ${stderr.split("\n")[0]}`;
	};
	const run = (...args: string[]): Promise<string> => refused("run", "--rm", ...args, "host", "true");
	expect(await run("--network", "container:web", "-p", "80:80")).toMatch(/^125 .*no ports to publish here/);
	expect(await run("--network", "container:web", "--ip", "10.0.0.9")).toMatch(/^125 .*no addresses and names here/);
	expect(await run("--network", "container:web", "-h", "x")).toMatch(/^125 .*no host name here/);
	expect(await run("--network", "container:nobody")).toMatch(/^125 .*no container "nobody"/);
	expect(await run("--network", "front", "--network", "container:web")).toMatch(/^125 .*cannot be joined beside/);
	expect(await refused("network", "connect", "bridge", "side")).toMatch(/^1 .*no networks of its own here/);
	await clean();
});

test("a network that its owner is connected to is both's; netd's and the gateway's ends are nothing to them", async () => {
	await host.wharfOk("network", "create", "back");
	await host.wharfOk("network", "connect", "back", "web");
	expect(await exec("side", "ls", "/sys/class/net")).toContain("eth1");
	await kill(host, "netd");
	await kill(host, "gateway");
	await settled(host);
	expect(await fetch("side", "http://127.0.0.1/")).toBe("web");
	await clean();
	await host.wharfOk("network", "disconnect", "back", "web");
	expect(await exec("side", "ls", "/sys/class/net")).not.toContain("eth1");
});

test("when its owner stops, it has the loopback only; started again, it shares again", async () => {
	await host.wharfOk("stop", "-t", "0", "web");
	expect((await exec("side", "ls", "/sys/class/net")).split(/\s+/)).toEqual(["lo"]);
	expect(await fetch("side", "http://127.0.0.1:81/")).toBe("side");
	expect(await host.fetch("http://127.0.0.1:8080/")).toBeUndefined();
	await host.wharfOk("stop", "-t", "0", "side");
	const { exitCode, stderr } = await host.wharf(["start", "side"]);
	expect([exitCode, stderr]).toEqual([1, expect.stringContaining("which does not run")]);
	await clean();
	await host.wharfOk("start", "web");
	await host.wharfOk("start", "side");
	await eventually(async () => expect(await fetch("side", "http://127.0.0.1/")).toBe("web"));
	await clean();
});

test("its end leaves the owner's network; the owner's removal leaves nothing", async () => {
	await host.wharfOk("rm", "-f", "side");
	expect(await host.fetch("http://127.0.0.1:8080/")).toBe("web");
	await host.wharfOk("run", "-d", "--name", "side", "--network", "container:web", "host", "sleep", "1000");
	await host.wharfOk("rm", "-f", "web");
	const { stderr } = await host.wharf(["run", "--rm", "--network", "container:side", "host", "true"]);
	expect(stderr).toContain("and there is no such container any more");
	await host.wharfOk("rm", "-f", "side");
	await clean();
});
