/** Mounts of volumed raced against somebody who swaps directories for links, in a mount namespace of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { start } from "#lib/exec/start.ts";
import type { Random } from "./random.ts";

const PROGRAM = fileURLToPath(new URL("../../services/volumed/test-support/races-program.ts", import.meta.url));
const PROBLEM = "PROBLEM ";

export interface VolumedRaces {
	readonly random: Random;
	readonly rounds: number;
	readonly report: (problem: string) => void;
	readonly say: (line: string) => void;
	readonly interrupted: AbortSignal;
}

export async function raceVolumed({ random, rounds, report, say, interrupted }: VolumedRaces): Promise<void> {
	const program = [process.execPath, PROGRAM, String(rounds), String(random.below(2 ** 31))];
	const args = ["--mount", "--propagation", "private", "--", ...program];
	// Its own tmpfs is mounted in there, where an end by a signal leaves the empty directory behind.
	const folder = mkdtempSync(join(tmpdir(), "wharf-races-"));
	const tidy = (): void => rmSync(folder, { recursive: true, force: true });
	process.once("exit", tidy);
	const child = start("unshare", args, { signal: interrupted, env: { TMPDIR: folder } });
	for await (const line of createInterface({ input: child.stdout })) {
		if (line.startsWith(PROBLEM)) report(line.slice(PROBLEM.length));
		else say(line);
	}
	const { exitCode, stderr } = await child.done;
	if (exitCode !== 0) report(`the races ended with ${exitCode}: ${stderr.trim()}`);
	process.off("exit", tidy);
	tidy();
}
