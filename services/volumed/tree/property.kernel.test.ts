/**
 * Whatever a tree is, it comes back. The trees are made by python3 and compared by find, sha256sum and getfattr: nothing of ours is asked
 * whether ours is right.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as fc from "fast-check";
import { Archiver } from "../kernel/archiver.ts";
import { TreeWorkers } from "./tree-workers.ts";
import { packTree, unpackTree } from "../test-support/tree-archives.ts";

const RUNS = 12;

let folder: string;
let archiver: Archiver;
const workers = new TreeWorkers();
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-property-"));
	archiver = new Archiver(folder, workers);
});
afterAll(async () => {
	await workers[Symbol.asyncDispose]();
	execFileSync("rm", ["-rf", folder]);
});

/** Reads nodes as JSON; each goes into one of the directories that are there already. What cannot be (a name twice) is passed over. */
const MAKE = `
import json, os, random, socket, sys
os.chdir(sys.argv[1])
nodes = json.load(sys.stdin)
directories, others = [b"."], []
def dress(node, path):
    link = os.path.islink(path)
    os.chown(path, node["uid"], node["gid"], follow_symlinks=False)
    if not link: os.chmod(path, node["mode"])
    for name, value in node["attributes"]:
        space = b"trusted." if link or node["kind"] in ("fifo", "socket") else b"user."
        try: os.setxattr(path, space + bytes.fromhex(name), bytes.fromhex(value), follow_symlinks=False)
        except OSError: pass
made = []
for node in nodes:
    path = os.path.join(directories[node["parent"] % len(directories)], bytes.fromhex(node["name"]))
    if os.path.lexists(path): continue
    kind, size = node["kind"], node["size"]
    if kind == "directory":
        os.mkdir(path); directories.append(path)
    elif kind == "file":
        with open(path, "wb") as file: file.write(random.Random(size).randbytes(size))
    elif kind == "sparse":
        with open(path, "wb") as file:
            for piece in node["pieces"]:
                file.seek(piece * 4096); file.write(random.Random(piece).randbytes(1 + size % 8192))
            file.truncate(max(file.tell(), node["pieces"][-1] * 4096 + size))
    elif kind == "symlink": os.symlink(bytes.fromhex(node["target"]), path)
    elif kind == "fifo": os.mkfifo(path)
    elif kind == "socket":
        here = os.getcwd(); os.chdir(os.path.dirname(path))
        try: socket.socket(socket.AF_UNIX).bind(os.path.basename(path)[:100])
        finally: os.chdir(here)
        path = os.path.join(os.path.dirname(path), os.path.basename(path)[:100])
    elif kind == "hardlink":
        if not others: continue
        os.link(others[node["parent"] % len(others)], path, follow_symlinks=False); continue
    if kind not in ("directory", "socket"): others.append(path)
    made.append((node, path))
for node, path in made: dress(node, path)
for node, path in reversed(made):
    os.utime(path, ns=(0, node["seconds"] * 10**9 + node["nanoseconds"]), follow_symlinks=False)
os.utime(b".", ns=(0, 10**18))
`;

/** What anybody sees; second names by the first one of their inode. */
const LOOK = `
cd "$1"
find . -printf '%p\\t%y %m %U %G %s %T@ %l\\0' | sed -z '/\\td /s/^\\(.*\\td [^ ]* [^ ]* [^ ]*\\) [^ ]*/\\1/' | sort -z | tr '\\0' '\\n'
find . ! -type d -printf '%i %p\\0' | sort -z -k2 | awk 'BEGIN { RS = "\\0" } { split($0, part, " "); if (part[1] in first) print first[part[1]] " is " $0; else first[part[1]] = $0 }' | sed 's/[0-9]* \\.\\//.\\//g'
find . -type f -print0 | sort -z | xargs -0 -r sha256sum -z | tr '\\0' '\\n'
find . -print0 | sort -z | xargs -0 -r getfattr -h -d -m - -e hex --
`;

function look(path: string): string {
	return execFileSync("sh", ["-c", LOOK, "sh", path], {
		encoding: "latin1",
		maxBuffer: 1 << 28,
		env: { ...process.env, LC_ALL: "C" },
	});
}

const hex = (most: number, least = 1) =>
	fc
		.uint8Array({ minLength: least, maxLength: most })
		.map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 47 ? 95 : byte))).toString("hex"));
const name = fc
	.oneof(
		{ weight: 4, arbitrary: hex(8) },
		{ weight: 2, arbitrary: hex(255, 90) },
		{
			weight: 1,
			arbitrary: fc.constantFrom(" ", "\n", "..a", ".wharf", "=").map((text) => Buffer.from(text).toString("hex")),
		},
	)
	.filter((bytes) => bytes !== "2e" && bytes !== "2e2e");
const id = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 2_000_000, max: 0xffff_fffe }));
const node = fc.record({
	kind: fc.oneof(
		{ weight: 5, arbitrary: fc.constant("file") },
		{ weight: 5, arbitrary: fc.constant("directory") },
		{ weight: 4, arbitrary: fc.constantFrom("sparse", "symlink", "hardlink", "fifo", "socket") },
	),
	name,
	parent: fc.nat({ max: 1_000 }),
	size: fc.oneof(
		fc.constantFrom(0, 1, 511, 512, 513, 1024, 1_048_575, 1_048_576, 1_048_577, 2_500_000),
		fc.nat({ max: 20_000 }),
	),
	pieces: fc
		.uniqueArray(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 60 })
		.map((all) => all.sort((a, b) => a - b)),
	target: fc.oneof(hex(20), hex(1_000, 90)),
	mode: fc.integer({ min: 0, max: 0o7777 }),
	uid: id,
	gid: id,
	// What ext4 has room for: 1901 to 2446.
	seconds: fc.oneof(
		fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
		fc.integer({ min: 4_000_000_000, max: 15_000_000_000 }),
	),
	nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
	attributes: fc.oneof(
		{ weight: 3, arbitrary: fc.constant([]) },
		{
			weight: 1,
			arbitrary: fc.uniqueArray(fc.tuple(hex(60), hex(600, 0)), { maxLength: 3, selector: ([key]) => key }),
		},
	),
});

test("any tree comes back", { timeout: 120_000 }, async () => {
	const seed = Date.now() % 2 ** 31;
	// It is wanted when the test fails, and then it is in fast-check's message, too.
	process.stderr.write(`property.kernel.test.ts: seed ${seed}\n`);
	let count = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(node, { maxLength: 60, size: "max" }), async (nodes) => {
			const [from, to] = [join(folder, `from${count}`), join(folder, `to${count}`)];
			count += 1;
			for (const path of [from, to]) mkdirSync(path);
			execFileSync("python3", ["-c", MAKE, from], { input: JSON.stringify(nodes), stdio: ["pipe", "ignore", "pipe"] });
			const before = look(from);
			const { bytes, foot } = await packTree(archiver, from);
			expect(foot.warnings).toEqual([]);
			const { warnings, entries } = await unpackTree(archiver, bytes, to);
			expect(warnings).toEqual([]);
			expect(entries).toBe(foot.entries);
			expect(look(to)).toBe(before);
			// The same tree, the same archive: nothing in it depends on how it was made.
			const again = await packTree(archiver, to);
			expect(again.bytes.equals(bytes)).toBe(true);
			execFileSync("rm", ["-rf", from, to]);
		}),
		{ numRuns: RUNS, seed, interruptAfterTimeLimit: 60_000 },
	);
});
