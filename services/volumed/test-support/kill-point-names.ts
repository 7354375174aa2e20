/** The kill points of volumed short of those of backups, as its sources name them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** Backups have a test of their own (`kills.kernel.test.ts`), and so have the pauses of containers that they make (`pauses.kernel.test.ts`). */
const OF_BACKUPS =
	/^(?:store\.volumed\.backup\.|store\.volumed\.restore\.failed$|volumed\.archive\.|volumed\.snapshot\.|(?:store\.)?volumed\.pause\.)/;

/** What is passed only where volumes are on such a disk; project quotas are those of an XFS that has them on. */
const BACKINGS: Readonly<Record<string, "btrfs" | "xfs">> = {
	"services/volumed/drivers/backings/subvolume.ts": "btrfs",
	"services/volumed/drivers/backings/in-place.ts": "btrfs",
	"services/volumed/drivers/backings/project.ts": "xfs",
};

export interface KillPoints {
	/** Passed on any disk. */
	readonly anywhere: readonly string[];
	readonly btrfs: readonly string[];
}

export function killPointNames(): KillPoints {
	const names = { anywhere: new Set<string>(), btrfs: new Set<string>(), xfs: new Set<string>() };
	const files = globSync(["services/volumed/**/*.ts", "lib/linux/mount/*.ts"], { cwd: ROOT });
	for (const file of files.filter((one) => !/\.test\.ts$|test-support/.test(one))) {
		const into = names[BACKINGS[file] ?? "anywhere"];
		for (const name of namesIn(readFileSync(join(ROOT, file), "utf8"))) if (!OF_BACKUPS.test(name)) into.add(name);
	}
	return { anywhere: [...names.anywhere].sort(), btrfs: [...names.btrfs].sort() };
}

function namesIn(source: string): string[] {
	const calls = [...source.matchAll(/killPoint\("([^"]+)"\)/g)].map(([, name = ""]) => name);
	// A label of a store's write is a kill point behind its commit.
	const writes = source.matchAll(/\.(?:write|intend)\([^;]*?,\s*"([a-z-]+\.[a-z.-]+)",?\s*\)/g);
	return [...calls, ...[...writes].map(([, label = ""]) => `store.${label}`)];
}
