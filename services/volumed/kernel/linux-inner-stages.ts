/** Stages within a volume's content, each step on a thread for trees: the content may be on a server that does not answer. */
import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "#lib/exec/run.ts";
import { syncFileSystem } from "#lib/linux/mount/directory.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import type { Destination } from "../tree/destination.ts";
import type { Reply, StageStep, TreeReply } from "../tree/messages.ts";
import { stagePlace } from "../tree/stage-folder.ts";
import type { TreeLoan, TreeWorkers } from "../tree/tree-workers.ts";
import type { InnerStages, Preparing } from "./inner-stages.ts";
import { atSystem } from "./system-fault.ts";
import { expected } from "./tree-job.ts";

/** Before it is known to be over, a step is not given up: the moves of many entries take what they take. */
const NEVER = new AbortController().signal;

export class LinuxInnerStages implements InnerStages {
	readonly #workers: TreeWorkers;
	readonly #log: Log;

	constructor(workers: TreeWorkers, log: Log) {
		this.#workers = workers;
		this.#log = log;
	}

	async begin(path: string, id: string): Promise<Destination> {
		await this.#step(path, id, { kind: "begin" }, "staged");
		return { root: path, within: `${stagePlace(id)}/new` };
	}

	async prepare(path: string, id: string, { entering, implied }: Preparing): Promise<string> {
		const { seal } = await this.#step(path, id, { kind: "prepare", entering, implied }, "prepared");
		await this.#sync(path);
		return seal;
	}

	async enter(path: string, id: string, seal: string): Promise<void> {
		await this.#step(path, id, { kind: "enter", seal }, "staged");
		await this.#sync(path);
		this.#log.change("volume.content.enter", { path });
	}

	async mountsIn(path: string): Promise<string[]> {
		// The root itself is not touched: it may be a mount of a server that is away.
		const below = `${join(realpathSync(dirname(path)), basename(path))}/`;
		const targets = mountinfo().map(({ target }) => target);
		return targets.filter((target) => target.startsWith(below)).map((target) => target.slice(below.length));
	}

	async discard(path: string, id: string): Promise<void> {
		await this.#empty(path, id);
		await this.#step(path, id, { kind: "end" }, "staged");
	}

	/** What somebody has mounted in it is not the volume's: rm does not enter other file systems. Nor does it follow a link. */
	async #empty(path: string, id: string): Promise<void> {
		await using worker = await this.#workers.take("tree", NEVER);
		const { around } = await asked(worker, path, id, { kind: "hold" }, "held");
		if (around === undefined) return;
		await run("rm", ["-rf", "--one-file-system", "--", `/proc/self/fd/3/${id}`], { extra: [around] });
	}

	async #sync(path: string): Promise<void> {
		await atSystem(`syncing ${path}`, path, () => syncFileSystem(path));
	}

	async #step<K extends TreeReply["kind"]>(path: string, id: string, step: StageStep, answer: K): Promise<Reply<K>> {
		await using worker = await this.#workers.take("tree", NEVER);
		return await asked(worker, path, id, step, answer);
	}
}

async function asked<K extends TreeReply["kind"]>(
	worker: TreeLoan,
	content: string,
	id: string,
	step: StageStep,
	answer: K,
): Promise<Reply<K>> {
	worker.send({ kind: "stage", content, id, step });
	return expected(answer, await atSystem(`moving what is in ${content}`, content, () => worker.next(NEVER)));
}
