/** A tree on its way into another directory, on a thread; nothing of it passes here. */
import type { Progress } from "../job.ts";
import type { Destination } from "../tree/destination.ts";
import type { Reply, TreeReply } from "../tree/messages.ts";
import type { Finished } from "./archiver.ts";
import { expected, type TreeJob } from "./tree-job.ts";

export interface CopySpec {
	readonly path: string;
	/** `catchUp` will be asked for. */
	readonly twice: boolean;
	/** Now and then: how far it is. */
	readonly told: (progress: Progress) => void;
}

export class Copying implements AsyncDisposable {
	/** Entries that are there, and bytes of their data. */
	progress: Progress = { entries: 0, bytes: 0 };
	readonly #job: TreeJob;
	readonly #told: CopySpec["told"];

	/** Once the tree can be read. The job is released when it cannot. */
	static async opened(job: TreeJob, told: CopySpec["told"]): Promise<Copying> {
		const copying = new Copying(job, told);
		try {
			await copying.#heard("opened");
			return copying;
		} catch (error) {
			await job[Symbol.asyncDispose]();
			throw error;
		}
	}

	private constructor(job: TreeJob, told: CopySpec["told"]) {
		this.#job = job;
		this.#told = told;
	}

	/** An empty directory gets what is in the tree. Faults, here and below: ENTRY_REFUSED, DISK_FULL, KERNEL_REFUSED, STAGE_CHANGED. */
	async into(destination: Destination): Promise<void> {
		this.#job.send({ kind: "into", destination });
		await this.#heard("copied");
	}

	/** Then: what has changed meanwhile. `writers` are control groups of those who stand still. */
	async catchUp(writers: readonly string[]): Promise<void> {
		this.#job.send({ kind: "catch-up", writers });
		await this.#heard("caught-up");
	}

	/** After all of it: directories get their times. */
	async finish(): Promise<Finished> {
		this.#job.send({ kind: "finish", privileged: true });
		return await this.#heard("finished");
	}

	async #heard<K extends TreeReply["kind"]>(kind: K): Promise<Reply<K>> {
		for (;;) {
			const reply = await this.#job.next();
			if (reply.kind !== "progressed") return expected(kind, reply);
			const { entries, bytes } = reply;
			this.progress = { entries, bytes };
			this.#told(this.progress);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#job[Symbol.asyncDispose]();
	}
}
