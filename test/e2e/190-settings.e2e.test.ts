/** SEEDS N4: the default network as `wharf.json` says, and what is said when it cannot be so yet. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

const say = (netd: object): Promise<void> => writeFile(join(host.root, "wharf.json"), JSON.stringify({ netd }));

/** Its name, too: nothing of that is left in the end. */
const NETWORK = { defaultBridge: "br9", bip: "10.19.0.1/24", fixedCidr: "10.19.0.64/26", mtu: 1400 };

beforeAll(async () => {
	host = await Host.boot();
	await mkdir(host.root, { recursive: true });
	await say(NETWORK);
	await host.wharfOk("up");
});

afterAll(() => takeDown(host));

async function inspected(): Promise<{ Id: string; Options: object; IPAM: { Config: object[] } }> {
	const [network] = JSON.parse(await host.wharfOk("network", "inspect", "bridge")) as [
		{ Id: string; Options: object; IPAM: { Config: object[] } },
	];
	return network;
}

/** What cannot be is told by its name. */
async function refusesToStart(netd: object): Promise<void> {
	await say(netd);
	const { exitCode, stdout, stderr } = await host.wharf(["up"], { timeoutMs: 120_000 });
	expect(exitCode).toBe(1);
	expect(stdout + stderr).toContain("netd.defaultGateway is 10.20.0.1; allowed is an address of 10.19.0.0/24");
}

test("it is so from the start: the bridge, what containers get, and what inspect shows", async () => {
	expect(await host.ok("ip", ["-o", "-4", "addr", "show", "dev", "br9"])).toContain("10.19.0.1/24");
	const shown = await host.wharfOk(
		"run",
		"--rm",
		"host",
		"sh",
		"-c",
		"ip -o -4 addr show dev eth0; ip -o link show dev eth0",
	);
	expect(shown).toMatch(/ 10\.19\.0\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\/24 /);
	expect(shown).toContain("mtu 1400");
	expect(await inspected()).toMatchObject({
		Options: { "com.docker.network.driver.mtu": "1400" },
		IPAM: { Config: [{ Subnet: "10.19.0.0/24", IPRange: "10.19.0.64/26", Gateway: "10.19.0.1" }] },
	});
	await host.wharfOk("run", "-d", "--ip", "10.19.0.9", "--name", "guest", "host", "sleep", "1000");
	await eventually(async () => expect(await audit(host)).toEqual([]));
});

test("a change waits for the containers on it, and doctor says so; then it is made, and stopped containers have it", async () => {
	const { Id } = await inspected();
	await host.wharfOk("down");
	await refusesToStart({ ...NETWORK, defaultGateway: "10.20.0.1" });
	await say({ ...NETWORK, mtu: 1300, ipMasq: false });
	await host.wharfOk("up");
	expect(await host.ok("ip", ["-o", "link", "show", "dev", "br9"])).toContain("mtu 1400");
	const { stdout } = await host.wharf(["doctor"]);
	expect(stdout).toContain("the MTU is 1400, and not 1300");
	expect(stdout).toContain("wharf stop guest");
	await host.wharfOk("stop", "-t", "0", "guest");
	await host.wharfOk("down");
	await host.wharfOk("up");
	expect((await host.wharf(["doctor"])).stdout).not.toContain("DEFAULT_NETWORK_DIFFERS");
	await host.wharfOk("start", "guest");
	expect(await host.wharfOk("exec", "guest", "ip", "-o", "link", "show", "dev", "eth0")).toContain("mtu 1300");
	expect((await inspected()).Id).toBe(Id);
	await host.wharfOk("rm", "-f", "guest");
	await eventually(async () => expect(await audit(host)).toEqual([]));
});

test("a configuration with a network that is made from it is left for the end", async () => {
	await host.wharfOk("network", "create", "--config-only", "--subnet", "10.29.0.0/24", "base");
	await host.wharfOk("network", "create", "--config-from", "base", "made");
	expect(await audit(host)).toEqual([]);
});
