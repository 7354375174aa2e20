/** What was found by reading the packer: each of these went wrong once. */
import { execFileSync } from "node:child_process";
import {
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { Archiver } from "../kernel/archiver.ts";
import { TreeWorkers } from "./tree-workers.ts";
import { type Member, tarOf } from "../test-support/archive.ts";
import { packTree, unpackTree } from "../test-support/tree-archives.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";

const scratch = scratchTrees("packer");
const at = (name: string): string => join(scratch.folder, name);

/** In Perl, of a socket. */
const BIND = "socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) || die";

async function copy(): Promise<Buffer> {
	const { bytes, foot } = await packTree(scratch.archiver, at("from"));
	expect(foot.warnings).toEqual([]);
	await unpackTree(scratch.archiver, bytes, at("to"));
	return bytes;
}

test("attributes whose names have bytes beyond ASCII, equals signs and percent signs come back, and GNU tar reads them", async () => {
	writeFileSync(at("from/file"), "");
	const names = ["user.ключ", "user.a=b", "user.a%3Db", "user.100%", "user.%25"];
	for (const name of names) execFileSync("setfattr", ["-n", name, "-v", `of ${name}`, at("from/file")]);
	const bytes = await copy();
	mkdirSync(at("tar"));
	execFileSync("tar", ["-x", "--xattrs", "--xattrs-include=*", "-C", at("tar")], { input: bytes });
	for (const place of ["to", "tar"])
		for (const name of names)
			expect(
				execFileSync("getfattr", ["--absolute-names", "--only-values", "-n", name, at(`${place}/file`)], {
					encoding: "utf8",
				}),
			).toBe(`of ${name}`);
});

test.each([8_589_934_591, 8_589_934_592, 9_999_999_999, 10_000_000_000])(
	"a file of the time %d comes back with it",
	async (seconds) => {
		using _ = scratchTmpfs(at("from"));
		using __ = scratchTmpfs(at("to"));
		writeFileSync(at("from/file"), "");
		utimesSync(at("from/file"), 0, seconds);
		await copy();
		expect(execFileSync("stat", ["-c", "%.9Y", at("to/file")], { encoding: "utf8" })).toBe(`${seconds}.000000000\n`);
	},
);

test("a socket with two names, and a symlink with two names, come back", async () => {
	execFileSync("perl", ["-MSocket", "-e", BIND, at("from/socket")]);
	linkSync(at("from/socket"), at("from/again"));
	symlinkSync("nowhere", at("from/link"));
	linkSync(at("from/link"), at("from/link2"));
	await copy();
	expect(lstatSync(at("to/socket")).isSocket() && lstatSync(at("to/again")).isSocket()).toBe(true);
	expect(lstatSync(at("to/link")).ino).toBe(lstatSync(at("to/link2")).ino);
});

test("what the system refuses the thread itself is no bug: where the lines are kept there is no room", async () => {
	mkdirSync(at("spool"));
	mountFs("tmpfs", "none", at("spool"), ["size=64k"]);
	try {
		await using workers = new TreeWorkers();
		const small = new Archiver(at("spool"), workers);
		const nowhere = new Archiver(at("nowhere"), workers);
		for (let file = 0; file < 1_000; file++) writeFileSync(at(`from/${file}`), "");
		await expect(packTree(small, at("from"))).rejects.toMatchObject({ reason: "DISK_FULL" });
		await expect(packTree(nowhere, at("from"))).rejects.toMatchObject({
			reason: "KERNEL_REFUSED",
			message: expect.stringContaining("ENOENT") as string,
		});
	} finally {
		unmount(at("spool"));
	}
});

describe("a file with more attributes than can be kept", () => {
	const attributes = (count: number, nameBytes: number, valueBytes: number, name = "file"): void => {
		const script = `import os
for i in range(${count}): os.setxattr(${JSON.stringify(at(`from/${name}`))}, "trusted." + str(i).rjust(${nameBytes}, "x"), b"v" * ${valueBytes})`;
		execFileSync("python3", ["-c", script]);
	};

	test("is told when the kernel does not even list them", async () => {
		using _ = scratchTmpfs(at("from"));
		writeFileSync(at("from/file"), "content");
		attributes(300, 240, 1);
		const { bytes, foot } = await packTree(scratch.archiver, at("from"));
		expect(foot.warnings).toEqual([expect.stringMatching(/^\.\/file: its attributes cannot be read: .*E2BIG/)]);
		await unpackTree(scratch.archiver, bytes, at("to"));
	});

	test("comes without them, and that is told, when no restore takes them", async () => {
		using _ = scratchTmpfs(at("from"));
		writeFileSync(at("from/file"), "content");
		attributes(65, 10, 65_536);
		const { bytes, foot } = await packTree(scratch.archiver, at("from"));
		expect(foot.warnings).toEqual(["./file: its attributes were left out: they are too many"]);
		await unpackTree(scratch.archiver, bytes, at("to"));
		expect(readFileSync(at("to/file"), "utf8")).toBe("content");
	});

	test("comes without them, and that is told, when it is a socket", async () => {
		using _ = scratchTmpfs(at("from"));
		execFileSync("perl", ["-MSocket", "-e", BIND, at("from/socket")]);
		attributes(65, 10, 65_536, "socket");
		const { bytes, foot } = await packTree(scratch.archiver, at("from"));
		expect(foot.warnings).toEqual(["./socket: its attributes were left out: they are too many"]);
		expect(foot.sockets.join("").length).toBeLessThan(1_000);
		await unpackTree(scratch.archiver, bytes, at("to"));
		expect(lstatSync(at("to/socket")).isSocket()).toBe(true);
	});
});

test("names that no restore takes are left out with what is below them, and that is told; other names of the same file are there", async () => {
	const script = `import os, sys
os.chdir(sys.argv[1])
open("z", "w").write("linked")
for part, count in (("d" * 250, 13), ("e", 520)):
    top = os.open(".", os.O_RDONLY)
    for level in range(count):
        os.mkdir(part)
        os.chdir(part)
    open("file", "w").close()
    os.link("z", "z", src_dir_fd=top)
    os.fchdir(top)`;
	execFileSync("python3", ["-c", script, at("from")]);
	const { bytes, foot } = await packTree(scratch.archiver, at("from"));
	expect(foot.warnings).toContainEqual(
		expect.stringMatching(/^\.\/d.* was left out: its name has more than 3072 bytes$/),
	);
	expect(foot.warnings).toContainEqual(
		expect.stringMatching(/^\.\/e.* was left out: it is more than 512 directories deep$/),
	);
	await unpackTree(scratch.archiver, bytes, at("to"));
	expect(readdirSync(at("to"))).toEqual(["d".repeat(250), "e", "z"]);
	expect(readFileSync(at("to/z"), "utf8")).toBe("linked");
});

test("devices are left out of what is restored, with all of their names; a file whose place one has taken does not stay", async () => {
	const device = (name: string): Member => ({ name, type: "4", device: [8, 0] });
	const archive = tarOf([
		device("sda"),
		{ name: "again", type: "1", link: "sda" },
		{ name: "third", type: "1", link: "again" },
		{ name: "file", content: "before" },
		device("file"),
		device("now"),
		{ name: "now", content: "a file" },
		{ name: "whiteout", type: "3", device: [0, 0] },
	]);
	const { warnings } = await unpackTree(scratch.archiver, archive, at("to"));
	expect(warnings).toEqual(
		["sda", "again", "third", "file", "now"].map((name) => `${name} was left out: it is a device`),
	);
	expect(readdirSync(at("to"))).toEqual(["now", "whiteout"]);
});

test("a file of more bytes than can be counted is left out, and that is told", async () => {
	using _ = scratchTmpfs(at("from"));
	writeFileSync(at("from/huge"), "");
	execFileSync("python3", ["-c", "import os, sys; os.truncate(sys.argv[1], 8191 << 50)", at("from/huge")]);
	writeFileSync(at("from/file"), "content");
	const { bytes, foot } = await packTree(scratch.archiver, at("from"));
	expect(foot.warnings).toEqual(["./huge: it is too large to be archived and was left out"]);
	await unpackTree(scratch.archiver, bytes, at("to"));
	expect(readdirSync(at("to"))).toEqual(["file"]);
});

test("an archive whose end is zeros, from wherever on, is not taken for a whole one", async () => {
	for (const name of ["a", "b", "c"]) writeFileSync(at(`from/${name}`), name.repeat(1_000));
	const { bytes } = await packTree(scratch.archiver, at("from"));
	const verify = async (archive: Buffer): Promise<unknown> => {
		await using reading = await scratch.archiver.read(0, false, new AbortController().signal);
		await reading.push(archive);
		return (await reading.end()).manifest?.sha256;
	};
	expect(await verify(bytes)).toMatch(/^[0-9a-f]{64}$/);
	const end = bytes.lastIndexOf("}\n");
	for (let cut = 0; cut < end; cut += 512) {
		const archive = Buffer.from(bytes).fill(0, cut);
		await expect(verify(archive), `zeros from ${cut} on`).rejects.toMatchObject({ code: "DATA_LOSS" });
	}
});

test("however long the list is of what went while an archive was made, it is restored", async () => {
	// Longer, all together, than a reader takes a line.
	const script = `import os, sys
os.chdir(sys.argv[1])
for _ in range(11):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
for f in range(25000): open("%05d" % f, "w").close()`;
	using _ = scratchTmpfs(at("from"));
	using __ = scratchTmpfs(at("to"));
	mkdirSync(at("from/cache"));
	writeFileSync(at("from/kept"), "kept");
	execFileSync("python3", ["-c", script, at("from/cache")]);
	const { bytes, foot } = await packTree(scratch.archiver, at("from"), () => {
		execFileSync("rm", ["-rf", at("from/cache")]);
	});
	expect(foot.gone.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(64 * 1024 * 1024);
	const read = await unpackTree(scratch.archiver, bytes, at("to"));
	expect(read.manifest?.foot).toEqual(foot);
	expect(readdirSync(at("to"))).toEqual(["kept"]);
});

function scratchTmpfs(path: string): Disposable {
	mountFs("tmpfs", "none", path);
	return { [Symbol.dispose]: () => unmount(path) };
}
