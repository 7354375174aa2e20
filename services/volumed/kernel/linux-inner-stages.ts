/** Stages within a volume's content, each step on a thread for trees: the content may be on a server that does not answer. */
import { realpathSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { syncFileSystem } from "#lib/linux/mount/directory.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import { stageName } from "../stage-name.ts";
import type { StageStep } from "../tree/messages.ts";
import type { TreeWorkers } from "../tree/tree-workers.ts";
import type { InnerStages, Preparing } from "./inner-stages.ts";
import { atSystem } from "./system-fault.ts";

/** Before it is known to be over, a step is not given up: the moves of many entries take what they take. */
const NEVER = new AbortController().signal;

export class LinuxInnerStages implements InnerStages {
	readonly #workers: TreeWorkers;
	readonly #log: Log;

	constructor(workers: TreeWorkers, log: Log) {
		this.#workers = workers;
		this.#log = log;
	}

	async begin(path: string, id: string): Promise<string> {
		await this.#step(path, id, { kind: "begin" });
		return join(path, stageName(id), "new");
	}

	async prepare(path: string, id: string, { entering, implied }: Preparing): Promise<void> {
		await this.#step(path, id, { kind: "prepare", entering, implied });
		await this.#sync(path);
	}

	async enter(path: string, id: string): Promise<void> {
		await this.#step(path, id, { kind: "enter" });
		await this.#sync(path);
		this.#log.change("volume.content.enter", { path });
	}

	async mountsIn(path: string): Promise<string[]> {
		// The root itself is not touched: it may be a mount of a server that is away.
		const below = `${join(realpathSync(dirname(path)), basename(path))}/`;
		const targets = mountinfo().map(({ target }) => target);
		return targets.filter((target) => target.startsWith(below)).map((target) => target.slice(below.length));
	}

	async isThere(path: string, id: string): Promise<boolean> {
		return atSystem(`looking at ${path}`, path, async () => {
			try {
				return (await stat(join(path, stageName(id)))).isDirectory();
			} catch (error) {
				if (isErrno(error, "ENOENT")) return false;
				throw error;
			}
		});
	}

	/** What somebody has mounted in it is not the volume's: rm does not enter other file systems. */
	async discard(path: string, id: string): Promise<void> {
		if (!(await this.isThere(path, id))) return;
		const inside = ["new", "old", "gone", "plan", "room"].map((name) => join(path, stageName(id), name));
		await run("rm", ["-rf", "--one-file-system", "--", ...inside]);
		await this.#step(path, id, { kind: "end" });
	}

	async #sync(path: string): Promise<void> {
		await atSystem(`syncing ${path}`, path, () => syncFileSystem(path));
	}

	async #step(content: string, id: string, step: StageStep): Promise<void> {
		await using worker = await this.#workers.take("tree", NEVER);
		worker.send({ kind: "stage", content, id, step });
		await atSystem(`moving what is in ${content}`, content, () => worker.next(NEVER));
	}
}
