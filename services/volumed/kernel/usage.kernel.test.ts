import { execFileSync } from "node:child_process";
import {
	linkSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { run } from "#lib/exec/run.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { createLog } from "#lib/log/log.ts";
import { SshfsDriver } from "../drivers/sshfs.ts";
import { makeNastyTree } from "../test-support/nasty-tree.ts";
import { SshServer } from "../test-support/ssh-server.ts";
import { TreeWorkers } from "../tree/tree-workers.ts";
import type { Amount } from "../volume.ts";
import { Archiver } from "./archiver.ts";
import { Usage } from "./usage.ts";

const log = createLog({ service: "test", level: "silent" });
const never = new AbortController().signal;
let usage: Usage;
let folder: string;
beforeAll(() => {
	usage = new Usage();
});
afterAll(() => usage[Symbol.asyncDispose]());
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-usage-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** In memory: what is large takes a disk minutes to make and to remove. */
function inMemory(): Disposable {
	mountFs("tmpfs", "large", folder);
	return { [Symbol.dispose]: () => unmount(folder, { detach: true }) };
}

/** What du and find say. */
function told(path: string): Amount {
	const du = execFileSync("du", ["-s", "--block-size=1", "--one-file-system", path], { encoding: "latin1" });
	const found = execFileSync("find", [path, "-mindepth", "1", "-xdev", "-printf", "x"], { maxBuffer: 1 << 28 });
	const root = lstatSync(path).blocks * 512;
	return { bytes: BigInt(Number.parseInt(du, 10) - root), files: BigInt(found.length) };
}

test("an empty directory, and one of everything", async () => {
	mkdirSync(join(folder, "empty"));
	expect(await usage.of(join(folder, "empty"), never)).toEqual({ bytes: 0n, files: 0n });
	mkdirSync(join(folder, "nasty"));
	makeNastyTree(join(folder, "nasty"));
	execFileSync("mknod", [join(folder, "nasty/null"), "c", "1", "3"]);
	expect(await usage.of(join(folder, "nasty"), never)).toEqual(told(join(folder, "nasty")));
});

test("what an archive of it has is what the archiver makes of it", async () => {
	const names = Array.from({ length: 100 }, (_, index) => join(folder, `file${index}`));
	for (const [index, name] of names.entries()) writeFileSync(name, "x".repeat(index * 100));
	writeFileSync(join(folder, "sparse"), "");
	truncateSync(join(folder, "sparse"), 1e12);
	linkSync(join(folder, "file99"), join(folder, "again"));
	mkdirSync(join(folder, "directory"));
	await using workers = new TreeWorkers();
	const archiver = new Archiver(tmpdir(), workers);
	const patterns = { include: [], exclude: [] };
	await using packing = await archiver.pack({ path: folder, patterns, twice: false }, never);
	for await (const { length } of packing.tree()) expect(length).toBeGreaterThan(0);
	// A sparse file's map is a block.
	const { entries, bytes } = packing.progress;
	expect(await usage.ofArchive(folder, never)).toEqual({ entries, bytes: bytes - 512 });
});

test("a restore's stage at the root is not counted, and what is only called alike is", async () => {
	writeFileSync(join(folder, "file"), "1");
	const stage = `.wharf-stage-${"0".repeat(32)}`;
	for (const name of [".wharf-stage-mine", `sub/${stage}`]) mkdirSync(join(folder, name), { recursive: true });
	const before = await usage.of(folder, never);
	expect(before).toEqual(told(folder));
	mkdirSync(join(folder, stage, "new"), { recursive: true });
	writeFileSync(join(folder, stage, "new/file"), Buffer.alloc(100_000, 1));
	expect(await usage.of(folder, never)).toEqual(before);
});

test("holes take nothing, and an inode with many names is counted once", async () => {
	writeFileSync(join(folder, "sparse"), "");
	truncateSync(join(folder, "sparse"), 1e12);
	writeFileSync(join(folder, "one"), Buffer.alloc(100_000, 1));
	for (let name = 0; name < 1_000; name++) linkSync(join(folder, "one"), join(folder, `name${name}`));
	symlinkSync("/usr", join(folder, "usr"));
	const amount = await usage.of(folder, never);
	expect(amount).toEqual(told(folder));
	expect(amount?.files).toBe(1_003n);
	expect(amount?.bytes).toBeLessThan(200_000n);
});

test("names of any bytes, and a path with letters", async () => {
	const root = join(folder, "Größe");
	mkdirSync(root);
	for (const byte of [1, 10, 92, 127, 128, 160, 255]) {
		const directory = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([byte, 0xc3, 0x28])]);
		mkdirSync(directory);
		writeFileSync(Buffer.concat([directory, Buffer.from([47, byte])]), "content");
	}
	expect(await usage.of(root, never)).toEqual(told(root));
});

test("one file system, however many are mounted below it", async () => {
	mkdirSync(join(folder, "other"));
	writeFileSync(join(folder, "file"), "x");
	mountFs("tmpfs", "other", join(folder, "other"), ["size=1m"]);
	try {
		writeFileSync(join(folder, "other/file"), Buffer.alloc(100_000));
		expect(await usage.of(folder, never)).toMatchObject({ files: 1n });
		expect(await usage.of(join(folder, "other"), never)).toEqual(told(join(folder, "other")));
	} finally {
		unmount(join(folder, "other"));
	}
});

test("five thousand directories within each other, of names as long as can be", async () => {
	using _ = inMemory();
	for (const name of ["d", "n".repeat(255)]) {
		const root = join(folder, name.slice(0, 3));
		mkdirSync(root);
		// It goes down as it makes: paths from the top would be too long.
		const program = `import os,sys
os.chdir(sys.argv[1])
for i in range(5000):
    os.mkdir(sys.argv[2]); open("f","w").close(); os.chdir(sys.argv[2])`;
		execFileSync("python3", ["-c", program, root, name]);
		const before = readdirSync("/proc/self/fd").length;
		expect(await usage.of(root, never)).toEqual(told(root));
		expect(readdirSync("/proc/self/fd").length).toBe(before);
		execFileSync("rm", ["-rf", root]);
	}
});

test("what is no directory has no amount, and does not keep others from theirs", async () => {
	writeFileSync(join(folder, "file"), "x");
	const paths = [join(folder, "file"), join(folder, "missing"), folder, join(folder, "file/x"), folder];
	const amounts = await usage.ofAll(paths, never);
	expect(amounts.map((amount) => amount?.files)).toEqual([undefined, undefined, 1n, undefined, 1n]);
});

test("many at once, each with its own", async () => {
	const paths = Array.from({ length: 300 }, (_, index) => {
		const path = join(folder, `v${index}`);
		mkdirSync(path);
		for (let file = 0; file < index % 7; file++) writeFileSync(join(path, String(file)), "x");
		return path;
	});
	const asked = await Promise.all([usage.ofAll(paths, never), usage.ofAll(paths.toReversed(), never)]);
	expect(asked[0].map((amount) => amount?.files)).toEqual(paths.map((_, index) => BigInt(index % 7)));
	expect(asked[1]).toEqual(asked[0].toReversed());
});

describe("a large one", () => {
	let memory: Disposable;
	afterEach(() => memory[Symbol.dispose]());
	beforeEach(() => {
		memory = inMemory();
		const program = `import os,sys
for d in range(400):
    os.mkdir("%s/%d" % (sys.argv[1], d))
    for f in range(100): open("%s/%d/%d" % (sys.argv[1], d, f), "w").close()`;
		execFileSync("python3", ["-c", program, folder]);
	});

	test("goes on when one of those who ask leaves", async () => {
		const abort = new AbortController();
		const first = usage.of(folder, abort.signal);
		const second = usage.of(folder, never);
		const why = new Error("gone");
		abort.abort(why);
		await expect(first).rejects.toBe(why);
		expect(await second).toEqual(told(folder));
		await expect(usage.of(folder, abort.signal)).rejects.toBe(why);
	});

	test("keeps no small one waiting, and ends when nobody waits", async () => {
		mkdirSync(join(folder, "0/small"));
		const order: string[] = [];
		const abort = new AbortController();
		const large = usage.of(folder, abort.signal).then(
			() => order.push("large"),
			() => order.push("left"),
		);
		await usage.of(join(folder, "0/small"), never);
		order.push("small");
		abort.abort(new Error("gone"));
		await large;
		expect(order).toEqual(["small", "left"]);
		expect(await usage.of(folder, never)).toMatchObject({ files: 40_401n });
	});

	test("may vanish and come meanwhile", async () => {
		const going = run("rm", ["-rf", ...Array.from({ length: 300 }, (_, d) => join(folder, String(d)))]);
		for (let round = 0; round < 20; round++) {
			const files = (await usage.of(folder, never))?.files ?? -1n;
			expect(files).toBeGreaterThanOrEqual(10_000n);
			expect(files).toBeLessThanOrEqual(40_400n);
		}
		await going;
		expect(await usage.of(folder, never)).toEqual(told(folder));
	});
});

test("a file system that does not answer keeps nobody else waiting for good", async () => {
	mkdirSync(join(folder, "server"));
	await using server = await SshServer.create(join(folder, "server"));
	const mountpoint = (name: string): string => join(folder, name, "_data");
	const ensure = async (name: string): Promise<void> => void mkdirSync(mountpoint(name), { recursive: true });
	const driver = new SshfsDriver({ mountpoint, ensure, remove: async () => undefined }, log, { graceMs: 100 });
	const device = `root@127.0.0.1:${server.content}`;
	const options = { device, port: String(server.port), identity_file: server.identity, host_key: server.hostKey() };
	const volume = { name: "data", options: new Map(Object.entries(options)), backing: "sshfs" };
	const path = await driver.mount(volume, never);
	writeFileSync(join(path, "file"), "x");
	expect(await usage.of(path, never)).toMatchObject({ files: 1n });
	const pid = Number(execFileSync("pgrep", ["-f", `^sshfs -f .*${folder}`], { encoding: "utf8" }));
	await using over = new AsyncDisposableStack();
	// Else whoever cleans up waits for it.
	over.defer(() => driver.unmount(volume));
	over.defer(() => void process.kill(pid, "SIGCONT"));
	process.kill(pid, "SIGSTOP");
	const abort = new AbortController();
	const stuck = usage.of(path, abort.signal);
	const behind = usage.of(join(folder, "server"), never);
	setTimeout(() => abort.abort(new Error("gone")), 100);
	await expect(stuck).rejects.toThrow("gone");
	expect(await behind).toEqual(told(join(folder, "server")));
});
