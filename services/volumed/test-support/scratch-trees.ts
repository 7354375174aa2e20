/** Of a file of tests: an archiver for all of them, and for each a folder with `from` and `to` in it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { Archiver } from "../kernel/archiver.ts";

export interface ScratchTrees {
	readonly folder: string;
	readonly archiver: Archiver;
}

/** They are there while a test runs. */
export function scratchTrees(name: string): ScratchTrees {
	const scratch = { folder: "", archiver: undefined as unknown as Archiver }; // no test sees it without
	beforeAll(() => {
		scratch.archiver = new Archiver(tmpdir());
	});
	afterAll(() => scratch.archiver[Symbol.asyncDispose]());
	beforeEach(() => {
		scratch.folder = mkdtempSync(join(tmpdir(), `wharf-${name}-`));
		for (const tree of ["from", "to"]) mkdirSync(join(scratch.folder, tree));
	});
	// Not Node's own: it takes minutes for what is deep.
	afterEach(() => void execFileSync("rm", ["-rf", scratch.folder]));
	return scratch;
}
