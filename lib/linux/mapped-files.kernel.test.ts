import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { storedToBy } from "./mapped-files.ts";
import { layouts, ScratchCgroup } from "./test-support/scratch-cgroup.ts";

/** Maps a file each way, and tells when it has. */
const PROGRAM = `
import mmap, signal, sys
ways = [(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE), (mmap.MAP_SHARED, mmap.PROT_READ), (mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)]
files = [open(path, "r+b") for path in sys.argv[1:]]
maps = [mmap.mmap(file.fileno(), 0, flags=flags, prot=prot) for file, (flags, prot) in zip(files, ways)]
print("mapped", flush=True)
signal.pause()
`;

test.each(layouts())(
	"is what is mapped shared and writable, in the group and below it (%s)",
	async (...hierarchies) => {
		const folder = mkdtempSync(join(tmpdir(), "wharf-mapped-"));
		const paths = ["shared", "read", "private"].map((name) => join(folder, name));
		for (const path of paths) writeFileSync(path, "content");
		await using group = new ScratchCgroup("mapped", hierarchies);
		const inner = group.inner("inner");
		const program = inner.spawn("python3", "-c", PROGRAM, ...paths);
		if (program.stdout === null) throw new Error("it has no output");
		await once(program.stdout, "data");
		const shared = new Set([statSync(join(folder, "shared")).ino]);
		expect(storedToBy([group.path])).toEqual(shared);
		expect(storedToBy([inner.path])).toEqual(shared);
		expect(storedToBy([`${group.path}/gone`])).toEqual(new Set());
		expect(storedToBy([])).toEqual(new Set());
		rmSync(folder, { recursive: true });
	},
);
