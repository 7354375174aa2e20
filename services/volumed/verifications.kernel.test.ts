import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CloneVolumeRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { HOSTILE } from "./test-support/archive.ts";
import { backup, Daemon, restore, verify } from "./test-support/daemon.ts";
import { digestOfManifest, makeNastyTree, portrait } from "./test-support/nasty-tree.ts";

let daemon: Daemon;
const at = (name: string): string => join(daemon.root, name);

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	for (const name of ["nasty", "changing"])
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId: name, name }));
	makeNastyTree(daemon.content("nasty"));
	await backup(daemon, { volume: "nasty", path: at("nasty.tar.zst"), compression: "COMPRESSION_ZSTD" });
});
afterAll(() => daemon[Symbol.asyncDispose]());

describe("an archive", () => {
	test("is whole, agrees with its manifest, and with the volume that it is of", async () => {
		const manifestSha256 = digestOfManifest(at("nasty.tar.zst"));
		const result = await verify(daemon, { path: at("nasty.tar.zst"), volume: "nasty" });
		expect(result).toMatchObject({ manifestSha256, differences: [], differenceCount: 0n });
		expect(await verify(daemon, {}, readFileSync(at("nasty.tar.zst")))).toMatchObject({ manifestSha256 });
	});

	test("of another program is whole, and compared as well", async () => {
		execFileSync("tar", ["--format=gnu", "-cf", at("gnu.tar"), "-C", daemon.content("nasty"), "plain", "empty"]);
		const result = await verify(daemon, { path: at("gnu.tar"), volume: "nasty" });
		expect(result?.manifestSha256).toBe("");
		expect(result?.differences.find(({ path }) => path === "fifo")?.what).toBe("it is not in the archive");
		expect(result?.differences.some(({ path }) => path === "plain/binary")).toBe(true); // whole seconds are all it has
	});

	test.each([
		["xz", "tar -c . | xz >$0", "compressed with xz"],
		["bzip2", "tar -c . | bzip2 >$0", "compressed with bzip2"],
		["xz within zstd", "tar -c . | xz | zstd -q >$0", "compressed with xz"],
		["zip", "zip -q -r $0.zip . && mv $0.zip $0", "a zip archive"],
		["text", "echo hello >$0", "text"],
	])("that is none, but %s, is told to be that", async (_, script, what) => {
		execFileSync("sh", ["-ec", script, at("other")], { cwd: join(daemon.content("nasty"), "plain") });
		const refused = { reason: "NOT_A_TAR", message: expect.stringContaining(what) as string };
		await expect(verify(daemon, { path: at("other") })).rejects.toMatchObject(refused);
		await expect(restore(daemon, { volume: "new", create: true, path: at("other") })).rejects.toMatchObject(refused);
	});

	test.each(HOSTILE)("is refused with $what", async ({ archive, reason }) => {
		await expect(verify(daemon, {}, archive)).rejects.toMatchObject({ reason });
	});

	test("that becomes a thousand times as long is refused, unless it was made here", async () => {
		const { volume } = await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "zeros" }));
		execFileSync("fallocate", ["-l", "1100M", join(volume?.mountpoint ?? "", "zeros")]);
		await backup(daemon, { volume: "zeros", path: at("zeros.tar.zst"), compression: "COMPRESSION_ZSTD" });
		expect(await verify(daemon, { path: at("zeros.tar.zst"), volume: "zeros" })).toMatchObject({ differences: [] });
		const script = `tar -C "$0" -cf - . | zstd -q -o "$1"`;
		execFileSync("sh", ["-c", script, volume?.mountpoint ?? "", at("bomb.tar.zst")]);
		await expect(verify(daemon, { path: at("bomb.tar.zst") })).rejects.toMatchObject({ reason: "ARCHIVE_EXPANDS" });
		const sent = verify(daemon, {}, readFileSync(at("bomb.tar.zst")));
		await expect(sent).rejects.toMatchObject({ reason: "ARCHIVE_EXPANDS" });
		const spec = { volume: "zeros", path: at("bomb.tar.zst"), replace: true };
		await expect(restore(daemon, spec)).rejects.toMatchObject({ reason: "ARCHIVE_EXPANDS" });
		expect(readdirSync(volume?.mountpoint ?? "")).toEqual(["zeros"]);
	});

	test("that becomes as long is taken from standard input when that is allowed, ours too", async () => {
		const bytes = readFileSync(at("zeros.tar.zst"));
		await expect(verify(daemon, {}, bytes)).rejects.toMatchObject({
			reason: "ARCHIVE_EXPANDS",
			message: expect.stringContaining("not known as one that was made here") as string,
			help: expect.stringContaining("--max-expansion") as string,
		});
		const allowed = { maxExpansion: 1_000_000 };
		expect(await verify(daemon, allowed, bytes)).toMatchObject({
			manifestSha256: digestOfManifest(at("zeros.tar.zst")),
		});
		const spec = { volume: "zeros", replace: true, ...allowed };
		expect(await restore(daemon, spec, bytes)).toMatchObject({ verified: true });
	});

	test("that is damaged or cut off is refused, and so is what is none", async () => {
		const bytes = readFileSync(at("nasty.tar.zst"));
		await expect(verify(daemon, {}, bytes.subarray(0, -200))).rejects.toMatchObject({ reason: "ARCHIVE_CORRUPT" });
		await expect(verify(daemon, { path: at("nowhere") })).rejects.toMatchObject({ reason: "INVALID_PATH" });
		await expect(verify(daemon, { path: at("nasty.tar.zst"), volume: "nobody" })).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
	});
});

test("each difference is told, both ways", async () => {
	const content = daemon.content("changing");
	const sh = (script: string): void => void execFileSync("sh", ["-ec", script], { cwd: content });
	mkdirSync(join(content, "dir"));
	for (const name of ["same", "gone", "content", "mode", "owner", "dir/kind", "one", "other", "target-before"])
		writeFileSync(join(content, name), `${name}\n`);
	sh("ln one linked; ln -s target-before link; setfattr -n user.a -v 1 same; mkfifo fifo; touch -d @1000 same dir .");
	await backup(daemon, { volume: "changing", path: at("changing.tar") });
	sh("echo CONTENT >content; touch -r dir content");
	sh("rm gone; echo new >new; chmod 600 mode; chown 7:8 owner; rm dir/kind; mkdir dir/kind");
	sh("ln -sf target-after link; setfattr -n user.a -v 2 same; rm linked; ln other linked; touch -d @1000 same dir .");
	const result = await verify(daemon, { path: at("changing.tar"), volume: "changing" });
	const told = Object.fromEntries((result?.differences ?? []).map(({ path, what }) => [path, what]));
	expect(told).toEqual({
		content: expect.stringMatching(/^its content is [0-9a-f]{64} and not [0-9a-f]{64}$/) as string,
		"dir/kind": "it is a directory and not a file",
		gone: "it is not in the volume",
		link: "its target is target-after and not target-before",
		linked: expect.stringMatching(/^its (size|content) is /) as string,
		mode: "its mode is 0600 and not 0644",
		new: "it is not in the archive",
		owner: "its owner is 7:8 and not 0:0",
		same: 'its attribute user.a is "2" and not "1"',
	});
	expect(result?.differenceCount).toBe(9n);
});

describe("a clone", () => {
	const clone = async (request: Partial<CloneVolumeRequest>): Promise<unknown> => {
		const answers = await Array.fromAsync(daemon.backups.cloneVolume(CloneVolumeRequest.fromPartial(request)));
		const part = answers.at(-1)?.part;
		return part?.$case === "result" ? part.value : undefined;
	};

	test("is the same tree, set-id bits and capabilities as well", async () => {
		const nothingDigested = { verified: false, manifestSha256: "", storedBytes: 0n };
		expect(await clone({ volume: "nasty", target: "twin" })).toMatchObject({ ...nothingDigested, warnings: [] });
		expect(portrait(daemon.content("twin"))).toBe(portrait(daemon.content("nasty")));
	});

	test("into a volume with content, into itself, of nothing: nothing is changed", async () => {
		const before = portrait(daemon.content("twin"));
		await expect(clone({ volume: "changing", target: "twin" })).rejects.toMatchObject({ reason: "VOLUME_NOT_EMPTY" });
		await expect(clone({ volume: "twin", target: "twin" })).rejects.toMatchObject({ reason: "INVALID_OPTION" });
		await expect(clone({ volume: "nobody", target: "new" })).rejects.toMatchObject({ reason: "VOLUME_NOT_FOUND" });
		await expect(daemon.volumes.getVolume({ name: "new", withUsage: false })).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
		expect(portrait(daemon.content("twin"))).toBe(before);
		await restore(daemon, { volume: "nasty2", path: at("nasty.tar.zst"), create: true });
		await clone({ volume: "changing", target: "twin", replace: true });
		expect(readFileSync(join(daemon.content("twin"), "new"), "utf8")).toBe("new\n");
	});

	test("that is asked for again is joined, and gets its answer afterwards; for something else the id is refused", async () => {
		const request = { requestId: "clone-twice", volume: "nasty", target: "twice" };
		const [first, second] = await Promise.all([clone(request), clone(request)]);
		expect(first).toMatchObject({ volume: "twice", warnings: [] });
		expect([second, await clone(request)]).toEqual([first, first]);
		const other = { ...request, target: "thrice" };
		await expect(clone(other)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
	});

	test("has the labels of its volume, or others; options only when it is asked for", async () => {
		const options = { size: "32m" };
		const labels = { team: "blue" };
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "sized", options, labels }));
		await restore(daemon, { volume: "sized", path: at("nasty.tar.zst") });
		const cloned = async (target: string, more: Partial<CloneVolumeRequest> = {}) => {
			await clone({ volume: "sized", target, ...more });
			return (await daemon.volumes.getVolume({ name: target, withUsage: false })).volume;
		};
		expect(await cloned("plain-clone")).toMatchObject({ options: {}, labels });
		const other = { labels: { team: "red" }, withOptions: true };
		expect(await cloned("sized-clone", other)).toMatchObject({ options, labels: other.labels });
		const compared = await verify(daemon, { path: at("nasty.tar.zst"), volume: "sized-clone" });
		expect(compared).toMatchObject({ differenceCount: 0n });
	});

	test("with options that name a place would show the same: nothing is made", async () => {
		mkdirSync(at("place"));
		const options = { type: "none", o: "bind", device: at("place") };
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "bound", options }));
		const same = clone({ volume: "bound", target: "bound2", withOptions: true });
		await expect(same).rejects.toMatchObject({ reason: "CANNOT_RESTORE" });
		await expect(daemon.volumes.getVolume({ name: "bound2", withUsage: false })).rejects.toMatchObject({
			reason: "VOLUME_NOT_FOUND",
		});
	});
});

test("a verification that is asked for again is joined, and gets its answer afterwards", async () => {
	const spec = { requestId: "verify-twice", path: at("nasty.tar.zst"), volume: "nasty" };
	const [first, second] = await Promise.all([verify(daemon, spec), verify(daemon, spec)]);
	expect(first?.manifestSha256).toMatch(/^[0-9a-f]{64}$/);
	rmSync(at("nasty.tar.zst"));
	expect([second, await verify(daemon, spec)]).toEqual([first, first]);
	const other = { ...spec, volume: "changing" };
	await expect(verify(daemon, other)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
});
