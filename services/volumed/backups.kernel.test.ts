import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttachRequest, CloneVolumeRequest, CreateVolumeRequest, DetachRequest } from "#gen/wharf/volume/v1/volume.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { HOSTILE, tarOf } from "./test-support/archive.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";
import { digestOfManifest, makeNastyTree, portrait } from "./test-support/nasty-tree.ts";

let daemon: Daemon;
const at = (name: string): string => join(daemon.root, name);

async function volume(name: string): Promise<string> {
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId: `make-${name}`, name }));
	return daemon.content(name);
}

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	mkdirSync(at("out"));
});
afterAll(() => daemon[Symbol.asyncDispose]());

describe("a tree with everything that archivers lose", () => {
	let before: string;
	beforeAll(async () => {
		const content = await volume("nasty");
		makeNastyTree(content);
		before = portrait(content);
	});

	test.each([
		["none", "COMPRESSION_NONE"],
		["zstd", "COMPRESSION_ZSTD"],
		["gzip", "COMPRESSION_GZIP"],
	] as const)("comes back identical from a file, compressed with %s", async (kind, compression) => {
		const path = at(`out/nasty-${kind}`);
		const { result } = await backup(daemon, { volume: "nasty", path, compression });
		expect(result).toMatchObject({ verified: true, warnings: [], storedBytes: BigInt(statSync(path).size) });
		expect(result?.manifestSha256).toBe(digestOfManifest(path));
		const restored = await restore(daemon, { volume: `copy-${kind}`, path, create: true });
		expect(restored).toMatchObject({
			verified: true,
			entries: result?.entries,
			bytes: result?.bytes,
			manifestSha256: result?.manifestSha256,
		});
		expect(portrait(daemon.content(`copy-${kind}`))).toBe(before);
		expect(statSync(join(daemon.content(`copy-${kind}`), "sparse")).blocks).toBeLessThan(1000);
	});

	test("comes back identical through a stream", async () => {
		const { result, bytes } = await backup(daemon, { volume: "nasty" });
		expect(result?.storedBytes).toBe(BigInt(bytes.length));
		await restore(daemon, { volume: "copy-stream", create: true }, bytes);
		expect(portrait(daemon.content("copy-stream"))).toBe(before);
	});

	test("is an ordinary archive to GNU tar, which finds no difference", () => {
		const path = at("out/nasty-none");
		const args = ["--numeric-owner", "--xattrs", "--acls", "--exclude=.wharf", "-f", path];
		expect(execFileSync("tar", ["--compare", ...args, "-C", daemon.content("nasty")], { encoding: "utf8" })).toBe("");
		expect(execFileSync("tar", ["-tf", path], { encoding: "latin1" }).trimEnd().split("\n").at(-1)).toBe(
			".wharf/manifest.jsonl",
		);
		const manifest = execFileSync("tar", ["-xOf", path, ".wharf/manifest.jsonl"], {
			encoding: "utf8",
			maxBuffer: 1 << 26,
		});
		const lines = manifest.trimEnd().split("\n");
		expect(JSON.parse(lines[0] ?? "")).toMatchObject({ format: "wharf-manifest/4", volume: "nasty" });
		expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ end: true, entries: lines.length - 2 });
	});
});

test("what an archive cannot hold is told", async () => {
	const content = await volume("odd");
	const bind = "socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) || die";
	execFileSync("perl", ["-MSocket", "-e", bind, join(content, "socket")]);
	execFileSync("mknod", [join(content, "null"), "c", "1", "3"]);
	const { result } = await backup(daemon, { volume: "odd", path: at("out/odd"), exclude: ["nothing"] });
	expect(result?.warnings).toEqual(["./null will not be restored: it is a device"]);
	const restored = await restore(daemon, { volume: "odd2", path: at("out/odd"), create: true });
	expect(restored).toMatchObject({ verified: true, warnings: ["./null was left out: it is a device"] });
	expect(readdirSync(daemon.content("odd2"))).toEqual(["socket"]);
});

test.each([
	["as it is", "COMPRESSION_NONE"],
	["compressed", "COMPRESSION_GZIP"],
] as const)("an archive that lies in its volume is not in itself, %s", async (_, compression) => {
	const name = `itself-${compression}`;
	const content = await volume(name);
	writeFileSync(join(content, "file"), "content");
	const path = join(content, "archive");
	await backup(daemon, { volume: name, path, compression });
	const names = execFileSync("tar", ["-tf", path, "--exclude=.wharf"], { encoding: "utf8" });
	expect(names.trim().split("\n")).toEqual(["./", "./file"]);
});

test("what is mounted within a volume is left out, and that is told of its archive and of its clone", async () => {
	const content = await volume("covered");
	mkdirSync(join(content, "sub dir/deep"), { recursive: true });
	mountFs("tmpfs", "other", join(content, "sub dir/deep"));
	using _ = { [Symbol.dispose]: () => unmount(join(content, "sub dir/deep")) };
	writeFileSync(join(content, "sub dir/deep/file"), "another file system's");
	const warnings = ["./sub dir/deep: something else is mounted there, and that was left out"];
	const { result } = await backup(daemon, { volume: "covered", path: at("out/covered") });
	expect(result).toMatchObject({ warnings });
	const request = CloneVolumeRequest.fromPartial({ volume: "covered", target: "covered-clone" });
	const { part } = (await Array.fromAsync(daemon.backups.cloneVolume(request))).at(-1) ?? {};
	expect(part?.value).toMatchObject({ warnings });
});

test("patterns say what is taken; the rest is not there", async () => {
	const content = await volume("chosen");
	mkdirSync(join(content, "cache/deep"), { recursive: true });
	mkdirSync(join(content, "src"));
	for (const name of ["src/a.c", "src/a.o", "cache/x", "cache/deep/keep.c", "top.c"])
		writeFileSync(join(content, name), name);
	await backup(daemon, { volume: "chosen", path: at("out/chosen"), include: ["*.c"], exclude: ["/cache/"] });
	const names = execFileSync("tar", ["-tf", at("out/chosen"), "--exclude=.wharf"], { encoding: "utf8" });
	expect(names.trim().split("\n")).toEqual(["./", "./src/", "./src/a.c", "./top.c"]);
	await expect(backup(daemon, { volume: "chosen", path: at("out/none"), include: ["[a"] })).rejects.toMatchObject({
		reason: "INVALID_PATTERN",
		field: "include",
	});
	expect(existsSync(at("out/none"))).toBe(false);
});

describe("dated archives in a directory", () => {
	beforeAll(async () => {
		writeFileSync(join(await volume("dated"), "file"), "x");
		mkdirSync(at("dated"));
		for (const day of ["01", "02", "03"]) writeFileSync(at(`dated/dated-202601${day}T120000Z.tar`), "old");
		writeFileSync(at("dated/other-20260101T120000Z.tar"), "another volume's");
	});

	test("older ones go by the rules, and only those of the volume", async () => {
		const request = {
			requestId: "dated",
			volume: "dated",
			directory: at("dated"),
			retention: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 },
			compression: "COMPRESSION_ZSTD",
		} as const;
		const { result } = await backup(daemon, request);
		const name = result?.path.slice(at("dated/").length) ?? "";
		expect(name).toMatch(/^dated-\d{8}T\d{6}Z\.tar\.zst$/);
		expect(result?.removed).toEqual(["02", "01"].map((day) => at(`dated/dated-202601${day}T120000Z.tar`)));
		expect(readdirSync(at("dated"))).toEqual(["dated-20260103T120000Z.tar", name, "other-20260101T120000Z.tar"]);
		expect((await backup(daemon, request)).result).toEqual(result);
	});

	test("two of one second have names of their own", async () => {
		const directory = at("second");
		mkdirSync(directory);
		const request = { volume: "nasty", directory };
		const made = await Promise.all([backup(daemon, request), backup(daemon, request), backup(daemon, request)]);
		expect(new Set(made.map(({ result }) => result?.path)).size).toBe(3);
		expect(readdirSync(directory)).toHaveLength(3);
	});

	test("without a rule all stay; a directory that is none is refused", async () => {
		const before = readdirSync(at("dated"));
		const { result } = await backup(daemon, { volume: "dated", directory: at("dated") });
		expect(readdirSync(at("dated"))).toHaveLength(before.length + 1);
		await restore(daemon, { volume: "undated", path: result?.path ?? "", create: true });
		expect(readdirSync(daemon.content("undated"))).toEqual(["file"]);
		for (const directory of [at("nowhere"), "relative", at("out/chosen")]) {
			await expect(backup(daemon, { volume: "dated", directory })).rejects.toMatchObject({ reason: "INVALID_PATH" });
		}
		const both = backup(daemon, { volume: "dated", directory: at("dated"), path: at("out/x") });
		await expect(both).rejects.toMatchObject({ reason: "INVALID_PATH" });
	});
});

describe("what gives rights", () => {
	const giving = [
		{ name: "setuid", mode: 0o4755, content: "1" },
		{ name: "capable", content: "2", pax: { "SCHILY.xattr.trusted.secret": "y" } },
	];

	test("is left out of an archive that was not made here, and told", async () => {
		const result = await restore(daemon, { volume: "stripped", create: true }, tarOf(giving));
		expect(result?.warnings).toEqual([
			"setuid: its mode 4755 would give rights and was left out",
			"capable: its attribute trusted.secret would give rights and was left out",
		]);
		expect(statSync(join(daemon.content("stripped"), "setuid")).mode & 0o7777).toBe(0o755);
	});

	test("comes along when it is asked for", async () => {
		const result = await restore(daemon, { volume: "kept", create: true, keepPrivileges: true }, tarOf(giving));
		expect(result?.warnings).toEqual([]);
		expect(statSync(join(daemon.content("kept"), "setuid")).mode & 0o7777).toBe(0o4755);
		const secret = ["-n", "trusted.secret", "--only-values", join(daemon.content("kept"), "capable")];
		expect(execFileSync("getfattr", ["--absolute-names", ...secret], { encoding: "utf8" })).toBe("y");
	});
});

describe("a backup that cannot be", () => {
	test.each([
		[{ volume: "missing", path: "/tmp/x" }, "VOLUME_NOT_FOUND"],
		[{ volume: "nasty", path: "relative" }, "INVALID_PATH"],
		[{ volume: "nasty", path: "/nonexistent/x" }, "INVALID_PATH"],
		[{ volume: "nasty", path: "/tmp" }, "INVALID_PATH"],
		[{ volume: "nasty", path: "/tmp/x", compression: "COMPRESSION_GZIP", level: 12 }, "INVALID_OPTION"],
	] as const)("%o is refused with %s", async (request, reason) => {
		await expect(backup(daemon, request)).rejects.toMatchObject({ reason });
	});

	test("for a level without a compression says what goes", async () => {
		const allowed = "allowed is 1 to 19 for zstd and 1 to 9 for gzip, and none without a compression.";
		await expect(backup(daemon, { volume: "nasty", path: "/tmp/x", level: 3 })).rejects.toThrow(allowed);
	});

	test("replaces no file that is not to be replaced, and leaves nothing else", async () => {
		writeFileSync(at("out/taken"), "mine");
		await expect(backup(daemon, { volume: "nasty", path: at("out/taken") })).rejects.toMatchObject({
			reason: "FILE_EXISTS",
		});
		expect(readFileSync(at("out/taken"), "utf8")).toBe("mine");
		await backup(daemon, { volume: "nasty", path: at("out/taken"), overwrite: true });
		expect(statSync(at("out/taken")).size).toBeGreaterThan(100_000);
		expect(readdirSync(at("out")).filter((name) => name.startsWith("."))).toEqual([]);
	});

	test("a full disk is said, and nothing stays", async () => {
		mkdirSync(at("small"));
		execFileSync("mount", ["-t", "tmpfs", "-o", "size=100k", "none", at("small")]);
		try {
			const content = daemon.content("nasty");
			expect(statSync(content).isDirectory()).toBe(true);
			await expect(backup(daemon, { volume: "nasty", path: at("small/x") })).rejects.toMatchObject({
				reason: "DISK_FULL",
			});
			expect(readdirSync(at("small"))).toEqual([]);
		} finally {
			execFileSync("umount", [at("small")]);
		}
	});
});

test("the same request gets the same result, whether it runs or is done; another body is refused", async () => {
	const request = { requestId: "twice", volume: "nasty", path: at("out/twice") };
	const [first, second] = await Promise.all([backup(daemon, request), backup(daemon, request)]);
	const third = await backup(daemon, request);
	expect([second.result, third.result]).toEqual([first.result, first.result]);
	await expect(backup(daemon, { ...request, overwrite: true })).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
});

describe("a restore", () => {
	let content: string;
	beforeAll(async () => {
		content = await volume("target");
		writeFileSync(join(content, "old"), "old");
	});

	const untouched = (): void => {
		expect(readdirSync(content)).toEqual(["old"]);
		expect(readdirSync(join(content, ".."))).toEqual(["_data"]);
	};

	test.each(HOSTILE)("refuses $what; the volume is as it was", async ({ archive, reason }) => {
		await expect(restore(daemon, { volume: "target", replace: true }, archive)).rejects.toMatchObject({ reason });
		untouched();
		for (const escaped of ["/tmp/wharf-escape", join(content, "../wharf-escape"), at("wharf-escape")]) {
			expect(existsSync(escaped)).toBe(false);
		}
	});

	test("refuses our own archive with one byte changed of a name, a content, a record, or the manifest", async () => {
		const { bytes } = await backup(daemon, { volume: "nasty" });
		const last = (text: string): number => bytes.lastIndexOf(text);
		const content = bytes.indexOf("not UTF-8");
		for (const index of [
			2,
			content,
			last("mtime="),
			last("wharf-manifest/"),
			last('"mode":"') + 9,
			last('"end":true'),
		]) {
			const damaged = Buffer.from(bytes);
			expect(index).toBeGreaterThan(0);
			damaged[index] = (damaged[index] ?? 0) ^ 1;
			await expect(restore(daemon, { volume: "target", replace: true }, damaged)).rejects.toMatchObject({
				code: expect.stringMatching(/DATA_LOSS|INVALID_ARGUMENT/) as string,
			});
			untouched();
		}
	});

	test("refuses a compressed archive that was cut off", async () => {
		for (const kind of ["zstd", "gzip"]) {
			const bytes = readFileSync(at(`out/nasty-${kind}`));
			await expect(
				restore(daemon, { volume: "target", replace: true }, bytes.subarray(0, bytes.length - 100)),
			).rejects.toMatchObject({ reason: "ARCHIVE_CORRUPT" });
			untouched();
		}
	});

	test("replaces content only when told", async () => {
		const archive = tarOf([{ name: "new", content: "new" }]);
		await expect(restore(daemon, { volume: "target" }, archive)).rejects.toMatchObject({ reason: "VOLUME_NOT_EMPTY" });
		await expect(restore(daemon, { volume: "nobody" }, archive)).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		untouched();
	});

	test("leaves a volume alone that a container uses", async () => {
		const mounts = [{ destination: "/x", source: { $case: "volume", value: { name: "target" } } }] as const;
		await daemon.attachments.attach(
			AttachRequest.fromPartial({ holder: "test", containerId: "c1", containerName: "web", mounts: [...mounts] }),
		);
		await expect(restore(daemon, { volume: "target", replace: true }, tarOf([]))).rejects.toMatchObject({
			reason: "VOLUME_IN_USE",
			message: expect.stringContaining("web (c1)") as string,
		});
		await daemon.attachments.detach(DetachRequest.fromPartial({ holder: "test", containerId: "c1" }));
		untouched();
	});

	test("takes plain archives, with parts of the names dropped, and says that nothing vouches for them", async () => {
		mkdirSync(at("plain/a/b"), { recursive: true });
		writeFileSync(at("plain/a/b/file"), "1");
		execFileSync("tar", ["-czf", at("out/plain.tgz"), "-C", at("plain"), "a"]);
		const result = await restore(daemon, {
			volume: "target",
			path: at("out/plain.tgz"),
			replace: true,
			stripComponents: 1,
		});
		expect(result).toMatchObject({ verified: false, entries: 2n });
		expect(execFileSync("find", [content, "-type", "f", "-printf", "%P"], { encoding: "utf8" })).toBe("b/file");
	});

	test("that its caller gives up leaves nothing", async () => {
		async function* endless() {
			yield tarOf([{ name: "a", content: "1" }], Buffer.alloc(0));
			await sleep(60_000, undefined, { ref: false });
		}
		const before = readdirSync(content);
		const call = daemon.backups.restoreVolume(
			(async function* () {
				yield { part: { $case: "spec" as const, value: { ...EMPTY_SPEC, volume: "target", replace: true } } };
				for await (const value of endless()) yield { part: { $case: "chunk" as const, value } };
			})(),
		);
		await call.next();
		await call.return(undefined);
		await expect.poll(() => readdirSync(join(content, ".."))).toEqual(["_data"]);
		expect(readdirSync(content)).toEqual(before);
	});
});

const EMPTY_SPEC = {
	...{ requestId: "", volume: "", path: "", create: false, replace: false },
	...{ stripComponents: 0, keepPrivileges: false, merge: false, subpath: "", dryRun: false, maxExpansion: 0 },
};
