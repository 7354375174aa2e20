/** Whatever is typed wrong: one clear sentence, what to do, exit status not 0, and nothing changed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprint } from "../support/audit/fingerprint.ts";
import { Host } from "../support/host.ts";
import { webServer } from "../support/web.ts";
import { kill } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "--subnet", "172.28.0.0/16", "taken");
	await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"taken",
		"--ip",
		"172.28.0.9",
		"-p",
		"8080:80",
		"host",
		...webServer(80, "x"),
	);
	host.start("python3", ["-m", "http.server", "--bind", "0.0.0.0", "8081"]);
});

afterAll(() => takeDown(host));

const run = ["run", "-d", "--network", "taken"];
const end = ["host", "sleep", "9"];

test.each<[string, string[], number, RegExp]>([
	["an unknown network", ["run", "-d", "--network", "nowhere", ...end], 125, /nowhere.*not found|no network.*nowhere/i],
	["a network's name taken", ["network", "create", "taken"], 1, /taken/],
	["a container's name taken", [...run, "--name", "web", ...end], 125, /web/],
	["a malformed subnet", ["network", "create", "--subnet", "172.300.0.0/16", "n"], 1, /172\.300\.0\.0\/16/],
	["a subnet with host bits", ["network", "create", "--subnet", "172.30.0.1/16", "n"], 1, /172\.30\.0\.0\/16/],
	[
		"an overlapping subnet",
		["network", "create", "--subnet", "172.28.4.0/24", "n"],
		1,
		/172\.28\.0\.0\/16, .*network taken/,
	],
	[
		"a gateway outside",
		["network", "create", "--subnet", "172.30.0.0/16", "--gateway", "10.0.0.1", "n"],
		1,
		/10\.0\.0\.1/,
	],
	["a port that a container has", [...run, "-p", "8080:80", ...end], 125, /8080.*web/],
	["a port that a program has", [...run, "-p", "8081:80", ...end], 125, /8081/],
	["an address taken", [...run, "--ip", "172.28.0.9", ...end], 125, /172\.28\.0\.9/],
	["an address outside", [...run, "--ip", "10.9.9.9", ...end], 125, /10\.9\.9\.9/],
	[
		"an address on an automatic network",
		["run", "-d", "--network", "bridge", "--ip", "172.17.0.9", ...end],
		125,
		/subnet/i,
	],
	["a missing image", ["run", "-d", "nosuchimage", "true"], 125, /nosuchimage/],
	["no command", ["run", "-d", "host"], 125, /command/i],
	["a bad port", [...run, "-p", "99999:80", ...end], 125, /99999/],
	["a bad volume name", ["volume", "create", "../etc"], 1, /\.\.\/etc/],
	["an unknown volume", ["volume", "rm", "nosuch"], 1, /nosuch/],
	["an unknown command", ["netwrok", "ls"], 1, /network/],
	["a command that a group has not", ["network", "prune"], 1, /no command `wharf network prune`\.$/m],
	["an image without a name", ["run", "-d", "", "true"], 125, /image/],
	["a backup to nowhere", ["volume", "backup", "data"], 1, /-o FILE/],
	["an unknown flag", ["network", "create", "--subnte", "10.0.0.0/8", "n"], 1, /--subnet/],
	[
		"an unknown option",
		["network", "create", "-o", "com.docker.network.bridge.nmae=x", "n"],
		1,
		/com\.docker\.network\.bridge\.name/,
	],
	["an unknown container", ["stop", "nosuch"], 1, /nosuch/],
	["a bind that is not absolute", [...run, "-v", "rel/ative:/x", ...end], 125, /rel\/ative/],
	["an archive that is missing", ["volume", "restore", "copy", "/nowhere.tar"], 1, /\/nowhere\.tar/],
	["ports on the host's network", ["run", "-d", "--network", "host", "-p", "1:1", ...end], 125, /host/],
])("%s", async (_, args, status, sentence) => {
	const before = await fingerprint(host);
	const { exitCode, stdout, stderr } = await host.wharf(args);
	expect(stderr).toMatch(sentence);
	expect(exitCode).toBe(status);
	expect(stdout).toBe("");
	expect(stderr.split("\n").length).toBeLessThanOrEqual(4);
	expect(stderr).not.toMatch(/\n\s+at |Error:|undefined|\[object/);
	expect(await fingerprint(host)).toEqual(before);
});

test("services not running", async () => {
	await using other = await Host.boot();
	const { exitCode, stderr } = await other.wharf(["network", "ls"]);
	expect(exitCode).toBe(1);
	expect(stderr).toContain("wharf up");
	expect((await other.wharf(["run", "host", "true"])).exitCode).toBe(125);
});

test("a root that cannot be the root", async () => {
	for (const root of ["/proc/wharf", "/etc/passwd"]) {
		const { exitCode, stderr } = await host.wharf(["up"], { env: { WHARF_ROOT: root } });
		expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`cannot keep its files in ${root}`)]);
	}
});

test("a full disk: what needs room is refused, the services stay, and all is well when there is room again", async () => {
	const small = { env: { WHARF_ROOT: "/run/small" }, timeoutMs: 120_000 };
	const wharf = (...args: string[]) => host.wharf(args, small);
	await host.ok("mkdir", ["/run/small"]);
	await host.ok("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", "/run/small"]);
	expect((await wharf("up")).exitCode).toBe(0);
	await host.run("dd", ["if=/dev/zero", "of=/run/small/fill", "bs=64k"]);
	const refused = await wharf("volume", "create", "refused");
	expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("full")]);
	await host.ok("rm", ["/run/small/fill"]);
	expect((await wharf("volume", "create", "fine")).exitCode).toBe(0);
	const { stdout } = await wharf("status", "--format", "json");
	const states = stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	expect(states.map(({ State, Restarts }) => [State, Restarts])).toEqual(states.map(() => ["serving", 0]));
	expect((await wharf("down", "--all", "--volumes")).exitCode).toBe(0);
	await host.ok("umount", ["/run/small"]);
});

test("what is not there is no failure with -f, and is told", async () => {
	for (const args of [["rm"], ["network", "rm"], ["volume", "rm"]]) {
		const { exitCode, stderr } = await host.wharf([...args, "-f", "nosuch"]);
		expect([exitCode, stderr]).toEqual([0, expect.stringContaining("nosuch")]);
	}
});

test("a service that was killed a moment ago is waited for", async () => {
	await kill(host, "netd", "KILL");
	expect(await host.wharfOk("network", "ls", "-q")).not.toBe("");
});

test("no privileges", async () => {
	const nobody = (...args: string[]) =>
		host.run("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", host.program, ...args]);
	const up = await nobody("up");
	expect(up.exitCode).toBe(1);
	expect(up.stderr).toMatch(/root/);
	const list = await nobody("network", "ls");
	expect(list.exitCode).toBe(1);
	expect(list.stderr).toMatch(/may not open .*netd\.sock/);
	expect(list.stderr).toMatch(/group wharf/);
	expect((await nobody("status")).stderr).toMatch(/may not open/);
});

test("the events while NATS is gone; everything else goes on", async () => {
	await kill(host, "nats", "STOP");
	try {
		const { exitCode, stderr } = await host.wharf(["events", "--no-follow"], { timeoutMs: 30_000 });
		expect(exitCode).toBe(1);
		expect(stderr).toMatch(/NATS/);
		await host.wharfOk("network", "create", "meanwhile");
		await host.wharfOk("network", "rm", "meanwhile");
	} finally {
		await kill(host, "nats", "CONT");
	}
});
