import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Paths } from "#lib/config/paths.ts";
import { makeFolders } from "./root-folder.ts";

let scratch: string;

beforeEach(() => {
	scratch = mkdtempSync(join(tmpdir(), "wharf-root-"));
});

afterEach(() => rmSync(scratch, { recursive: true }));

test("the root is made with all that is above it, and twice is once", () => {
	const paths = new Paths(join(scratch, "a/b/c"));
	makeFolders(paths);
	makeFolders(paths);
	expect(statSync(paths.run).isDirectory()).toBe(true);
});

test("where no directory can be made, it is said why", () => {
	writeFileSync(join(scratch, "file"), "");
	for (const root of [join(scratch, "file"), join(scratch, "file/below")]) {
		expect(() => makeFolders(new Paths(root))).toThrow(/cannot keep its files in .*: there is a file and no directory/);
	}
	expect(() => makeFolders(new Paths("/proc/wharf"))).toThrow(/no directory can be made there/);
});
