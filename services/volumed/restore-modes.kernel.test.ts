/** Restores of a part of an archive, and those that are only told. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateVolumeRequest, type RestorePlan, RestoreSpec } from "#gen/wharf/volume/v1/volume.ts";
import { HOSTILE, tarOf } from "./test-support/archive.ts";
import { backup, Daemon, restore, verify } from "./test-support/daemon.ts";
import { makeNastyTree, portrait } from "./test-support/nasty-tree.ts";

let daemon: Daemon;
const at = (name: string): string => join(daemon.root, name);
const sh = (script: string, cwd: string): string => execFileSync("sh", ["-euc", script], { cwd, encoding: "utf8" });

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "tree" }));
	const tree = daemon.content("tree");
	mkdirSync(join(tree, "a/b c"), { recursive: true });
	makeNastyTree(join(tree, "a/b c"));
	sh(
		"chown 7:8 'a/b c'; chmod 2711 'a/b c'; touch -d @1234567 'a/b c'; echo 1 >a/beside; mkdir a/empty; echo 1 >a/b",
		tree,
	);
	await backup(daemon, { volume: "tree", path: at("tree.tar") });
});
afterAll(() => daemon[Symbol.asyncDispose]());

describe("of a directory of the archive", () => {
	test("it is the root, with all that it is and has", async () => {
		for (const [index, subpath] of ["a/b c", "./a//b c/"].entries()) {
			const volume = `part${index}`;
			const result = await restore(daemon, { volume, path: at("tree.tar"), create: true, subpath });
			expect(result).toMatchObject({ verified: true, warnings: [] });
			expect(portrait(daemon.content(volume))).toBe(portrait(join(daemon.content("tree"), "a/b c")));
		}
		await restore(daemon, { volume: "empty", path: at("tree.tar"), create: true, subpath: "a/empty" });
		expect(readdirSync(daemon.content("empty"))).toEqual([]);
	});

	test("one that is not there, is none, or is said wrongly is refused, and no volume is made", async () => {
		const refused = [
			[{ subpath: "a/none" }, "SUBPATH_MISSING"],
			[{ subpath: "a/be" }, "SUBPATH_MISSING"],
			[{ subpath: "a/beside" }, "ENTRY_REFUSED"],
			[{ subpath: "/a" }, "INVALID_PATH"],
			[{ subpath: "a/../a" }, "INVALID_PATH"],
			[{ subpath: "a", stripComponents: 1 }, "INVALID_OPTION"],
		] as const;
		for (const [more, reason] of refused) {
			const made = restore(daemon, { volume: "made", path: at("tree.tar"), create: true, ...more });
			await expect(made).rejects.toMatchObject({ reason });
		}
		expect(readdirSync(at("volumes"))).not.toContain("made");
	});

	test("told as restored are its own entries and their bytes", async () => {
		const spec = { volume: "counted", path: at("tree.tar"), create: true, subpath: "a/empty" };
		expect(await restore(daemon, spec)).toMatchObject({ verified: true, entries: 1n, bytes: 1536n });
		const whole = { volume: "counted", path: at("tree.tar"), replace: true };
		const { entries, bytes } = (await verify(daemon, { path: at("tree.tar") })) ?? {};
		expect(await restore(daemon, whole)).toMatchObject({ entries, bytes });
	});

	test("a file whose content is that of a name elsewhere is refused with the reason", async () => {
		const archive = tarOf([
			{ name: "first", content: "1" },
			{ name: "dir/second", type: "1", link: "first" },
		]);
		await expect(restore(daemon, { volume: "made", create: true, subpath: "dir" }, archive)).rejects.toMatchObject({
			reason: "ENTRY_REFUSED",
			message: expect.stringContaining("left out") as string,
		});
	});

	test.each(HOSTILE)("$what is refused wherever it is", async ({ archive, reason }) => {
		const made = restore(daemon, { volume: "made", create: true, subpath: "somewhere" }, archive);
		await expect(made).rejects.toMatchObject({ reason: expect.stringMatching(`${reason}|SUBPATH_MISSING`) as string });
		expect(readdirSync(at("volumes"))).not.toContain("made");
	});
});

test("of names of which nothing is left nothing is restored, and the content stays", async () => {
	const there = daemon.content("emptied");
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "emptied" }));
	writeFileSync(join(there, "file"), "1");
	const path = at("tree.tar");
	const stripComponents = 99;
	for (const more of [{ replace: true }, { merge: true }, { replace: true, dryRun: true }]) {
		const restored = restore(daemon, { volume: "emptied", path, stripComponents, ...more });
		await expect(restored).rejects.toMatchObject({
			reason: "NOTHING_LEFT",
			message: expect.stringMatching(/entries, \d+ in all, .* 99\.$/) as string,
		});
	}
	await expect(restore(daemon, { volume: "made", path, create: true, stripComponents })).rejects.toMatchObject({
		reason: "NOTHING_LEFT",
	});
	expect(readdirSync(there)).toEqual(["file"]);
	expect(readdirSync(at("volumes"))).not.toContain("made");
});

describe("told only", () => {
	const rehearse = async (spec: Partial<RestoreSpec>, bytes?: Buffer): Promise<RestorePlan | undefined> => {
		async function* messages() {
			yield { part: { $case: "spec" as const, value: RestoreSpec.fromPartial({ ...spec, dryRun: true }) } };
			if (bytes !== undefined) yield { part: { $case: "chunk" as const, value: bytes } };
		}
		for await (const { part } of daemon.backups.restoreVolume(messages())) {
			expect(part?.$case).not.toBe("result");
			if (part?.$case === "plan") return part.value;
		}
		return undefined;
	};

	test("of a volume that would be made: what it would have, and there is none", async () => {
		const plan = await rehearse({ volume: "made", create: true, path: at("tree.tar") });
		const result = await restore(daemon, { volume: "real", create: true, path: at("tree.tar") });
		expect(plan).toEqual({ result: { ...result, volume: "made" }, differences: [], differenceCount: 0n });
		expect(readdirSync(at("volumes"))).not.toContain("made");
	});

	test("of content that would be replaced or merged: what is different, and nothing changes", async () => {
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "there" }));
		const there = daemon.content("there");
		sh("mkdir dir; echo old >dir/both; echo old >only; touch -d @1000 dir/both only; chmod 755 dir", there);
		const archive = execFileSync("tar", ["-c", "--transform=s,^,top/,", "dir/both", "only"], { cwd: there });
		sh("echo changed >dir/both; touch -d @1000 dir/both; mv only alone; touch -d @1000 .", there);
		const before = portrait(there);
		const changed = [
			{ path: "dir/both", what: expect.stringMatching(/^its size is 8 bytes and not 4 bytes/) as string },
			{ path: "only", what: "it is not in the volume" },
		];
		const alone = { path: "alone", what: "it is not in the archive" };
		for (const dropped of [{ stripComponents: 1 }, { subpath: "top" }]) {
			const merged = await rehearse({ volume: "there", merge: true, ...dropped }, archive);
			expect(merged).toMatchObject({
				differences: changed,
				differenceCount: 2n,
				result: { verified: false, entries: 2n },
			});
			const replaced = await rehearse({ volume: "there", replace: true, ...dropped }, archive);
			expect(replaced?.differences).toEqual(expect.arrayContaining([alone, ...changed]) as unknown);
		}
		expect(portrait(there)).toBe(before);
	});

	test("what would be refused is refused: the archive, the volume, and what is in the way of a merge", async () => {
		const archive = tarOf([{ name: "dir", content: "a file" }]);
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "full" }));
		sh("mkdir dir; echo 1 >dir/file", daemon.content("full"));
		const refused = [
			[{ volume: "full" }, archive, "VOLUME_NOT_EMPTY"],
			[{ volume: "nobody" }, archive, "VOLUME_NOT_FOUND"],
			[{ volume: "full", replace: true }, archive.subarray(0, 600), "ARCHIVE_CORRUPT"],
			[{ volume: "full", replace: true }, Buffer.alloc(10_240), "ARCHIVE_CORRUPT"],
			[{ volume: "full", merge: true }, archive, "DIRECTORY_IN_THE_WAY"],
		] as const;
		for (const [spec, bytes, reason] of refused) await expect(rehearse(spec, bytes)).rejects.toMatchObject({ reason });
		expect(readFileSync(join(daemon.content("full"), "dir/file"), "utf8")).toBe("1\n");
	});

	test("what would be kept back is told", async () => {
		const giving = [
			{ name: "setuid", mode: 0o4755, content: "1" },
			{ name: "capable", content: "2", pax: { "SCHILY.xattr.trusted.secret": "y" } },
		];
		writeFileSync(at("giving.tar"), tarOf(giving));
		const spec = { volume: "made", create: true, path: at("giving.tar") };
		expect((await rehearse(spec))?.result?.warnings).toEqual([
			"setuid: its mode 4755 would give rights and was left out",
			"capable: its attribute trusted.secret would give rights and was left out",
		]);
		expect((await rehearse({ ...spec, keepPrivileges: true }))?.result?.warnings).toEqual([]);
	});
});
