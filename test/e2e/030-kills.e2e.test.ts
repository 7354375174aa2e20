/** A service is killed in the middle of twenty runs: afterwards the stores and the kernel agree, by the audit's account. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { Host } from "../support/host.ts";
import { kill, settled } from "../support/services.ts";
import { eventually } from "../support/eventually.ts";
import { webServer } from "../support/web.ts";
import { takeDown } from "../support/take-down.ts";

const RUNS = 20;

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
});

afterAll(() => takeDown(host));

describe.each(["netd", "ipamd", "dnsd", "volumed", "gateway"])("%s killed in the middle of twenty runs", (service) => {
	test("leaves what the stores say", async () => {
		const runs = Array.from({ length: RUNS }, (_, index) =>
			host.wharf([
				"run",
				"-d",
				"--name",
				`c${index}`,
				"--network",
				"front",
				"-p",
				`${9000 + index}:80`,
				"host",
				"sleep",
				"1000",
			]),
		);
		await Promise.race(runs);
		await kill(host, service);
		const ended = await Promise.all(runs);
		await settled(host);
		await eventually(async () => expect(await audit(host)).toEqual([]), 20_000);

		for (const { exitCode, stderr } of ended) {
			expect(stderr).not.toMatch(/\n\s+at /);
			expect(exitCode === 0 ? "" : stderr).toMatch(exitCode === 0 ? /^$/ : /^wharf: /);
		}
		const running = await containers();
		const succeeded = ended.filter(({ exitCode }) => exitCode === 0).length;
		expect(running.length).toBeGreaterThanOrEqual(succeeded);
		for (const name of (await host.wharfOk("ps", "-aq")).split("\n"))
			if (name !== "") await host.wharfOk("rm", "-f", name);
		await eventually(async () => expect(await audit(host)).toEqual([]), 20_000);
	});
});

test("traffic goes on while every service is stopped, and they take it up again", async () => {
	await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"front",
		"-p",
		"8080:80",
		"host",
		...webServer(80, "still here"),
	);
	await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBe("still here"));
	await host.wharfOk("down");
	expect(await host.fetch("http://127.0.0.1:8080/")).toBe("still here");
	expect(await host.fetch("http://198.51.100.1:8080/", { netns: "outside" })).toBe("still here");
	await host.wharfOk("up");
	expect(await audit(host)).toEqual([]);
	expect(await containers()).toEqual(["web"]);
	expect(await host.fetch("http://127.0.0.1:8080/")).toBe("still here");
	expect(await host.wharfOk("run", "--rm", "--network", "front", "host", "curl", "-s", "http://web/")).toBe(
		"still here",
	);
	await host.wharfOk("rm", "-f", "web");
});

test("the supervisor's end is the end of the services, and the next `up` begins anew", async () => {
	const pids = (await host.ok("pgrep", ["-f", "supervisor"])).trim().split("\n");
	await host.run("kill", ["-KILL", ...pids]);
	await eventually(async () => expect((await host.wharf(["network", "ls"])).exitCode).toBe(1));
	await host.wharfOk("up");
	expect(await host.wharfOk("network", "ls")).toContain("front");
});

test("after a power cut, what ran has ended and nothing else is left of it", async () => {
	await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"front",
		"-p",
		"8080:80",
		"-v",
		"data:/data",
		"host",
		"sleep",
		"1000",
	);
	await host.powerCycle();
	await host.wharfOk("up");
	await eventually(async () => expect(await audit(host)).toEqual([]));
	expect(await host.wharfOk("ps", "-q")).toBe("");
	expect(await containers("-a")).toEqual(["web"]);
	await host.wharfOk("start", "web");
	expect(await containers()).toEqual(["web"]);
	await host.wharfOk("rm", "-f", "web");
});

/** Names of the containers, as `ps` has them. */
async function containers(...flags: string[]): Promise<string[]> {
	const lines = (await host.wharfOk("ps", ...flags, "--format", "json")).split("\n").filter((line) => line !== "");
	return lines.map((line) => (JSON.parse(line) as { Names: string }).Names);
}
