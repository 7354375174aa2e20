/** volumed in a mount namespace of its own: its mounts raced against somebody who swaps directories for links, and its kills. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { start } from "#lib/exec/start.ts";
import type { Random } from "./random.ts";

const PROBLEM = "PROBLEM ";

export interface VolumedSoak {
	readonly random: Random;
	readonly rounds: number;
	readonly report: (problem: string) => void;
	readonly say: (line: string) => void;
	readonly interrupted: AbortSignal;
}

export function raceVolumed(soak: VolumedSoak): Promise<void> {
	return runProgram("races", [], soak);
}

/** At the kill points whose names contain one of `points`, or at all when there is none; then `rounds` times at random moments. */
export function killVolumed(points: readonly string[], soak: VolumedSoak): Promise<void> {
	return runProgram("kills", points, soak);
}

/** Of backups and restores, with compressors and callers too. */
export function killArchives(soak: VolumedSoak): Promise<void> {
	return runProgram("archive-kills", [], soak);
}

async function runProgram(
	name: "races" | "kills" | "archive-kills",
	args: readonly string[],
	{ random, rounds, report, say, interrupted }: VolumedSoak,
): Promise<void> {
	const file = fileURLToPath(new URL(`../../services/volumed/test-support/${name}-program.ts`, import.meta.url));
	const program = [process.execPath, file, String(rounds), String(random.below(2 ** 31)), ...args];
	// Its own mounts are in there, where an end by a signal leaves what is on the disk behind; and its processes end with it.
	const inside = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
	const folder = mkdtempSync(join(tmpdir(), `wharf-${name}-`));
	const tidy = (): void => rmSync(folder, { recursive: true, force: true });
	process.once("exit", tidy);
	const child = start("unshare", [...inside, ...program], { signal: interrupted, env: { TMPDIR: folder } });
	for await (const line of createInterface({ input: child.stdout })) {
		if (line.startsWith(PROBLEM)) report(line.slice(PROBLEM.length));
		else say(line);
	}
	const { exitCode, stderr } = await child.done;
	if (exitCode !== 0) report(`the ${name} ended with ${exitCode}: ${stderr.trim()}`);
	process.off("exit", tidy);
	tidy();
}
