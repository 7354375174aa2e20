/** Large files, files that change, disks that are full: what is answered is a fault or the truth, and nothing stays open. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mountFs } from "#lib/linux/mount/mount.ts";
import { descriptorTargets } from "#lib/linux/test-support/descriptors.ts";
import { type Member, tarOf } from "../test-support/archive.ts";
import { packTree, unpackTree } from "../test-support/tree-archives.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";

const scratch = scratchTrees("limits");
const at = (name: string): string => join(scratch.folder, name);

/** What this process, with all of its threads, has open below the folder, or of files without a name. */
const open = (): string[] =>
	descriptorTargets().filter((target) => target.startsWith(scratch.folder) || target.startsWith(`${tmpdir()}/#`));

test("a file of 9 GiB whose data is at its end, and one with more than 8 GiB of numbers, come back", async () => {
	const script = `truncate -s 9G "$1/sparse"; printf end >>"$1/sparse"; truncate -s 12T "$1/holes"; printf mid | dd of="$1/holes" bs=1 seek=5T conv=notrunc status=none`;
	execFileSync("sh", ["-euc", script, "sh", at("from")]);
	const { bytes, foot } = await packTree(scratch.archiver, at("from"));
	expect([foot.warnings, bytes.length < 1_000_000]).toEqual([[], true]);
	await unpackTree(scratch.archiver, bytes, at("to"));
	expect(statSync(at("to/sparse")).size).toBe(9 * 2 ** 30 + 3);
	expect(statSync(at("to/holes")).size).toBe(12 * 2 ** 40);
	expect(statSync(at("to/sparse")).blocks + statSync(at("to/holes")).blocks).toBeLessThan(100);
	const look = 'tail -c 3 "$1/sparse"; dd if="$1/holes" bs=1 skip=5T count=3 status=none';
	expect(execFileSync("sh", ["-euc", look, "sh", at("to")], { encoding: "latin1" })).toBe("endmid");
});

const CHANGED = "./large: it changed while it was read";

test("files that are cut off and grow all the time are told, and the archive is whole", async () => {
	const script = `import os, sys
os.chdir(sys.argv[1])
block = os.urandom(3_000_000)
while True:
    for name, size in (("small", 3_000), ("large", 3_000_000)):
        with open(name, "r+b") as file: file.truncate(size // 3); file.seek(size // 3); file.write(block[:size]); file.truncate(0); file.write(block[:size])
    with open("sparse", "r+b") as file: file.truncate(0); file.truncate(50_000_000); file.seek(20_000_000); file.write(block)`;
	for (const name of ["small", "large", "sparse", "zzz"]) writeFileSync(at(`from/${name}`), name);
	const writer = spawn("python3", ["-c", script, at("from")], { stdio: "ignore" });
	try {
		const told = new Set<string>();
		for (let round = 0; round < 15 || !told.has(CHANGED); round++) {
			const { bytes, foot } = await packTree(scratch.archiver, at("from"));
			for (const warning of foot.warnings) told.add(warning);
			expect(new Set(foot.warnings).size).toBe(foot.warnings.length);
			mkdirSync(at(`to/${round}`));
			const read = await unpackTree(scratch.archiver, bytes, at(`to/${round}`));
			expect([read.entries, read.manifest?.foot]).toEqual([5, foot]);
			expect(readFileSync(at(`to/${round}/zzz`), "utf8")).toBe("zzz");
			execFileSync("rm", ["-rf", at(`to/${round}`)]);
		}
		for (const warning of told) expect(warning).toMatch(/^\.\/(small|large|sparse): it changed while it was read$/);
	} finally {
		writer.kill("SIGKILL");
	}
	expect(open()).toEqual([]);
});

test("of a tree that is removed and made again while it is packed every archive is whole", async () => {
	const script = `import os, shutil, sys
os.chdir(sys.argv[1])
while True:
    for d in range(20):
        os.makedirs("d%d/e/f" % d, exist_ok=True)
        for f in range(10):
            open("d%d/e/%d" % (d, f), "w").close()
            try: os.link("d%d/e/%d" % (d, f), "d%d/e/f/%d" % (d, f))
            except OSError: pass
    for d in range(20): shutil.rmtree("d%d" % d)`;
	const writer = spawn("python3", ["-c", script, at("from")], { stdio: "ignore" });
	try {
		let most = 0;
		for (let round = 0; round < 15 || most <= 50; round++) {
			const { bytes, foot } = await packTree(scratch.archiver, at("from"));
			most = Math.max(most, foot.entries);
			mkdirSync(at(`to/${round}`));
			await unpackTree(scratch.archiver, bytes, at(`to/${round}`));
		}
	} finally {
		writer.kill("SIGKILL");
	}
	expect(open()).toEqual([]);
});

const files = (count: number, bytes: number): Member[] =>
	Array.from({ length: count }, (_, index) => ({ name: `dir/${index}`, content: Buffer.alloc(bytes, 1) }));

test.each([
	["bytes that the archive says", ["size=1m"], tarOf(files(30, 100_000)), /^(?!.*ENOSPC)/],
	["blocks of a file that is being written", ["size=1m"], tarOf(files(2_000, 1)), /dir\/\d+.*ENOSPC/],
	["inodes that the archive says", ["size=10m,nr_inodes=100"], tarOf(files(200, 0)), /inodes/],
	[
		"inodes of directories that it does not say",
		["size=10m,nr_inodes=100"],
		tarOf(Array.from({ length: 60 }, (_, index) => ({ name: `${index}/a`, content: "" }))),
		/ENOSPC/,
	],
] as const)("no room for %s is DISK_FULL, and nothing stays open", async (_, options, archive, message) => {
	mountFs("tmpfs", "none", at("to"), options);
	try {
		await expect(unpackTree(scratch.archiver, archive, at("to"))).rejects.toMatchObject({
			reason: "DISK_FULL",
			message: expect.stringMatching(message) as string,
		});
		expect(open()).toEqual([]);
	} finally {
		// It is busy when anything in it is open.
		execFileSync("umount", [at("to")]);
	}
	await unpackTree(scratch.archiver, tarOf(files(1, 1)), at("to"));
	expect(readdirSync(at("to/dir"))).toEqual(["0"]);
});

test("numbers that no kernel takes are an entry's fault, or told", async () => {
	const one = (pax: Record<string, string>): Buffer => tarOf([{ name: "a", pax, content: "" }]);
	for (const pax of [
		{ uid: "4294967296" },
		{ gid: "9007199254740991" },
		{ mtime: "9999999999999999999" },
		{ mtime: "-99999999999" },
	]) {
		const { warnings } = await unpackTree(scratch.archiver, one(pax), at("to"));
		expect(warnings).toEqual([expect.stringMatching(/^a: its (owner|time) is /)]);
		expect(statSync(at("to/a")).size).toBe(0);
	}
	const huge = { "GNU.sparse.size": "9007199254740991", "GNU.sparse.map": "9007199254740991,0" };
	await expect(unpackTree(scratch.archiver, one(huge), at("to"))).rejects.toMatchObject({ reason: "ENTRY_REFUSED" });
	expect(open()).toEqual([]);
});

test("a sparse file whose map does not end is no archive", async () => {
	const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "9" };
	for (const content of [Buffer.from(`300\n${"0\n".repeat(254)}`), Buffer.from("2\n0\n1\n")])
		await expect(unpackTree(scratch.archiver, tarOf([{ name: "a", pax, content }]), at("to"))).rejects.toMatchObject({
			reason: "ARCHIVE_CORRUPT",
		});
	expect(open()).toEqual([]);
});
