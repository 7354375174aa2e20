/** Archives of other programs become what those programs make of them, and ours become the same in their hands. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Archiver } from "../kernel/archiver.ts";
import { TreeWorkers } from "./tree-workers.ts";
import { makeNastyTree, portrait } from "../test-support/nasty-tree.ts";
import { packTree, unpackTree } from "../test-support/tree-archives.ts";

let folder: string;
let archiver: Archiver;
const workers = new TreeWorkers();
const at = (name: string): string => join(folder, name);
let count = 0;

function empty(): string {
	const path = at(`to${count++}`);
	mkdirSync(path);
	return path;
}

function run(program: string, ...args: readonly string[]): void {
	execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, LC_ALL: "C" } });
}

/** What every format can say: whole seconds, small numbers, names of a hundred bytes. */
const PLAIN = `
set -eu
cd "$1"
mkdir -p dir/sub empty; chmod 2750 dir; chown 1000:1001 dir/sub
for size in 0 1 511 512 513 10240 70000; do head -c $size /dev/urandom > dir/$size; done
chmod 4755 dir/512; chown 65534:262143 dir/513; chmod 0 dir/511
ln dir/513 dir/sub/hard; ln dir/513 empty/hard
ln -s ../dir link; ln -s /nowhere dir/dangling
name=$(printf '%098d' 7); echo long > "$name"
find . -exec touch -h -d '2001-02-03 04:05:06' {} +
`;
/** A file with more data than one header has room for, and one whose data goes to its end. */
const HOLES = `
set -eu
cd "$1"
for part in 0 1 2 3 4 5 6 7 8 9; do for piece in 1 4 7; do
	printf "$part$piece" | dd of=holes bs=1 seek=$((part * 1000000 + piece * 100000)) conv=notrunc status=none
done; done
printf data | dd of=hole-first bs=1 seek=5000000 conv=notrunc status=none
{ head -c 100000 /dev/urandom; } > data-first; truncate -s 7000001 data-first
truncate -s 600 small-hole
find . -exec touch -h -d '2001-02-03 04:05:06' {} +
`;

function script(text: string, path: string): string {
	mkdirSync(path);
	execFileSync("sh", ["-c", text, "sh", path], { stdio: ["ignore", "ignore", "pipe"] });
	return path;
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-formats-"));
	archiver = new Archiver(folder, workers);
	script(PLAIN, at("plain"));
	script(HOLES, at("holes"));
	mkdirSync(at("nasty"));
	makeNastyTree(at("nasty"));
	// Most programs write its holes.
	const smaller = 'cd "$1"; truncate -s 2000000 sparse; echo end >>sparse; touch -d "2012-12-12 12:12:12.121212121" .';
	execFileSync("sh", ["-c", smaller, "sh", at("nasty")]);
});
afterAll(async () => {
	await workers[Symbol.asyncDispose]();
	execFileSync("rm", ["-rf", folder]);
});

const GNU = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "--same-permissions", "--same-owner"];
const BSD = ["--numeric-owner", "--xattrs", "--acls", "-p"];

/** bsdtar does not keep the time of `.`, and its fractions of seconds before 1970 count the other way than POSIX's and everybody's. */
const PORTRAITS = {
	tar: portrait,
	bsdtar: (path: string) => portrait(path).replaceAll(/^(\. d \S+ \S+ \S+|\.\/plain\/before-1970 .*) \S+ /gm, "$1 "),
};
type Program = keyof typeof PORTRAITS;

/** What the program makes of what it wrote itself, and what we do. */
async function unpacked(program: Program, args: readonly string[], archive: string) {
	const [theirs, ours] = [empty(), empty()];
	run(program, ...args, "-x", "-f", archive, "-C", theirs);
	const { warnings } = await unpackTree(archiver, readFileSync(archive), ours);
	return { theirs: PORTRAITS[program](theirs), ours: PORTRAITS[program](ours), warnings };
}

const EVERYTHING = [
	["--format=gnu"],
	["--format=oldgnu"],
	["--format=posix"],
	["--format=posix", "--pax-option=globexthdr.name=/tmp/g,comment=x"],
];
const LITTLE = [["--format=ustar"], ["--format=v7"]];
const SPARSE = [
	["--format=gnu"],
	["--format=oldgnu"],
	...["0.0", "0.1", "1.0"].map((version) => ["--format=posix", `--sparse-version=${version}`]),
].map((options) => [...options, "--sparse"]);

const isUstar = (options: readonly string[]): boolean =>
	["--format=posix", "--format=ustar"].some((option) => options.includes(option));

describe("GNU tar's", () => {
	test.each([
		...EVERYTHING.map((options) => ["nasty", options] as const),
		...[...EVERYTHING, ...LITTLE].map((options) => ["plain", options] as const),
		...SPARSE.flatMap((options) => [["holes", options] as const, ["nasty", options] as const]),
	])("archive of the %s tree, %j", async (tree, options) => {
		const isPosix = options.includes("--format=posix");
		// Asked for attributes it writes the POSIX format, whatever it is told.
		run("tar", "-c", "-f", at("archive"), ...options, ...(isPosix ? GNU : ["--numeric-owner"]), "-C", at(tree), ".");
		const magic = readFileSync(at("archive")).toString("latin1", 257, 265);
		expect(magic).toBe(
			options.includes("--format=v7") ? "\0".repeat(8) : isUstar(options) ? "ustar\x0000" : "ustar  \0",
		);
		const { theirs, ours, warnings } = await unpacked("tar", GNU, at("archive"));
		expect(ours).toBe(theirs);
		expect(warnings).toEqual([]);
		const isWhole = tree !== "nasty" || isPosix;
		expect(ours === portrait(at(tree))).toBe(isWhole);
	});

	test.each(["--format=gnu", "--format=oldgnu", "--format=posix"])(
		"archive with a label and lists of its directories, %s",
		async (format) => {
			for (const options of [
				["-V", "a label"],
				["-g", at("snapshot")],
				["-V", "a label", "-g", at("snapshot")],
			]) {
				rmSync(at("snapshot"), { force: true });
				run("tar", "-c", "-f", at("archive"), format, ...options, "-C", at("plain"), ".");
				const { theirs, ours, warnings } = await unpacked("tar", GNU, at("archive"));
				expect(ours).toBe(theirs);
				expect(warnings).toEqual([]);
			}
		},
	);

	test("holes are holes again", async () => {
		run("tar", "-c", "-f", at("archive"), "--format=oldgnu", "--sparse", "-C", at("holes"), ".");
		const ours = empty();
		await unpackTree(archiver, readFileSync(at("archive")), ours);
		const blocks = Number(execFileSync("stat", ["-c", "%b", join(ours, "holes")], { encoding: "utf8" }));
		expect(blocks).toBeLessThan(1_000);
	});

	test.each([1, 2])("archive with %d parts of the names dropped", async (parts) => {
		run("tar", "-c", "-f", at("archive"), "-C", at("plain"), "./dir");
		const [theirs, ours] = [empty(), empty()];
		const strip = `--strip-components=${parts}`;
		run("tar", ...GNU, "-x", strip, "-f", at("archive"), "-C", theirs, "--exclude=hard");
		await unpackTree(archiver, readFileSync(at("archive")), ours, { strip: parts });
		const names = (path: string): string =>
			execFileSync("find", [path, "-mindepth", "1", "!", "-name", "hard", "-printf", "%P %y %m %U %s\n"], {
				encoding: "utf8",
			})
				.split("\n")
				.filter((line) => !/ d /.test(line))
				.sort()
				.join("\n");
		expect(names(ours)).toBe(names(theirs));
	});

	test("archive that was appended to: the last one of a name counts", async () => {
		mkdirSync(at("grows"));
		writeFileSync(at("grows/file"), "first");
		run("tar", "-c", "-f", at("archive"), "-C", at("grows"), ".");
		writeFileSync(at("grows/file"), "second, and longer");
		run("tar", "-r", "-f", at("archive"), "-C", at("grows"), "./file");
		const { theirs, ours } = await unpacked("tar", GNU, at("archive"));
		expect(ours).toBe(theirs);
	});
});

describe("bsdtar's", () => {
	test.each([
		["nasty", "pax"],
		["nasty", "gnutar"],
		["holes", "pax"],
		["plain", "ustar"],
		["plain", "gnutar"],
	] as const)("archive of the %s tree in the format %s", async (tree, format) => {
		run("bsdtar", "-c", "-f", at("archive"), "--format", format, ...BSD, "-C", at(tree), ".");
		const { theirs, ours, warnings } = await unpacked("bsdtar", BSD, at("archive"));
		expect(ours).toBe(theirs);
		expect(warnings).toEqual([]);
		expect(ours === PORTRAITS.bsdtar(at(tree))).toBe(format === "pax" || tree !== "nasty");
	});
});

describe("ours, unpacked by", () => {
	test.each([
		["tar", "-x"],
		["bsdtar", "-x"],
		["busybox", "tar", "-x"],
		["python3", "-m", "tarfile", "-e", "archive"],
		["tar", "-t"],
		["bsdtar", "-t"],
		["busybox", "tar", "-t"],
	])("%s %s %s, has nothing that it warns of", async (program, ...args) => {
		const { bytes } = await packTree(archiver, at("plain"));
		const folder = empty();
		writeFileSync(join(folder, "archive"), bytes);
		const file = args.includes("archive") ? [] : ["-f", "archive"];
		const { status, stdout, stderr } = spawnSync(program, [...args, ...file], { cwd: folder, encoding: "utf8" });
		expect([status, stderr]).toEqual([0, ""]);
		const names = args.includes("-t") ? stdout.split("\n") : readdirSync(folder);
		expect(names.filter((name) => name.includes("global"))).toEqual([]);
		expect(names).toContain(args.includes("-t") ? "./dir/sub/" : "dir");
	});

	test.each([
		["tar", GNU],
		["bsdtar", BSD],
	] as const)("%s, is identical", async (program, options) => {
		for (const tree of ["nasty", "holes", "plain"]) {
			const { bytes, foot } = await packTree(archiver, at(tree));
			expect(foot.warnings).toEqual([]);
			writeFileSync(at("archive"), bytes);
			const theirs = empty();
			run(program, ...options, "-x", "-f", at("archive"), "-C", theirs, "--exclude=.wharf");
			expect(PORTRAITS[program](theirs)).toBe(PORTRAITS[program](at(tree)));
		}
	});
});
