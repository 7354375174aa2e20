import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { descriptorTargets } from "#lib/linux/test-support/descriptors.ts";
import { TestPlugin } from "../test-support/plugin.ts";
import type { DriverVolume } from "./driver.ts";
import { PluginDriver } from "./plugin.ts";

const QUICK = { longMs: 400, shortMs: 300, retryMs: 200 };
const PATIENT = { longMs: 60_000, shortMs: 60_000, retryMs: 20 };
const never = new AbortController().signal;

let folder: string;
let plugin: TestPlugin;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "wharf-plugin-"));
	for (const name of ["run", "etc", "lib", "content"]) mkdirSync(join(folder, name));
	plugin = new TestPlugin(join(folder, "run/box.sock"), join(folder, "content"));
	await plugin.listen();
});
afterEach(async () => {
	await plugin[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true });
});

const volume: DriverVolume = { name: "data", options: new Map([["colour", "blue"]]), backing: "plugin" };

function driver(name = "box", limits = PATIENT): PluginDriver {
	const folders = { sockets: [join(folder, "run")], specs: [join(folder, "etc"), join(folder, "lib")] };
	return new PluginDriver(name, { folders, limits });
}

/** Sockets of this process that are connected to something: a connection that was left. */
async function connectionsAreGone(): Promise<void> {
	while ((await plugin.connections()) > 0) await sleep(5);
}

describe("a plugin that does what it should", () => {
	test("makes a volume once, with its options", async () => {
		const box = driver();
		expect(await box.plan()).toBe("plugin");
		await box.create(volume, never);
		await box.create(volume, never);
		expect(plugin.volumes.get("data")?.options).toEqual({ colour: "blue" });
		expect(plugin.calls.filter((call) => call === "Create")).toHaveLength(1);
		await connectionsAreGone();
	});

	test("mounts it once, however often it is asked to, and under one id for good", async () => {
		const box = driver();
		await box.create(volume, never);
		expect(box.mountpoint(volume)).toBeUndefined();
		expect(await box.mount(volume, never)).toBe(plugin.path("data"));
		expect(await box.mount(volume, never)).toBe(plugin.path("data"));
		expect(box.mountpoint(volume)).toBe(plugin.path("data"));
		expect(plugin.calls.filter((call) => call === "Mount")).toHaveLength(1);
		// Another process after a crash.
		await driver().mount(volume, never);
		expect([...(plugin.volumes.get("data")?.mounts ?? [])]).toHaveLength(1);
		await driver().unmount(volume);
		expect([...(plugin.volumes.get("data")?.mounts ?? [])]).toEqual([]);
	});

	test("unmounts it once, however often it is asked to, and again after another mount", async () => {
		const box = driver();
		await box.create(volume, never);
		const unmounts = (): number => plugin.calls.filter((call) => call === "Unmount").length;
		for (const times of [1, 2]) {
			await box.mount(volume, never);
			await box.unmount(volume);
			await box.unmount(volume);
			expect(unmounts()).toBe(times);
		}
	});

	test("knows by the directory whether it is still mounted", async () => {
		const box = driver();
		await box.create(volume, never);
		expect(await box.isMounted(volume)).toBe(false);
		await box.mount(volume, never);
		expect(await box.isMounted(volume)).toBe(true);
		mkdirSync(join(folder, "content/other"));
		rmSync(plugin.path("data"), { recursive: true });
		expect(await box.isMounted(volume)).toBe(false);
		mkdirSync(plugin.path("data"));
		expect(await box.mount(volume, never)).toBe(plugin.path("data"));
		expect(await box.isMounted(volume)).toBe(true);
	});

	test("unmounting and removing what is not there is success", async () => {
		const box = driver();
		await box.unmount(volume);
		await box.remove(volume);
		await box.create(volume, never);
		await box.unmount(volume);
		await box.mount(volume, never);
		await expect(box.remove(volume)).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: "The volume driver box failed at VolumeDriver.Remove: data is mounted.",
		});
		await box.unmount(volume);
		await box.remove(volume);
		await box.remove(volume);
		expect(plugin.volumes.size).toBe(0);
	});

	test("says how it is, in flat lines", async () => {
		const box = driver();
		await box.create(volume, never);
		expect([...(await box.status(volume))]).toEqual([
			["users", "0"],
			["options.colour", "blue"],
			["scope", "global"],
		]);
		plugin.instead.set("Capabilities", (response) => response.writeHead(404).end("page not found"));
		expect((await box.status(volume)).get("scope")).toBe("local");
	});

	test("is found again when it was started anew", async () => {
		const box = driver();
		await box.create(volume, never);
		await plugin.close({ stale: true });
		const startLater = async (): Promise<void> => {
			await sleep(50);
			rmSync(join(folder, "run/box.sock"));
			await plugin.listen();
		};
		const later = startLater();
		// It may come between the attempts or before the first.
		expect(await driver("box", { ...PATIENT, retryMs: 2_000 }).mount(volume, never)).toBe(plugin.path("data"));
		await later;
	});
});

describe("where a plugin is found", () => {
	test("in a folder of its own, by a .spec or by a .json", async () => {
		const socket = join(folder, "elsewhere.sock");
		const other = new TestPlugin(socket, join(folder, "content"));
		await other.listen();
		mkdirSync(join(folder, "run/inside"));
		symlinkSync(socket, join(folder, "run/inside/inside.sock"));
		writeFileSync(join(folder, "etc/by-spec.spec"), `unix://${socket}\n`);
		mkdirSync(join(folder, "lib/by-json"));
		writeFileSync(join(folder, "lib/by-json/by-json.json"), JSON.stringify({ Name: "x", Addr: `unix://${socket}` }));
		for (const name of ["inside", "by-spec", "by-json"]) expect(await driver(name).plan()).toBe("plugin");
		expect(other.calls).toEqual(["Plugin.Activate", "Plugin.Activate", "Plugin.Activate"]);
		await other.close();
	});

	test("a name that nobody has, or that is a path, is unknown; the known ones are named", async () => {
		writeFileSync(join(folder, "etc/far.spec"), "tcp://192.0.2.1:80");
		for (const name of ["bx", "../run/box", "", "box/box", ".", "a\0b"]) {
			await expect(driver(name).plan()).rejects.toMatchObject({
				reason: "UNKNOWN_DRIVER",
				metadata: { driver: name, known: "local, sshfs, box, far" },
			});
		}
	});

	test.each([
		["far.spec", "tcp://192.0.2.1:80", /far\.spec has the address "tcp:\/\/192\.0\.2\.1:80", and only unix:\/\//],
		["far.json", '{"Addr": "https://192.0.2.1"}', /only unix:\/\/ is spoken to/],
		["far.json", "[", /far\.json has no address/],
		["far.json", "null", /has no address/],
		["far.json", '{"Addr": 7}', /has no address/],
		["far.spec", " \n", /has no address/],
		["far.spec", "unix://relative.sock", /absolute path/],
	])("an address that cannot be used: %s %j", async (file, content, problem) => {
		writeFileSync(join(folder, "etc", file), content);
		await expect(driver("far").plan()).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringMatching(problem) as string,
		});
	});

	test("one for something else is no volume driver", async () => {
		plugin.implements = ["NetworkDriver"];
		await expect(driver().plan()).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringContaining("it is no VolumeDriver but: NetworkDriver") as string,
		});
		plugin.implements = "VolumeDriver";
		await expect(driver().plan()).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
	});
});

describe("a plugin that fails", () => {
	test("a socket that nobody listens on", async () => {
		await plugin.close({ stale: true });
		await expect(driver("box", QUICK).plan()).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringContaining("nothing listens on its socket") as string,
		});
		rmSync(join(folder, "run/box.sock"));
		await expect(driver("box", QUICK).create(volume, never)).rejects.toMatchObject({
			message: expect.stringContaining("it has no socket any more") as string,
		});
	});

	test("one that accepts and says nothing, at once or in the middle", async () => {
		const box = driver("box", QUICK);
		await box.create(volume, never);
		plugin.instead.set("Mount", () => undefined);
		await expect(box.mount(volume, never)).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringContaining("it has not answered for 0.4 s") as string,
		});
		plugin.instead.set("Mount", (response) => {
			const timer = setInterval(() => response.write(" "), 20);
			response.once("close", () => clearInterval(timer));
		});
		await expect(box.mount(volume, never)).rejects.toMatchObject({
			message: expect.stringContaining("it has not answered") as string,
		});
		await connectionsAreGone();
	});

	test("one that does not even accept", async () => {
		const path = join(folder, "run/deaf.sock");
		const server = createServer((socket) => socket.pause());
		server.listen(path);
		await once(server, "listening");
		await expect(driver("deaf", QUICK).plan()).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
		server.close();
	});

	test("the caller's abort ends the call", async () => {
		const box = driver();
		await box.create(volume, never);
		const why = new Error("the caller went away");
		for (const method of ["Mount", "Get"]) {
			const abort = new AbortController();
			plugin.instead.set(method, () => abort.abort(why));
			const call = method === "Mount" ? box.mount(volume, abort.signal) : box.create(volume, abort.signal);
			await expect(call).rejects.toBe(why);
		}
		await connectionsAreGone();
		await plugin.close({ stale: true });
		const waiting = new AbortController();
		const late = driver("box", { ...PATIENT, retryMs: 60_000 }).create(volume, waiting.signal);
		setTimeout(() => waiting.abort(why), 50);
		await expect(late).rejects.toBe(why);
	});

	test.each<[string, RegExp, (socket: NodeJS.WritableStream & { destroy(): void }) => void]>([
		["hangs up", /hung up/, (socket) => socket.destroy()],
		["dies in the middle", /hung up/, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Mount')],
		[
			"dies in a chunk",
			/hung up/,
			(socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"),
		],
		["speaks no HTTP", /no HTTP/, (socket) => socket.end("SSH-2.0-OpenSSH\r\n\r\n")],
		[
			"sends bad chunks",
			/hung up|no HTTP/,
			(socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
		],
		[
			"sends endless headers",
			/no HTTP/,
			(socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`),
		],
		[
			"switches protocols",
			/hung up/,
			(socket) => socket.end("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
		],
		[
			"sends more than a mebibyte",
			/longer than a mebibyte/,
			(socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n"${"x".repeat(2_000_000)}"`),
		],
	])("one that %s", async (_, problem, act) => {
		const box = driver();
		await box.create(volume, never);
		plugin.instead.set("Mount", (response) => {
			if (response.socket !== null) act(response.socket);
		});
		await expect(box.mount(volume, never)).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringMatching(problem) as string,
		});
		await connectionsAreGone();
	});

	test.each([
		[200, "{", /no JSON object: \{\./],
		[200, "", /it said nothing/],
		[200, "[]", /no JSON object/],
		[200, "null", /no JSON object/],
		[200, '{"Err": 7}', /its Err is no text/],
		[200, '{"Err": "no such key\\u001b[31m\\n\\nred."}', /: no such key \[31m red\.$/],
		[500, '{"Err": "broken"}', /: broken\.$/],
		[404, "page not found\n", /HTTP status 404: page not found\.$/],
		[302, "", /HTTP status 302/],
		[200, JSON.stringify({ Err: "x".repeat(5_000) }), /: x{300}…\.$/],
		[200, '{"Mountpoint": 7}', /did not say where/],
		[200, "{}", /did not say where/],
		[200, '{"Mountpoint": "relative/path"}', /no absolute path/],
		[200, '{"Mountpoint": "/nowhere/at/all"}', /no directory: No such file or directory/],
		[200, '{"Mountpoint": "/etc/passwd"}', /no directory: it is a regular file/],
		[200, '{"Mountpoint": "/proc/../"}', /all of this host/],
		[200, '{"Mountpoint": "/a\\u0000b"}', /no absolute path/],
	])("an answer to Mount that is none (case %#, status %i)", async (status, text, problem) => {
		const box = driver();
		await box.create(volume, never);
		plugin.instead.set("Mount", (response) => response.writeHead(status).end(text));
		await expect(box.mount(volume, never)).rejects.toMatchObject({
			reason: "DRIVER_FAILED",
			message: expect.stringMatching(problem) as string,
		});
		expect(box.mountpoint(volume)).toBeUndefined();
	});

	test("what one that lies may have mounted all the same is taken back", async () => {
		const box = driver();
		await box.create(volume, never);
		plugin.instead.set("Mount", (response) => response.end('{"Mountpoint": "relative"}'));
		await expect(box.mount(volume, never)).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
		expect(plugin.calls.at(-1)).toBe("Unmount");
	});

	test("one that tells of another volume, or of things that are none", async () => {
		const box = driver();
		plugin.instead.set("Get", (response) => response.end('{"Volume": {"Name": "other"}}'));
		await expect(box.create(volume, never)).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
		plugin.instead.set("Get", (response) => response.end('{"Volume": {"Name": "data", "Mountpoint": {}}}'));
		await expect(box.isMounted(volume)).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
		const deep = "[".repeat(50_000) + "]".repeat(50_000);
		plugin.instead.set("Get", (response) =>
			response.end(`{"Volume": {"Name": "data", "Status": {"__proto__": {"x": [1]}, "deep": ${deep}, "n": null}}}`),
		);
		const status = await box.status(volume);
		expect([status.get("__proto__.x"), status.get("n"), status.has("deep")]).toEqual(["[1]", "null", true]);
		plugin.instead.set("Remove", (response) => response.end('{"Err": "no"}'));
		plugin.instead.set("List", (response) => response.end('{"Volumes": [null, {"Name": "data"}]}'));
		await expect(box.remove(volume)).rejects.toMatchObject({ reason: "DRIVER_FAILED" });
	});

	test("leaves no descriptor", async () => {
		const box = driver("box", QUICK);
		await box.create(volume, never);
		const before = descriptors();
		plugin.instead.set("Mount", (response) => response.socket?.destroy());
		for (let round = 0; round < 20; round++) await box.mount(volume, never).catch(() => undefined);
		plugin.instead.set("Mount", () => undefined);
		await Promise.all(Array.from({ length: 20 }, () => box.mount(volume, never).catch(() => undefined)));
		await connectionsAreGone();
		await expect.poll(descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(before);
	});
});

const descriptors = (): number => descriptorTargets().filter((target) => /^(socket|pipe):/.test(target)).length;
