/**
 * Trees to archives and back, on threads: the service's loop only passes bytes on.
 *
 * Bytes are in a few buffers that go round between the thread and here, so that a job of any size takes the same memory.
 */
import type { Manifest } from "../archive/manifest.ts";
import type { Dropped } from "../archive/place.ts";
import type { PathPatternTexts } from "../path-patterns.ts";
import type { Progress } from "../job.ts";
import type { Compared } from "../tree/compare.ts";
import { giveBack } from "../tree/given-back.ts";
import type { TreeOrder, TreeReply } from "../tree/messages.ts";
import { atSystem } from "./system-fault.ts";
import type { TreeWorkers } from "../tree/tree-workers.ts";
import { Copying, type CopySpec } from "./copying.ts";
import { Packing } from "./packing.ts";
import { expected, type TreeJob as Job } from "./tree-job.ts";

const BUFFER_BYTES = 1024 * 1024;
const BUFFERS = 4;

/** What was read of an archive. */
export interface Read extends Progress {
	/** Undefined: the archive has none. Where it has one, its lines are those that follow from the archive. */
	readonly manifest: Manifest | undefined;
}

/** How a tree was written. */
export interface Finished {
	/** What could not be kept here, a sentence each. */
	readonly warnings: readonly string[];
	/** Places of directories that were made for what is in them, and of which the archive says nothing. */
	readonly implied: readonly string[];
}

export interface PackSpec {
	readonly path: string;
	readonly patterns: PathPatternTexts;
	/** `catchUp` will be asked for. */
	readonly twice: boolean;
}

export class Archiver {
	readonly #spool: string;
	readonly #workers: TreeWorkers;

	/** `spool` is a directory on a disk, for files without names. */
	constructor(spool: string, workers: TreeWorkers) {
		this.#spool = spool;
		this.#workers = workers;
	}

	/** Faults, also of what it answers: KERNEL_REFUSED, as when the directory has gone. */
	async pack({ path, patterns, twice }: PackSpec, signal: AbortSignal): Promise<Packing> {
		const spool = this.#spool;
		const at = { what: `reading ${path}`, path, signal };
		const [packer, manifest] = await allOrNone([
			this.#begin({ kind: "pack", path, patterns, twice, spool }, at),
			this.#begin({ kind: "manifest", spool }, { what: `writing in ${spool}`, path: spool, signal }),
		]);
		return new Packing(packer, manifest);
	}

	/** Into an empty directory; without one the archive is only read. */
	async unpack(path: string | undefined, strip: Dropped, signal: AbortSignal): Promise<Unpacking> {
		const order = { kind: "unpack", path, spool: this.#spool, strip } as const;
		const at = path ?? this.#spool;
		return new Unpacking(await this.#begin(order, { what: `writing ${at}`, path: at, signal }));
	}

	/** Resolves when the tree can be read. Faults, also of what it answers: KERNEL_REFUSED, DISK_FULL. */
	async copy({ path, twice, told }: CopySpec, signal: AbortSignal): Promise<Copying> {
		const order = { kind: "copy", path, twice, spool: this.#spool } as const;
		const at = { what: `copying ${path}`, path: this.#spool, signal };
		return await Copying.opened(await this.#begin(order, at), told);
	}

	async #begin(
		order: TreeOrder,
		{ what, path, signal }: { readonly what: string; readonly path: string; readonly signal: AbortSignal },
	): Promise<Job> {
		const loan = await this.#workers.take(order.kind === "manifest" ? "archive" : "tree");
		const release = (): Promise<void> => loan[Symbol.asyncDispose]();
		try {
			signal.throwIfAborted();
			loan.send(order);
			const next = (): Promise<TreeReply> => atSystem(what, path, () => loan.next(signal));
			return { send: (given, transfer) => loan.send(given, transfer), next, [Symbol.asyncDispose]: release };
		} catch (error) {
			await release();
			throw error;
		}
	}
}

async function allOrNone(begun: [Promise<Job>, Promise<Job>]): Promise<[Job, Job]> {
	try {
		return await Promise.all(begun);
	} catch (error) {
		for (const one of await Promise.allSettled(begun))
			if (one.status === "fulfilled") await one.value[Symbol.asyncDispose]();
		throw error;
	}
}

/** An archive on its way into a tree, or past it. */
export class Unpacking implements AsyncDisposable {
	progress: Progress = { entries: 0, bytes: 0 };
	readonly #job: Job;
	readonly #free: Buffer[] = Array.from({ length: BUFFERS }, () => Buffer.from(new ArrayBuffer(BUFFER_BYTES)));
	/** So many buffers are with the thread. */
	#away = 0;
	#filling: Buffer | undefined;
	#filled = 0;

	constructor(job: Job) {
		this.#job = job;
	}

	/** The next bytes of the archive, which are copied. Faults: ARCHIVE_CORRUPT, ENTRY_REFUSED, MANIFEST_MISMATCH, DISK_FULL, KERNEL_REFUSED. */
	async push(bytes: Buffer): Promise<void> {
		for (let at = 0; at < bytes.length; ) {
			this.#filling ??= this.#free.pop() ?? (await this.#taken());
			const length = bytes.copy(this.#filling, this.#filled, at);
			at += length;
			this.#filled += length;
			if (this.#filled === this.#filling.length) this.#send();
		}
	}

	/** After the last byte. Faults: as above. */
	async end(): Promise<Read> {
		const job = this.#job;
		this.#send();
		while (this.#away > 0) this.#free.push(await this.#taken());
		job.send({ kind: "end" });
		const { entries, bytes, manifest } = expected("ended", await job.next());
		return { entries, bytes, manifest };
	}

	/** After the end: in what the archive and the tree at the path differ; with `merged` short of what is in the tree alone. */
	async compare(path: string, merged = false): Promise<Compared> {
		this.#job.send({ kind: "compare", path, merged });
		return expected("compared", await this.#job.next());
	}

	/** With `privileged` set-id bits, capabilities and the like are given, too. */
	async finish(privileged: boolean): Promise<Finished> {
		const job = this.#job;
		job.send({ kind: "finish", privileged });
		return expected("finished", await job.next());
	}

	#send(): void {
		if (this.#filling === undefined) return;
		const buffer = this.#filling.buffer as ArrayBuffer; // made here
		this.#away += 1;
		this.#job.send({ kind: "buffer", buffer, length: this.#filled }, [buffer]);
		this.#filling = undefined;
		this.#filled = 0;
	}

	/** A buffer that the thread is done with. */
	async #taken(): Promise<Buffer> {
		const { buffer, entries, bytes } = expected("taken", await this.#job.next());
		this.#away -= 1;
		this.progress = { entries, bytes };
		return Buffer.from(buffer);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		giveBack(this.#free.splice(0));
		await this.#job[Symbol.asyncDispose]();
	}
}
