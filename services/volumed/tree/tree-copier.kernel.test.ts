/** Trees that are copied directly, on file systems that share content and on those that do not. */
import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	statSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { attachLoop } from "#lib/linux/mount/loop.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import type { Finished } from "../kernel/archiver.ts";
import { inOwnMounts } from "../test-support/local-driver.ts";
import { makeNastyTree, portrait } from "../test-support/nasty-tree.ts";
import { scratchTrees } from "../test-support/scratch-trees.ts";

const scratch = scratchTrees("copier");
const at = (name: string): string => join(scratch.folder, name);
const never = new AbortController().signal;
const MIB = 1024 * 1024;
const BIG = Buffer.alloc(16 * MIB, "some content ");

interface Trees {
	readonly from: string;
	readonly to: string;
}

/** Of the scratch folder itself. */
const trees = (): Trees => ({ from: at("from"), to: at("to") });

/** `between` comes after the first of two passes. */
async function copy({ from, to }: Trees, between?: () => void): Promise<Finished> {
	const spec = { path: from, twice: between !== undefined, told: () => undefined };
	await using copying = await scratch.archiver.copy(spec, never);
	await copying.into({ root: to, within: "" });
	if (between !== undefined) {
		between();
		await copying.catchUp([]);
	}
	return await copying.finish();
}

const extentsOf = (path: string): string => {
	execFileSync("sync", ["-f", path]);
	return execFileSync("filefrag", ["-v", path], { encoding: "utf8" });
};

/** Both on a file system of their own, which is mounted until it is disposed. */
function scratchDisk(kind: "tmpfs" | "ext4" | "btrfs" | "xfs"): Trees & Disposable {
	const path = at("disk");
	mkdirSync(path);
	if (kind === "tmpfs") mountFs("tmpfs", "none", path);
	else {
		writeFileSync(at("image"), "");
		truncateSync(at("image"), 320 * MIB); // XFS wants no less than 300
		execFileSync(`mkfs.${kind}`, kind === "ext4" ? ["-q", "-F", at("image")] : ["-q", at("image")]);
		using device = attachLoop(at("image"));
		mountFs(kind, device.path, path);
	}
	const disk = { from: join(path, "from"), to: join(path, "to") };
	for (const tree of [disk.from, disk.to]) mkdirSync(tree);
	return { ...disk, [Symbol.dispose]: () => unmount(path, { detach: true }) };
}

beforeAll(inOwnMounts);

test("devices are left out with all of their names, and told", async () => {
	execFileSync("mknod", [at("from/null"), "c", "1", "3"]);
	linkSync(at("from/null"), at("from/also"));
	writeFileSync(at("from/later"), "a file");
	const become = (): void => {
		unlinkSync(at("from/later"));
		linkSync(at("from/null"), at("from/later"));
	};
	const { warnings } = await copy(trees(), become);
	expect([...warnings].sort()).toEqual(
		["also", "later", "null"].map((name) => `./${name} was left out: it is a device`),
	);
	expect(readdirSync(at("to"))).toEqual([]);
});

describe.each(["tmpfs", "ext4", "btrfs", "xfs"] as const)("on %s", (kind) => {
	test("everything about a tree is the same, and holes take no room", async () => {
		using disk = scratchDisk(kind);
		makeNastyTree(disk.from);
		expect(await copy(disk)).toEqual({ kind: "finished", warnings: [], implied: [] });
		expect(portrait(disk.to)).toBe(portrait(disk.from));
		expect(statSync(join(disk.to, "sparse")).blocks).toBeLessThan(1_000);
		expect(statSync(join(disk.to, "holes-only")).blocks).toBe(0);
	});

	test("content of several parts with holes between is the same", async () => {
		using disk = scratchDisk(kind);
		const script = `truncate -s 100M file; for at in 0 7 40 99; do printf "at $at" | dd of=file bs=1M seek=$at conv=notrunc status=none; done`;
		execFileSync("sh", ["-ec", script], { cwd: disk.from });
		await copy(disk);
		execFileSync("cmp", [join(disk.from, "file"), join(disk.to, "file")]);
		expect(statSync(join(disk.to, "file")).blocks * 512).toBeLessThan(MIB);
	});
});

test("from one file system to another everything is the same", async () => {
	using disk = scratchDisk("ext4");
	makeNastyTree(at("from"));
	expect((await copy({ from: at("from"), to: disk.to })).warnings).toEqual([]);
	expect(portrait(disk.to)).toBe(portrait(at("from")));
	expect(statSync(join(disk.to, "sparse")).blocks).toBeLessThan(1_000);
});

describe.each(["btrfs", "xfs"] as const)("where files can share content, on %s", (kind) => {
	test("they do, and what is written to one is not in the other", async () => {
		using disk = scratchDisk(kind);
		const [from, to] = [join(disk.from, "big"), join(disk.to, "big")];
		writeFileSync(from, BIG);
		await copy(disk);
		expect(extentsOf(to)).toMatch(/shared/);
		appendFileSync(to, "more");
		expect([readFileSync(from).equals(BIG), statSync(to).size]).toEqual([true, BIG.length + 4]);
	});

	test("a copy is of more than there is room for", async () => {
		using disk = scratchDisk(kind);
		for (let index = 0; index < 8; index++) writeFileSync(join(disk.from, `${index}`), BIG);
		await copy(disk);
		expect(readFileSync(join(disk.to, "7")).equals(BIG)).toBe(true);
	});
});

describe("what cannot be copied ends it, and says why", () => {
	test("more than there is room for", async () => {
		mkdirSync(at("small"));
		mountFs("tmpfs", "none", at("small"), ["size=8m"]);
		using _ = { [Symbol.dispose]: () => unmount(at("small")) };
		writeFileSync(at("from/big"), BIG);
		await expect(copy({ from: at("from"), to: at("small") })).rejects.toMatchObject({ reason: "DISK_FULL" });
	});

	test("a tree that is not there, before anything is asked of the target", async () => {
		const spec = { path: at("nowhere"), twice: false, told: () => undefined };
		await expect(scratch.archiver.copy(spec, never)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
	});
});

describe("a second pass", () => {
	test("brings what has changed, and takes what has gone", async () => {
		const sh = (script: string): void => void execFileSync("sh", ["-ec", script], { cwd: at("from") });
		sh(
			"mkdir -p stays dir/deep/er moved; for f in same changed setuid stays/a dir/deep/er/b moved/c gone; do echo $f >$f; done",
		);
		sh("chmod 4755 setuid; ln changed linked; ln -s same link");
		await copy(trees(), () => {
			sh(
				"echo more >>changed; chmod 755 setuid; rm gone link; mkdir link; echo in >link/file; rm -r dir; echo file >dir",
			);
			sh("mv moved back; ln same other; touch new");
		});
		expect(portrait(at("to"))).toBe(portrait(at("from")));
		expect(lstatSync(at("to/setuid")).mode & 0o7777).toBe(0o755);
	});

	test("has the names of a file that has got another one", async () => {
		writeFileSync(at("from/a"), "a");
		await copy(trees(), () => {
			linkSync(at("from/a"), at("from/b"));
			renameSync(at("from/a"), at("from/c"));
		});
		expect([readdirSync(at("to")), lstatSync(at("to/b")).ino]).toEqual([["b", "c"], lstatSync(at("to/c")).ino]);
	});
});

test("who has no more interest is obeyed in the middle, and the thread does something else then", async () => {
	for (let index = 0; index < 8; index++) writeFileSync(at(`from/${index}`), BIG);
	const over = new AbortController();
	const told = (): void => over.abort(new Error("enough"));
	const stopped = async (): Promise<void> => {
		await using copying = await scratch.archiver.copy({ path: at("from"), twice: false, told }, over.signal);
		await copying.into({ root: at("to"), within: "" });
	};
	await expect(stopped()).rejects.toThrow("enough");
	mkdirSync(at("again"));
	await copy({ from: at("from"), to: at("again") });
	expect(readdirSync(at("again"))).toHaveLength(8);
});
