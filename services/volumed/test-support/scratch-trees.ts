/** Of a file of tests: an archiver for all of them, and for each a folder with `from` and `to` in it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";
import { Archiver } from "../kernel/archiver.ts";
import { TreeWorkers } from "../tree/tree-workers.ts";

export interface ScratchTrees {
	readonly folder: string;
	readonly archiver: Archiver;
}

/** They are there while a test runs. */
export function scratchTrees(name: string): ScratchTrees {
	const workers = new TreeWorkers();
	const scratch = { folder: "", archiver: new Archiver(tmpdir(), workers) };
	afterAll(() => workers[Symbol.asyncDispose]());
	beforeEach(() => {
		scratch.folder = mkdtempSync(join(tmpdir(), `wharf-${name}-`));
		for (const tree of ["from", "to"]) mkdirSync(join(scratch.folder, tree));
	});
	// Not Node's own: it takes minutes for what is deep.
	afterEach(() => void execFileSync("rm", ["-rf", scratch.folder]));
	return scratch;
}
