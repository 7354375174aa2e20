import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { TreeCursor } from "./cursor.ts";

const AT_FDCWD = -100;

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-cursor-"));
});
afterEach(() => {
	execFileSync("rm", ["-rf", folder]);
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Its paths in their order; `before` is called before each step, with the path that it is at. */
function walk(before: (path: string) => void = () => undefined): string[] {
	const open = descriptors();
	const paths: string[] = [];
	const root = openDirectory(AT_FDCWD, folder);
	try {
		using cursor = new TreeCursor(root);
		while (cursor.next()) {
			paths.push(cursor.path);
			before(cursor.path);
		}
	} finally {
		closeFile(root);
	}
	expect(descriptors()).toBe(open);
	return paths;
}

/** As `find` sorts them when each name is compared byte by byte. */
function found(): string[] {
	const paths = execFileSync("find", [folder, "-xdev", "-printf", "%P\\0"], { encoding: "latin1", maxBuffer: 1 << 28 });
	const key = (path: string): string => path.replaceAll("/", "\0");
	return paths
		.split("\0")
		.slice(0, -1)
		.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function makeDeep(depth: number, where = folder): void {
	const script = `import os, sys
os.chdir(sys.argv[1])
for i in range(${depth}):
    open("a", "w").close(); open("z", "w").close()
    os.mkdir("d"); os.chdir("d")`;
	execFileSync("python3", ["-c", script, where]);
}

test("parents come before children, names in the order of their bytes, whatever they are", () => {
	for (const name of ["b", "a", "a-", "B", "é", "a b"]) mkdirSync(at(name));
	for (const name of ["a/x", "a-/x", "ab", "a.txt", "b/.hidden", "b/..two", "b/..."]) writeFileSync(at(name), "");
	writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x01, 0x0a])]), "");
	symlinkSync("/etc", at("link"));
	const paths = walk();
	expect(paths).toEqual(found());
	expect(paths.slice(0, 3)).toEqual(["", "B", "a"]);
	expect(paths.at(-1)).toBe("\xff\x01\n");
});

test("of 1,000 directories within each other few are open at a time", () => {
	const depth = 1_000;
	makeDeep(depth);
	const open = descriptors();
	let most = 0;
	const paths = walk(() => {
		most = Math.max(most, descriptors());
	});
	expect(paths.length).toBe(1 + 3 * depth);
	expect(paths.filter((path) => path.endsWith("z")).length).toBe(depth);
	expect(most - open).toBeLessThan(300);
});

test("a mount inside is not entered, nor shown", () => {
	mkdirSync(at("mounted"));
	mkdirSync(at("mounted2"));
	writeFileSync(at("file"), "");
	mountFs("tmpfs", "none", at("mounted"));
	try {
		writeFileSync(at("mounted/inside"), "");
		expect(walk()).toEqual(["", "file", "mounted2"]);
	} finally {
		unmount(at("mounted"));
	}
});

describe("while it walks", () => {
	beforeEach(() => {
		for (const name of ["a", "b", "c"]) {
			mkdirSync(at(name));
			for (const file of ["1", "2"]) writeFileSync(at(`${name}/${file}`), "");
		}
	});
	const once = (when: string, act: () => void) => (path: string) => {
		if (path === when) act();
	};

	test("names that vanish were not there", () => {
		const paths = walk(
			once("a/1", () => {
				rmSync(at("a/2"));
				rmSync(at("b"), { recursive: true });
			}),
		);
		expect(paths).toEqual(["", "a", "a/1", "c", "c/1", "c/2"]);
	});

	test("the directory that it is in vanishes, with all that is above it", () => {
		const outer = at("a/outer");
		mkdirSync(join(outer, "inner/innermost"), { recursive: true });
		const paths = walk(once("a/outer/inner/innermost", () => rmSync(at("a"), { recursive: true })));
		expect(paths).toEqual([
			...["", "a", "a/1", "a/2", "a/outer", "a/outer/inner", "a/outer/inner/innermost"],
			...["b", "b/1", "b/2", "c", "c/1", "c/2"],
		]);
	});

	test("a file that becomes something else is taken as that", () => {
		const paths = walk(
			once("a/1", () => {
				rmSync(at("a/2"));
				symlinkSync("/etc/passwd", at("a/2"));
			}),
		);
		expect(paths).toContain("a/2");
	});

	test("a directory that becomes a symlink is not followed", () => {
		const paths = walk(
			once("a", () => {
				renameSync(at("b"), at("moved"));
				symlinkSync("/etc", at("b"));
			}),
		);
		expect(paths).toEqual(["", "a", "a/1", "a/2", "b", "c", "c/1", "c/2"]);
	});

	test("a deep one is moved away: what is left of it was not there, what is beside it was", () => {
		const half = (depth: number): string => `deep/${"d/".repeat(depth)}`.slice(0, -1);
		mkdirSync(at("deep"));
		makeDeep(600, at("deep"));
		const paths = walk(once(half(600), () => renameSync(at(half(100)), at("elsewhere"))));
		expect(paths).toContain(`${half(99)}/z`);
		expect(paths).toContain("deep/z");
		expect(new Set(paths).size).toBe(paths.length);
	});
});

test("whatever others do to a tree, the walk comes to its end and leaves nothing open, and shows nothing from outside", () => {
	const script = `import os, sys, shutil
os.chdir(sys.argv[1])
while True:
    for act in (lambda: os.makedirs("x/y/z"), lambda: open("x/y/file", "w").close(), lambda: os.symlink("/etc", "link"),
                lambda: os.rename("link", "x/y/file"), lambda: os.rename("x/y", "y"), lambda: os.symlink("/etc", "x/y"),
                lambda: shutil.rmtree("x"), lambda: shutil.rmtree("y"), lambda: os.unlink("x/y")):
        try: act()
        except OSError: pass`;
	const child = spawn("python3", ["-c", script, folder], { stdio: "ignore" });
	try {
		let seen = 0;
		const until = Date.now() + 1_500;
		while (Date.now() < until || seen <= 2) {
			const paths = walk();
			seen = Math.max(seen, paths.length);
			expect(paths.filter((path) => path.includes("passwd"))).toEqual([]);
		}
	} finally {
		child.kill("SIGKILL");
	}
});
