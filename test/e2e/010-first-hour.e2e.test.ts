/** The README's first hour, as it is typed: SEEDS N1, N2, N8, N11, N14, N17, N19, V3, V8, V10. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FROM_SOURCES, Host, HOST_ADDRESS } from "../support/host.ts";
import { eventually } from "../support/eventually.ts";
import { webServer } from "../support/web.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot({ wharf: FROM_SOURCES });
	await host.wharfOk("up");
});

afterAll(() => takeDown(host));

describe("a new installation", () => {
	test("has the three networks of Docker", async () => {
		const lines = (await host.wharfOk("network", "ls")).split("\n").map((line) => line.split(/\s+/));
		expect(lines[0]).toEqual(["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"]);
		expect(lines.slice(1).map(([, name, driver, scope]) => [name, driver, scope])).toEqual([
			["bridge", "bridge", "local"],
			["host", "host", "local"],
			["none", "null", "local"],
		]);
		for (const [id] of lines.slice(1)) expect(id).toMatch(/^[0-9a-f]{12}$/);
	});

	test("says how it is", async () => {
		const status = await host.wharfOk("status");
		for (const service of ["ipamd", "netd", "dnsd", "volumed", "gateway", "nats"]) expect(status).toContain(service);
	});
});

describe("a web server and those who want it", () => {
	beforeAll(async () => {
		await host.wharfOk("network", "create", "front");
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
			...webServer(80, "hello from web"),
		);
		await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBe("hello from web"));
	});

	test("it is found by name from another container", async () => {
		const out = await host.wharfOk("run", "--rm", "--network", "front", "host", "curl", "-s", "http://web/");
		expect(out).toBe("hello from web");
	});

	test("it is reached through the host's loopback, its address, and from outside", async () => {
		expect(await host.fetch("http://127.0.0.1:8080/")).toBe("hello from web");
		expect(await host.fetch(`http://${HOST_ADDRESS}:8080/`)).toBe("hello from web");
		expect(await host.fetch(`http://${HOST_ADDRESS}:8080/`, { netns: "outside" })).toBe("hello from web");
	});

	test("a container on another network reaches neither its address nor its name, until it is connected", async () => {
		await host.wharfOk("network", "create", "back");
		await host.wharfOk("run", "-d", "--name", "client", "--network", "back", "host", "sleep", "1000");
		const address = await addressOf("web", "front");
		const curl = (url: string) => host.wharf(["exec", "client", "curl", "-s", "--max-time", "1", url]);
		expect((await curl(`http://${address}/`)).exitCode).not.toBe(0);
		expect((await curl("http://web/")).exitCode).not.toBe(0);

		await host.wharfOk("network", "connect", "front", "client");
		expect((await curl("http://web/")).stdout).toBe("hello from web");
		expect(await host.wharfOk("exec", "client", "ip", "-br", "link", "show", "eth1")).toContain("eth1@");
		const route = await host.wharfOk("exec", "client", "ip", "route", "show", "default");
		expect(route).toContain("dev eth0");

		await host.wharfOk("network", "disconnect", "front", "client");
		expect((await curl("http://web/")).exitCode).not.toBe(0);
	});

	test("ps, port and inspect say so", async () => {
		expect(await host.wharfOk("ps")).toMatch(/web/);
		expect(await host.wharfOk("ps")).toContain("0.0.0.0:8080->80/tcp");
		expect(await host.wharfOk("port", "web")).toBe("80/tcp -> 0.0.0.0:8080");
		const [inspected] = JSON.parse(await host.wharfOk("inspect", "web"));
		expect(inspected.State.Running).toBe(true);
		expect(inspected.NetworkSettings.Networks.front.IPAddress).toBe(await addressOf("web", "front"));
	});

	test("several are started alike, each with a port of its own of a range; then there is none", async () => {
		const flags = ["--network", "front", "-p", "8080-8082:80"];
		for (const name of ["one", "two"])
			await host.wharfOk("run", "-d", "--name", name, ...flags, "host", ...webServer(80, name));
		expect(await host.wharfOk("port", "one")).toBe("80/tcp -> 0.0.0.0:8081");
		expect(await host.wharfOk("port", "two")).toBe("80/tcp -> 0.0.0.0:8082");
		await eventually(async () => expect(await host.fetch(`http://${HOST_ADDRESS}:8082/`)).toBe("two"));
		const refused = await host.wharf(["run", "--rm", ...flags, "host", "true"]);
		expect([refused.exitCode, refused.stderr]).toEqual([125, expect.stringContaining("8080 to 8082/tcp")]);
		for (const name of ["one", "two"]) await host.wharfOk("rm", "-f", name);
	});

	test("a network in use stays, and its users are named", async () => {
		const { exitCode, stderr } = await host.wharf(["network", "rm", "front"]);
		expect(exitCode).toBe(1);
		expect(stderr).toContain("web");
	});

	test("stopping gives everything back but the record", async () => {
		await host.wharfOk("stop", "web");
		expect(await host.fetch("http://127.0.0.1:8080/")).toBeUndefined();
		expect(await host.wharfOk("ps", "-a")).toMatch(/web/);
		await host.wharfOk("start", "web");
		await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBe("hello from web"));
		await host.wharfOk("rm", "-f", "web", "client");
		await host.wharfOk("network", "rm", "front", "back");
	});
});

describe("a volume", () => {
	test("is written, backed up, read by GNU tar, restored elsewhere and the same", async () => {
		const archive = "/run/data.tar.zst";
		await host.wharfOk("volume", "create", "data");
		const script =
			"mkdir /data/deep && echo hello >/data/deep/greeting && ln /data/deep/greeting /data/again && chmod 4750 /data/again";
		await host.wharfOk("run", "--rm", "-v", "data:/data", "host", "sh", "-c", script);
		await host.wharfOk("volume", "backup", "data", "-o", archive);
		expect(await host.ok("tar", ["--zstd", "-tf", archive])).toContain("./deep/greeting");
		await host.wharfOk("volume", "restore", "copy", archive);
		const places = await Promise.all(["data", "copy"].map(mountpointOf));
		const listing = (place = "") => host.ok("find", [place, "-printf", "%P %M %U:%G %n %T@ %s\n"]);
		expect((await listing(places[1])).split("\n").sort()).toEqual((await listing(places[0])).split("\n").sort());
		expect(await host.ok("diff", ["-r", ...places])).toBe("");
		await host.ok("rm", [archive]);
	});

	test("goes through a pipe as well, whole", async () => {
		const { program } = host;
		await host.ok("sh", ["-c", `${program} volume backup data -o - | (sleep 1; ${program} volume restore piped -)`]);
		expect(await host.ok("diff", ["-r", ...(await Promise.all(["data", "piped"].map(mountpointOf)))])).toBe("");
		await host.wharfOk("volume", "rm", "piped");
	});

	test("a backup that is interrupted says so, and leaves no file", async () => {
		await host.wharfOk("run", "--rm", "-v", "big:/big", "host", "sh", "-c", "head -c 300000000 /dev/urandom >/big/x");
		const backup = `cd /run && timeout --preserve-status -s INT 1 ${host.program} volume backup big -o big.tar.zst; echo "exit $?"`;
		const { stdout, stderr } = await host.run("sh", ["-c", backup]);
		expect([stdout, stderr]).toEqual(["exit 130\n", "wharf: Interrupted: no archive was written.\n"]);
		await eventually(async () => expect(await host.ok("find", ["/run", "-maxdepth", "1", "-name", "*big*"])).toBe(""));
		await eventually(async () =>
			expect(await host.ok("find", ["/run", "-maxdepth", "1", "-name", ".wharf*"])).toBe(""),
		);
		await host.wharfOk("volume", "rm", "big");
	});

	test("stays while a container has it, even one that ended", async () => {
		await host.wharfOk("run", "-d", "--name", "holder", "-v", "data:/data", "host", "true");
		const { exitCode, stderr } = await host.wharf(["volume", "rm", "data"]);
		expect(exitCode).toBe(1);
		expect(stderr).toContain("holder");
		await eventually(async () => expect(await host.wharfOk("ps")).not.toContain("holder"));
		await host.wharfOk("rm", "holder");
		await host.wharfOk("volume", "rm", "data", "copy");
		expect(await host.wharfOk("volume", "ls", "-q")).toBe("");
	});
});

describe("a container's process", () => {
	test.each([
		[["true"], 0],
		[["sh", "-c", "exit 7"], 7],
		[["no-such-program"], 127],
		[["/etc/hostname"], 126],
	])("run %j exits with %i", async (command, status) => {
		expect((await host.wharf(["run", "--rm", "host", ...command])).exitCode).toBe(status);
	});

	test("writes to the right streams, and its log keeps both", async () => {
		const { stdout, stderr } = await host.wharf([
			"run",
			"--name",
			"talker",
			"host",
			"sh",
			"-c",
			"echo out; echo err >&2",
		]);
		expect([stdout, stderr]).toEqual(["out\n", "err\n"]);
		expect(await host.wharfOk("logs", "talker")).toBe("out");
		await host.wharfOk("rm", "talker");
	});

	test("has its environment, its own processes and the host's network when asked", async () => {
		expect(await host.wharfOk("run", "--rm", "-e", "COLOUR=blue", "host", "sh", "-c", "echo $COLOUR $$")).toBe(
			"blue 1",
		);
		const link = await host.wharfOk("run", "--rm", "--network", "host", "host", "ip", "-br", "address", "show", "eth0");
		expect(link).toContain(HOST_ADDRESS);
		const none = await host.wharfOk("run", "--rm", "--network", "none", "host", "ip", "-br", "link");
		expect(none.split("\n").map((line) => line.split(" ")[0])).toEqual(["lo"]);
	});
});

async function addressOf(container: string, network: string): Promise<string> {
	const [inspected] = JSON.parse(await host.wharfOk("inspect", container));
	return inspected.NetworkSettings.Networks[network].IPAddress;
}

async function mountpointOf(volume: string): Promise<string> {
	const [inspected] = JSON.parse(await host.wharfOk("volume", "inspect", volume));
	return inspected.Mountpoint;
}
