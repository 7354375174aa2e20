/** `wharf doctor`: what it says of a host, as a person reads it and as a program does. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host } from "../support/host.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "-o", "com.docker.network.bridge.name=br-front", "front");
});

afterAll(() => host[Symbol.asyncDispose]());

/** The findings, as a program has them. */
async function found(): Promise<{ exitCode: number | undefined; codes: string[]; commands: string[] }> {
	const { exitCode, stdout } = await host.wharf(["doctor", "--format", "json"]);
	const lines = stdout.split("\n").filter((line) => line !== "");
	// One object a line, as `gateway/cli/commands/doctor.ts` writes them.
	const findings = lines.map((line) => JSON.parse(line) as { Severity: string; Code: string; Commands: string[] });
	return {
		exitCode,
		codes: findings.map(({ Severity, Code }) => `${Severity} ${Code}`),
		commands: findings.flatMap(({ Commands }) => Commands),
	};
}

test("a host without trouble", async () => {
	// Whether the machine shows bridged frames to the rules is no matter of this host's.
	expect(await host.wharf(["doctor"])).toMatchObject({ exitCode: 0, stdout: "Nothing found.\n", stderr: "" });
	expect(await host.wharf(["doctor", "--format", "json"])).toMatchObject({ exitCode: 0, stdout: "" });
});

test("a warning is told, and is no failure", async () => {
	await host.ok("ip", ["link", "set", "eth0", "mtu", "1400"]);
	const { exitCode, stdout } = await host.wharf(["doctor"]);
	expect(exitCode).toBe(0);
	expect(stdout).toMatch(/^SEVERITY +CODE +FINDING\n/);
	expect(stdout).toMatch(
		/^warning +MTU_TOO_LARGE +The network front has an MTU of 1500, and the way out, eth0, one of 1400/m,
	);
	expect(stdout).toContain("\n    wharf network create -o com.docker.network.driver.mtu=1400 front-1400\n");
});

test("an error is one, and goes when the printed commands are run; the traffic flows then", async () => {
	await host.ok("ip", ["link", "set", "eth0", "mtu", "1500"]);
	const serve = ["host", "python3", "-m", "http.server", "80", "--directory", "/etc"];
	await host.wharfOk("run", "-d", "--name", "web", "--network", "front", "-p", "8080:80", ...serve);
	const outside = { netns: "outside" };
	const url = "http://198.51.100.1:8080/hostname";
	await expect.poll(() => host.fetch(url, outside), { timeout: 20_000 }).toBeDefined();

	await host.ok("iptables", ["-P", "FORWARD", "DROP"]);
	await host.ok("iptables", ["-N", "DOCKER-USER"]);
	await host.ok("iptables", ["-A", "FORWARD", "-j", "DOCKER-USER"]);
	expect(await host.fetch(url, outside)).toBeUndefined();
	const before = await found();
	expect(before.exitCode).toBe(1);
	expect(before.codes.filter((code) => code.startsWith("error"))).toEqual(["error FOREIGN_DROP", "error FOREIGN_DROP"]);
	expect(before.commands).toContain("iptables -I DOCKER-USER -i br-front -j ACCEPT");

	for (const line of before.commands.filter((each) => each.startsWith("iptables"))) await host.ok("sh", ["-c", line]);
	expect(await found()).toMatchObject({ exitCode: 0 });
	expect(await host.fetch(url, outside)).toBeDefined();
});

test("without services it says so", async () => {
	await host.wharfOk("rm", "-f", "web");
	await host.wharfOk("down");
	const { exitCode, stderr } = await host.wharf(["doctor"]);
	expect(exitCode).toBe(1);
	expect(stderr).toContain("wharf up");
});
