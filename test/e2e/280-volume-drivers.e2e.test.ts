/** SEEDS V12: volumes that are more than a directory: a size, memory, a bind, a plugin, a directory of another host; killed, and after a reboot. */
import { dirname, join } from "node:path";
import type { Child } from "#lib/exec/run.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { mounts, processes } from "../support/audit/kernel.ts";
import { eventually } from "../support/eventually.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { inspectVolume, linesOf, mountAt } from "../support/mounts.ts";
import { kill, settled } from "../support/services.ts";
import { SshOfHost } from "../support/ssh-of-host.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;
let ssh: SshOfHost;
let plugin: Child | undefined;
/** What the plugin has. */
let painted = "";

const SOCKET = "/run/docker/plugins/painter.sock";

beforeAll(async () => {
	host = await Host.boot();
	painted = join(dirname(host.root), "painted");
	await host.ok("mkdir", ["-p", "/run/docker/plugins", painted]);
	await host.wharfOk("up");
	ssh = await SshOfHost.create(host);
	await ssh.start();
	await startPlugin();
});

afterAll(async () => {
	await ssh[Symbol.asyncDispose]();
	await killPlugin();
	await takeDown(host);
});

async function startPlugin(): Promise<void> {
	plugin = host.start(process.execPath, [join(CHECKOUT, "test/support/volume-plugin.ts"), SOCKET, painted]);
	const ping = ["-s", "--max-time", "2", "--unix-socket", SOCKET, "-X", "POST", "http://plugin/Plugin.Activate"];
	await eventually(async () => expect(await host.ok("curl", ping)).toContain("VolumeDriver"));
}

/** Its socket stays, as after any SIGKILL. */
async function killPlugin(): Promise<void> {
	plugin?.kill("SIGKILL");
	await plugin?.done;
	plugin = undefined;
}

const wharf = (...args: string[]): Promise<string> => host.wharfOk(...args);
const create = (name: string, ...options: string[]): Promise<string> =>
	wharf("volume", "create", ...options.flatMap((option) => ["-o", option]), name);
const run = (flags: readonly string[], script: string): Promise<string> =>
	wharf("run", "--rm", "--network", "none", ...flags, "host", "sh", "-c", script);
const start = (name: string, ...flags: string[]): Promise<string> =>
	wharf("run", "-d", "--name", name, "--network", "none", ...flags, "host", "sleep", "1000");
const inside = (container: string, script: string): Promise<string> => wharf("exec", container, "sh", "-c", script);
const at = async (name: string): Promise<string> => (await inspectVolume(host, name)).Mountpoint;
const status = async (name: string): Promise<Readonly<Record<string, string>>> =>
	(await inspectVolume(host, name)).Status ?? {};
/** The loop devices of this instance's volumes, as losetup(8) prints them: there are others on this machine. */
const loops = async (): Promise<string[]> =>
	linesOf(await host.ok("losetup", ["-a"])).filter((line) => line.includes(host.root));
async function refused(...args: string[]): Promise<string> {
	const { exitCode, stdout, stderr } = await host.wharf(args);
	expect(stdout).toBe("");
	expect(stderr).not.toMatch(/\n\s+at |undefined|\[object/);
	return `${exitCode} ${stderr}`;
}
const users = async (name: string): Promise<string | undefined> => (await status(name))["users"];

describe("local", () => {
	test("a size is kept to: ENOSPC, its content is there again, and nothing is mounted when the container has ended", async () => {
		await create("bounded", "size=16m");
		const enforced = (await status("bounded"))["enforced_by"] ?? "";
		expect(enforced).not.toMatch(/^(nothing)?$/);
		await start("writer", "-v", "bounded:/data");
		expect(await inside("writer", "dd if=/dev/zero of=/data/x bs=64k count=512 2>&1 || du -m /data/x")).toMatch(
			/No space left on device[^]*\n1[0-6]\t\/data\/x$/,
		);
		const isImage = enforced.startsWith("a file system of its own in ");
		expect(await loops()).toHaveLength(isImage ? 1 : 0);
		expect((await mountAt(host, await at("bounded")))?.fstype).toBe(isImage ? "ext4" : undefined);
		expect(await audit(host)).toEqual([]);
		await wharf("stop", "-t", "0", "writer");
		await eventually(async () =>
			expect([await mountAt(host, await at("bounded")), await loops()]).toEqual([undefined, []]),
		);
		await wharf("start", "writer");
		expect(await inside("writer", "rm /data/x && echo room >/data/y && cat /data/y")).toBe("room");
		await wharf("rm", "-f", "writer");
		expect(await run(["-v", "bounded:/data:ro"], "cat /data/y")).toBe("room");
		expect(await refused("volume", "create", "-o", "size=32m", "bounded")).toMatch(
			/^1 .*bounded is there already, .*size/,
		);
		await wharf("volume", "rm", "bounded");
		expect([await loops(), (await host.run("ls", [`${host.root}/volumes`])).stdout]).toEqual([[], ""]);
	});

	test("memory, shared by those who run at one time and gone with the last; a directory of the host by another name", async () => {
		await create("memory", "type=tmpfs", "device=tmpfs", "o=size=1m,uid=1000,mode=700");
		await host.ok("mkdir", ["-p", "/run/srv"]);
		await create("bound", "type=none", "device=/run/srv", "o=bind");
		const flags = ["-v", "memory:/m", "-v", "bound:/b"];
		await start("one", ...flags);
		await start("two", ...flags);
		expect(await inside("one", "echo shared >/m/x; echo bound >/b/x; stat -c '%a %u' /m; findmnt -no FSTYPE /m")).toBe(
			"700 1000\ntmpfs",
		);
		expect(await inside("two", "cat /m/x /b/x")).toBe("shared\nbound");
		expect(await host.ok("cat", ["/run/srv/x", `${await at("memory")}/x`])).toBe("bound\nshared\n");
		await wharf("rm", "-f", "one");
		expect(await inside("two", "cat /m/x")).toBe("shared");
		await wharf("rm", "-f", "two");
		expect(await mountAt(host, await at("memory"))).toBeUndefined();
		expect(await run(flags, "ls /m; cat /b/x")).toBe("bound");
		await wharf("volume", "rm", "memory", "bound");
		expect(await host.ok("cat", ["/run/srv/x"])).toBe("bound\n");
	});
});

describe("a plugin", () => {
	const calls = async (): Promise<string[]> => linesOf(await host.ok("cat", [join(painted, "calls")]));

	test("makes, mounts once for each run, tells and removes its volumes", async () => {
		expect(await wharf("volume", "create", "-d", "painter", "-o", "colour=red", "--label", "team=art", "wall")).toBe(
			"wall",
		);
		expect(await inspectVolume(host, "wall")).toMatchObject({
			...{ Driver: "painter", Labels: { team: "art" }, Options: { colour: "red" } },
			Status: { colour: "red", users: "0", scope: "global" },
		});
		await start("artist", "-v", "wall:/wall", "--volume-driver", "painter", "-v", "fence:/fence");
		await inside("artist", "echo red >/wall/paint");
		expect(await host.ok("cat", [`${painted}/volumes/wall/paint`])).toBe("red\n");
		expect(await host.ok("ls", [`${painted}/volumes`])).toBe("fence\nwall\n");
		expect([await at("wall"), await users("wall"), await users("fence")]).toEqual([
			`${painted}/volumes/wall`,
			"1",
			"1",
		]);
		expect(linesOf(await wharf("volume", "ls", "-q", "-f", "driver=painter"))).toEqual(["fence", "wall"]);
		expect(await refused("volume", "rm", "wall")).toMatch(/^1 .*in use by artist/);
		await wharf("rm", "-f", "artist");
		expect([await users("wall"), await users("fence")]).toEqual(["0", "0"]);
		expect(await run(["-v", "wall:/wall:ro"], "cat /wall/paint")).toBe("red");
		const made = (await calls()).filter((call) => /^(Mount|Unmount) wall/.test(call)).map((call) => call.split(" ")[0]);
		expect(made).toEqual(["Mount", "Unmount", "Mount", "Unmount"]);
		await wharf("volume", "rm", "fence");
		expect(await host.ok("ls", [`${painted}/volumes`])).toBe("wall\n");
		expect(await audit(host)).toEqual([]);
	});

	test("its refusal is in its own words; a driver that is not there is told with those that are", async () => {
		expect(await refused("volume", "create", "-d", "painter", "-o", "colour=octarine", "sky")).toMatch(
			/^1 wharf: The volume driver painter failed at .*: there is no paint of the colour octarine\./,
		);
		expect(await refused("volume", "create", "-d", "panter", "sky")).toMatch(
			/^1 wharf: There is no volume driver panter; there is local, sshfs, painter\./,
		);
		expect(linesOf(await wharf("volume", "ls", "-q"))).toEqual(["wall"]);
	});

	test("dead, it fails those who need it and nobody else; a container that has its volume goes on; back, it works", async () => {
		await start("artist", "-v", "wall:/wall");
		await killPlugin();
		expect(await inside("artist", "echo more >>/wall/paint; cat /wall/paint")).toBe("red\nmore");
		const failed = await refused("run", "--rm", "-v", "wall2:/x", "--volume-driver", "painter", "host", "true");
		expect(failed).toMatch(/^125 wharf: The volume driver painter failed at .*: nothing listens on its socket\./);
		expect(await refused("volume", "create", "-d", "painter", "sky")).toMatch(
			/^1 wharf: The volume driver painter failed/,
		);
		expect(linesOf(await wharf("volume", "ls", "-q"))).toEqual(["wall"]);
		await wharf("volume", "create", "unaffected");
		await wharf("volume", "rm", "unaffected");
		expect(await refused("volume", "rm", "wall")).toMatch(/^1 .*in use by artist/);
		await startPlugin();
		expect(await run(["-v", "wall:/wall"], "cat /wall/paint")).toBe("red\nmore");
		expect(await users("wall")).toBe("1");
		await wharf("rm", "-f", "artist");
		expect(await users("wall")).toBe("0");
	});

	test("killed while it is asked: that is said, and what is left of the container can be removed when it is back", async () => {
		await host.ok("touch", [join(painted, "slow")]);
		const asked = refused("run", "--rm", "--name", "unlucky", "-v", "wall:/wall", "host", "true");
		await eventually(async () => expect((await calls()).at(-1)).toMatch(/^Mount wall /));
		await killPlugin();
		expect(await asked).toMatch(/^125 wharf: The volume driver painter failed at VolumeDriver\.Mount: .*\.\n/);
		await host.ok("rm", [join(painted, "slow")]);
		await startPlugin();
		expect(await wharf("ps", "-a")).toMatch(/Removing +unlucky/);
		// The gateway would do it by itself, in half a minute.
		expect(await wharf("rm", "-f", "unlucky")).toBe("unlucky");
		expect(await audit(host)).toEqual([]);
		expect(await users("wall")).toBe("0");
	});

	test("slow, it is waited for, and holds nobody else up", async () => {
		await host.ok("touch", [join(painted, "slow")]);
		const waiting = run(["-v", "wall:/wall"], "cat /wall/paint");
		waiting.catch(() => undefined); // awaited below
		await eventually(async () => expect((await calls()).at(-1)).toMatch(/^Mount wall /));
		await wharf("volume", "create", "meanwhile");
		expect(await run(["-v", "meanwhile:/x"], "echo done")).toBe("done");
		await wharf("volume", "rm", "meanwhile");
		expect(await refused("volume", "rm", "wall")).toMatch(/^1 .*in use by/);
		await host.ok("rm", [join(painted, "slow")]);
		expect(await waiting).toBe("red\nmore");
		expect(await users("wall")).toBe("0");
		await wharf("volume", "rm", "wall");
		expect(await host.ok("ls", [`${painted}/volumes`])).toBe("");
	});
});

describe("sshfs", () => {
	test("a directory of a server is the volume; with the server away a start is refused in one sentence, and works when it is back", async () => {
		await wharf("volume", "create", "-d", "sshfs", ...(await ssh.options()), "remote");
		await wharf("create", "--name", "far", "-v", "remote:/remote", "host", "sh", "-c", "cat /remote/note; sleep 1000");
		await host.ok("sh", ["-c", 'echo from the server >"$0/note"', ssh.content]);
		await ssh.kill();
		expect(await refused("start", "far")).toMatch(
			/^1 wharf: The volume remote cannot be mounted: .*Connection refused[^\n]*\.\n/,
		);
		expect(await audit(host)).toEqual([]);
		await ssh.start();
		await wharf("start", "far");
		await inside("far", "echo from the container >/remote/reply");
		expect(await host.ok("cat", [`${ssh.content}/reply`])).toBe("from the container\n");
		await eventually(async () => expect(await wharf("logs", "far")).toBe("from the server"));
		expect(await mountAt(host, await at("remote"))).toMatchObject({ fstype: "fuse.sshfs" });
		expect((await mountAt(host, "/remote", "far"))?.fstype).toBe("fuse.sshfs");
		await wharf("rm", "-f", "far");
		expect(await mountAt(host, await at("remote"))).toBeUndefined();
		expect((await processes(host)).filter(({ command }) => /^\S*sshfs /.test(command))).toEqual([]);
	});
});

describe("all of them in one container", () => {
	const NAMES = ["bounded", "memory", "bound", "remote", "wall", "plain"];
	const each = (script: (name: string) => string): string => NAMES.map(script).join("; ");

	test("volumed is killed: the container goes on, what is mounted stays as the store says, and goes with the container", async () => {
		await create("bounded", "size=16m");
		await create("memory", "type=tmpfs", "device=tmpfs");
		await create("bound", "type=none", "device=/run/srv", "o=bind");
		await wharf("volume", "create", "-d", "painter", "wall");
		await start("all", ...NAMES.flatMap((name) => ["-v", `${name}:/v/${name}`]));
		await inside(
			"all",
			each((name) => `echo ${name} >/v/${name}/before`),
		);
		await host.ok("mkdir", ["/run/published"]);
		await wharf("volume", "publish", "bounded", "/run/published");
		const mounted = async (): Promise<string[]> =>
			(await mounts(host, `${host.root}/volumes`)).map(({ target, type }) => `${target} ${type}`).sort();
		const before = await mounted();
		expect(before).toHaveLength(4);

		await kill(host, "volumed");
		expect(
			await inside(
				"all",
				each((name) => `cat /v/${name}/before; echo on >/v/${name}/during`),
			),
		).toBe(NAMES.join("\n"));
		await settled(host);
		expect(await mounted()).toEqual(before);
		await eventually(async () => expect(await audit(host)).toEqual([]));
		expect(
			await inside(
				"all",
				each((name) => `cat /v/${name}/during`),
			),
		).toBe(NAMES.map(() => "on").join("\n"));
		expect(await users("wall")).toBe("1");
		expect((await processes(host)).filter(({ command }) => /^\S*sshfs /.test(command))).toHaveLength(1);
	});

	test("a reboot: no process and no mount is left; after `up` what was published is there, and `start` works", async () => {
		await powerOff();
		expect(await mounts(host, host.root)).toEqual([]);
		expect(await loops()).toEqual([]);
		await ssh.start();
		await startPlugin();
		await wharf("up");
		await settled(host);
		await eventually(async () => expect(await host.ok("cat", ["/run/published/before"])).toBe("bounded\n"));
		await eventually(async () => expect(await audit(host)).toEqual([]), 20_000);
		expect(await wharf("ps", "-q")).toBe("");
		await wharf("start", "all");
		const kept = NAMES.filter((name) => name !== "memory");
		expect(
			linesOf(
				await inside(
					"all",
					each((name) => `cat /v/${name}/before || echo lost`),
				),
			),
		).toEqual(NAMES.map((name) => (kept.includes(name) ? name : "lost")));
		expect(await audit(host)).toEqual([]);
		await wharf("rm", "-f", "all");
		await wharf("volume", "unpublish", "/run/published");
		expect(await mounts(host, host.root)).not.toContainEqual(expect.objectContaining({ target: await at("bounded") }));
		await wharf("volume", "rm", ...NAMES);
		expect(await host.ok("sh", ["-c", `ls ${host.root}/volumes; ls ${ssh.content} /run/srv`])).toContain("before");
		expect(await host.ok("ls", [`${painted}/volumes`])).toBe("");
	});
});

/** Every process but the host's first ones, by its id, and then every mount of the instance: as it is after a boot. */
async function powerOff(): Promise<void> {
	await ssh.kill();
	await killPlugin();
	for (const [command] of [[/supervisor/], [/./]] as const) {
		const pids = (await processes(host))
			.filter(({ pid, command: line }) => pid !== 1 && !/^(sleep 3600|ps )/.test(line) && command.test(line))
			.map(({ pid }) => String(pid));
		if (pids.length > 0) await host.run("kill", ["-KILL", ...pids]);
	}
	await eventually(async () => {
		const left = (await processes(host)).filter(({ pid, command }) => pid !== 1 && !/^(sleep 3600|ps )/.test(command));
		expect(left.filter(({ state }) => !state.startsWith("Z"))).toEqual([]);
	});
	const places = [...(await mounts(host, host.root)), ...(await mounts(host, "/run/published"))].map(
		({ target }) => target,
	);
	for (const target of places.reverse()) await host.ok("umount", ["-l", target]);
}
