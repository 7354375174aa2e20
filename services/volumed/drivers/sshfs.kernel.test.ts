import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readlinkSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { start } from "#lib/exec/run.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { descriptorTargets } from "#lib/linux/test-support/descriptors.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { createLog } from "#lib/log/log.ts";
import { PASSWORD, SshServer } from "../test-support/ssh-server.ts";
import type { DriverVolume } from "./driver.ts";
import { type Directories, SshfsDriver, type SshfsSettings } from "./sshfs.ts";

let folder: string;
let server: SshServer;
const log = createLog({ service: "test", level: "silent" });
const never = new AbortController().signal;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "wharf-sshfs-"));
	mkdirSync(join(folder, "server"));
	server = await SshServer.create(join(folder, "server"));
});
afterAll(async () => {
	await server[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true });
});

/** A comma, a space and a percent sign: all of them mean something to sshfs or ssh. */
let volumes: string;
beforeEach(() => {
	volumes = mkdtempSync(join(folder, "vol, umes %h-"));
});
afterEach(async () => {
	for (const name of readdirSync(volumes)) await driver().unmount(volume({}, name));
	expect(mountsOf(volumes.slice(-6))).toEqual([]);
	expect(processes()).toEqual([]);
});

function directories(): Directories {
	const mountpoint = (name: string): string => join(volumes, name, "_data");
	return {
		mountpoint,
		ensure: async (name) => void mkdirSync(mountpoint(name), { recursive: true }),
		remove: async (name) => rmSync(join(volumes, name), { recursive: true }),
	};
}

const driver = (settings: SshfsSettings = {}) => new SshfsDriver(directories(), log, settings);

function volume(options: Readonly<Record<string, string>>, name = "data"): DriverVolume {
	const all = {
		device: `root@127.0.0.1:${server.content}`,
		port: String(server.port),
		identity_file: server.identity,
		host_key: server.hostKey(),
		...options,
	};
	return { name, options: new Map(Object.entries(all).filter(([, value]) => value !== "")), backing: "sshfs" };
}

/** Lines of ps: what runs for a mount below `volumes`. */
function processes(program = "ssh|sshfs"): number[] {
	const table = execFileSync("ps", ["-eo", "pid=,comm=,args="], { encoding: "utf8" }).split("\n");
	const ours = table.filter((line) => new RegExp(`^ *\\d+ (${program}) `).test(line) && isOurs(line));
	return ours.map((line) => Number.parseInt(line, 10));
}

function isOurs(line: string): boolean {
	try {
		return readFileSync(`/proc/${Number.parseInt(line, 10)}/environ`, "utf8").includes(volumes);
	} catch {
		return false;
	}
}

const remote = (name: string): string => join(server.content, name);

async function eventually<T>(act: () => T, expected: T): Promise<void> {
	const tried = (): T | string => {
		try {
			return act();
		} catch (error) {
			return String(error);
		}
	};
	await expect.poll(tried, { timeout: 60_000, interval: 50 }).toEqual(expected);
}

test("what is written on one side is read on the other", async () => {
	const sshfs = driver();
	const data = volume({});
	expect(await sshfs.plan(data.options)).toBe("sshfs");
	await sshfs.create(data);
	expect(await sshfs.isMounted(data)).toBe(false);
	const path = await sshfs.mount(data, never);
	expect(path).toBe(sshfs.mountpoint(data));
	writeFileSync(join(path, "from-here"), "1");
	writeFileSync(remote("from-there"), "2");
	expect(readFileSync(remote("from-here"), "utf8")).toBe("1");
	expect(readFileSync(join(path, "from-there"), "utf8")).toBe("2");
	const seen = execFileSync("findmnt", ["-no", "FSTYPE,SOURCE", "--mountpoint", path], { encoding: "utf8" });
	expect(seen.trim().split(/\s+/)).toEqual(["fuse.sshfs", `root@127.0.0.1:${server.content}`]);
	expect(await sshfs.isMounted(data)).toBe(true);
	expect((await sshfs.status(data)).get("mounted")).toBe("true");

	// Mounted already; also for a volumed that has been started meanwhile.
	expect(await driver().mount(data, never)).toBe(path);
	expect(processes("sshfs")).toHaveLength(1);
	await driver().unmount(data);
	expect(readdirSync(path)).toEqual([]);
	await sshfs.remove(data);
	await sshfs.unmount(data);
	expect(existsSync(join(volumes, "data"))).toBe(false);
	expect(readFileSync(remote("from-here"), "utf8")).toBe("1");
});

test("keeps no descriptor of ours and no terminal of ours", async () => {
	await driver().mount(volume({}), never);
	const [pid = 0] = processes("sshfs");
	const talks = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)).filter((target) => target !== "/dev/null");
	const mine = descriptorTargets();
	expect(talks.filter((target) => mine.includes(target))).toEqual([]);
	expect(execFileSync("ps", ["-o", "sid=", "-p", String(pid)], { encoding: "utf8" }).trim()).toBe(String(pid));
});

test("options of sshfs and of ssh", async () => {
	const path = await driver().mount(volume({ o: "ro,uid=1234,umask=077,Compression=yes,cache=no" }), never);
	writeFileSync(remote("file"), "x");
	expect(execFileSync("stat", ["-c", "%u %a", join(path, "file")], { encoding: "utf8" })).toBe("1234 700\n");
	expect(() => writeFileSync(join(path, "new"), "")).toThrow("EROFS");
});

test("goes on when the server was away", async () => {
	const path = await driver().mount(volume({}), never);
	writeFileSync(join(path, "before"), "1");
	await server.kill();
	expect(() => writeFileSync(join(path, "during"), "2")).toThrow(/EIO|ENOTCONN|ECONN/);
	// It is not given up: containers have it, and their own mounts of it.
	expect(await driver().isMounted(volume({}))).toBe(true);
	await server.start();
	await eventually(() => readFileSync(join(path, "before"), "utf8"), "1");
	await eventually(() => {
		writeFileSync(join(path, "after"), "3");
		return readFileSync(remote("after"), "utf8");
	}, "3");
	expect(processes("sshfs")).toHaveLength(1);
});

test("is mounted anew when sshfs was killed", async () => {
	const sshfs = driver();
	const data = volume({});
	const path = await sshfs.mount(data, never);
	writeFileSync(join(path, "kept"), "1");
	const [pid = 0] = processes("sshfs");
	process.kill(pid, "SIGKILL");
	await eventually(() => readdirSync(path), expect.stringContaining("ENOTCONN") as unknown as string[]);
	expect(await sshfs.isMounted(data)).toBe(false);
	expect(await sshfs.mount(data, never)).toBe(path);
	expect(readFileSync(join(path, "kept"), "utf8")).toBe("1");
	expect(mountsOf(volumes.slice(-6))).toHaveLength(1);
	expect(processes("sshfs")).not.toContain(pid);
	unmount(path);
	expect(await sshfs.isMounted(data)).toBe(false);
	await sshfs.mount(data, never);
	expect(await sshfs.isMounted(data)).toBe(true);
});

test("unmounts what is busy, and one that is dead", async () => {
	const sshfs = driver({ graceMs: 200 });
	const path = await sshfs.mount(volume({}), never);
	writeFileSync(join(path, "open"), "x");
	const fd = openSync(join(path, "open"), "r");
	await sshfs.unmount(volume({}));
	expect(mountsOf(volumes.slice(-6))).toEqual([]);
	expect(processes()).toEqual([]);
	expect(() => closeSync(fd)).toThrow("ENOTCONN");
	await sshfs.mount(volume({}), never);
	process.kill(processes("sshfs")[0] ?? 0, "SIGKILL");
	await sshfs.unmount(volume({}));
	expect(mountsOf(volumes.slice(-6))).toEqual([]);
});

test("unmounts while the server does not answer", async () => {
	const sshfs = driver({ graceMs: 200 });
	await sshfs.mount(volume({}), never);
	await server.kill();
	await sshfs.unmount(volume({}));
	expect(mountsOf(volumes.slice(-6))).toEqual([]);
	await server.start();
});

/** Another process mounts, and is killed when `when` resolves. */
async function mountAndDie(data: DriverVolume, when: () => Promise<unknown>): Promise<void> {
	const program = `
		import { SshfsDriver } from ${JSON.stringify(new URL("./sshfs.ts", import.meta.url).href)};
		const driver = new SshfsDriver({ mountpoint: () => ${JSON.stringify(driver().mountpoint(data))}, ensure: async () => {} }, { change: () => {} });
		const volume = { name: "data", backing: "sshfs", options: new Map(${JSON.stringify([...data.options])}) };
		await driver.mount(volume, new AbortController().signal);
		setInterval(() => undefined, 1_000);
	`;
	mkdirSync(driver().mountpoint(data), { recursive: true });
	const child = start(process.execPath, ["--input-type=module", "-e", program], { stdout: "ignore" });
	await when();
	process.kill(child.pid ?? 0, "SIGKILL");
	await child.done;
}

describe("volumed is killed", () => {
	test("when it had mounted: it goes on, and is known", async () => {
		const data = volume({});
		const path = driver().mountpoint(data);
		await mountAndDie(data, () => expect.poll(() => driver().isMounted(data), { timeout: 60_000 }).toBe(true));
		writeFileSync(join(path, "later"), "1");
		expect(readFileSync(remote("later"), "utf8")).toBe("1");
		expect(await driver().isMounted(data)).toBe(true);
		expect(await driver().mount(data, never)).toBe(path);
		expect(processes("sshfs")).toHaveLength(1);
	});

	test("while sshfs connects: it is ended with the volume's unmounting", async () => {
		const silent = createServer((socket) => socket.pause()).listen(0, "127.0.0.1");
		await once(silent, "listening");
		const { port } = silent.address() as { port: number };
		await mountAndDie(volume({ port: String(port) }), () => once(silent, "connection"));
		expect(processes("sshfs")).toHaveLength(1);
		await driver({ graceMs: 100 }).unmount(volume({}));
		expect(processes()).toEqual([]);
		silent.close();
	});
});

describe("a password", () => {
	const byPassword = () => volume({ identity_file: "", password: PASSWORD });

	test("lets in, and is seen nowhere", async () => {
		const sshfs = driver();
		const path = await sshfs.mount(byPassword(), never);
		writeFileSync(join(path, "by-password"), "1");
		expect(readFileSync(remote("by-password"), "utf8")).toBe("1");
		for (const pid of processes()) {
			for (const file of ["cmdline", "environ"]) {
				expect(readFileSync(`/proc/${pid}/${file}`, "utf8")).not.toContain(PASSWORD);
			}
		}
		expect(JSON.stringify([...(await sshfs.status(byPassword()))])).not.toContain(PASSWORD);
		// Its ssh has a session of its own.
		await sshfs.unmount(byPassword());
		expect(processes()).toEqual([]);
	});

	test("is sent again when the connection was lost", async () => {
		const path = await driver().mount(byPassword(), never);
		writeFileSync(join(path, "again"), "1");
		await server.kill();
		await server.start();
		await eventually(() => readFileSync(join(path, "again"), "utf8"), "1");
		expect(processes("sshfs")).toHaveLength(1);
	});

	test("that is wrong is refused, and not repeated", async () => {
		const refused = driver().mount(volume({ identity_file: "", password: "wrong secret" }), never);
		await expect(refused).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: expect.stringMatching(
				/Permission denied.*the server does not let root in: correct device or password\.$/,
			) as string,
		});
		await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("wrong secret") as string });
	});
});

describe("what cannot be mounted", () => {
	test.each<[string, () => Readonly<Record<string, string>>, RegExp]>([
		[
			"another host key",
			() => ({ host_key: server.hostKey("other") }),
			/Host key verification failed; the server's key is not the one that is known/,
		],
		[
			"an unknown host key",
			() => ({ host_key: server.hostKey().replace("127.0.0.1", "127.0.0.9") }),
			/No ED25519 host key is known for.*ssh-keyscan -p \d+ 127\.0\.0\.1/,
		],
		[
			"no host key at all",
			() => ({ host_key: "" }),
			/No ED25519 host key is known for .*give the server's key as host_key/,
		],
		[
			"a directory that is missing",
			() => ({ device: "root@127.0.0.1:/nowhere" }),
			/\/nowhere: No such file or directory; make that directory on the server/,
		],
		["a file", () => ({ device: "root@127.0.0.1:/etc/passwd" }), /Not a directory/],
		["a port that nobody listens at", () => ({ port: "1" }), /Connection refused; see that the server runs/],
		["a name that nobody has", () => ({ device: "root@nobody.invalid:/x" }), /resolve hostname/],
		[
			"an identity that is missing",
			() => ({ identity_file: "/nowhere/key" }),
			/this host has no file \/nowhere\/key, which is its identity_file/,
		],
	])("%s", async (_, options, message) => {
		await expect(driver().mount(volume(options()), never)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: expect.stringMatching(message) as string,
		});
		expect(mountsOf(volumes.slice(-6))).toEqual([]);
		expect(processes()).toEqual([]);
	});

	test("a login that is refused", async () => {
		server.letIn(false);
		try {
			await expect(driver().mount(volume({}), never)).rejects.toMatchObject({
				reason: "MOUNT_FAILED",
				message: expect.stringMatching(
					/Permission denied \(.*does not let root in: correct device or identity_file\.$/,
				) as string,
			});
		} finally {
			server.letIn(true);
		}
	});

	test("a server that accepts and says nothing, by our limit and by an abort", async () => {
		const silent = createServer((socket) => socket.pause()).listen(0, "127.0.0.1");
		await once(silent, "listening");
		const { port } = silent.address() as { port: number };
		const data = volume({ port: String(port) });
		await expect(driver({ connectMs: 1_200 }).mount(data, never)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: expect.stringMatching(/has not let us in for 1\.2 s|timed out/) as string,
		});
		expect(processes()).toEqual([]);
		const abort = new AbortController();
		const why = new Error("the caller went away");
		silent.once("connection", () => abort.abort(why));
		await expect(driver().mount(data, abort.signal)).rejects.toBe(why);
		expect(processes()).toEqual([]);
		const late = new AbortController();
		silent.once("connection", () => late.abort(why));
		await expect(
			driver().mount(volume({ port: String(port), identity_file: "", password: "x" }), late.signal),
		).rejects.toBe(why);
		expect(processes()).toEqual([]);
		silent.close();
	});

	test("a host without sshfs", async () => {
		await expect(driver({ program: "/nowhere/sshfs" }).mount(volume({}), never)).rejects.toMatchObject({
			reason: "MOUNT_FAILED",
			message: expect.stringContaining("is not installed; install it with `apt-get install sshfs`") as string,
		});
	});
});

test("volumes that lie behind a symlink", async () => {
	mkdirSync(join(volumes, "real"));
	symlinkSync("real", join(volumes, "data"));
	const path = await driver().mount(volume({}), never);
	expect(path).toBe(join(volumes, "data/_data"));
	expect(await driver().isMounted(volume({}))).toBe(true);
	expect(await driver().mount(volume({}), never)).toBe(path);
	expect(processes("sshfs")).toHaveLength(1);
	await driver().unmount(volume({}));
	expect(mountsOf(volumes.slice(-6))).toEqual([]);
});

test("known hosts of a file that is named", async () => {
	const known = join(volumes, "known hosts");
	writeFileSync(known, `${server.hostKey("other")}\n`);
	const data = volume({ host_key: "", known_hosts: known }, "by-file");
	await expect(driver().mount(data, never)).rejects.toMatchObject({ reason: "MOUNT_FAILED" });
	writeFileSync(known, `${server.hostKey()}\n`);
	await driver().mount(data, never);
	expect(await driver().isMounted(data)).toBe(true);
	rmSync(known);
});
