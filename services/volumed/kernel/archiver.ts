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
import type { Reply, TreeOrder, TreeReply } from "../tree/messages.ts";
import { atSystem } from "./system-fault.ts";
import type { TreeWorkers } from "../tree/tree-workers.ts";
import { Copying, type CopySpec } from "./copying.ts";
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
	pack({ path, patterns, twice }: PackSpec, signal: AbortSignal): Promise<Packing> {
		const order = { kind: "pack", path, patterns, twice, spool: this.#spool } as const;
		return this.#begin(order, { what: `reading ${path}`, path, signal }, (job) => new Packing(job));
	}

	/** Into an empty directory; without one the archive is only read. */
	unpack(path: string | undefined, strip: Dropped, signal: AbortSignal): Promise<Unpacking> {
		const order = { kind: "unpack", path, spool: this.#spool, strip } as const;
		const at = path ?? this.#spool;
		return this.#begin(order, { what: `writing ${at}`, path: at, signal }, (job) => new Unpacking(job));
	}

	/** Resolves when the tree can be read. Faults, also of what it answers: KERNEL_REFUSED, DISK_FULL. */
	async copy({ path, twice, told }: CopySpec, signal: AbortSignal): Promise<Copying> {
		const order = { kind: "copy", path, twice, spool: this.#spool } as const;
		const at = { what: `copying ${path}`, path: this.#spool, signal };
		return await Copying.opened(await this.#begin(order, at, (job) => job), told);
	}

	async #begin<T>(
		order: TreeOrder,
		{ what, path, signal }: { readonly what: string; readonly path: string; readonly signal: AbortSignal },
		make: (job: Job) => T,
	): Promise<T> {
		const loan = await this.#workers.take();
		const release = (): Promise<void> => loan[Symbol.asyncDispose]();
		try {
			signal.throwIfAborted();
			loan.send(order);
			const next = (): Promise<TreeReply> => atSystem(what, path, () => loan.next(signal));
			return make({ send: (given, transfer) => loan.send(given, transfer), next, release });
		} catch (error) {
			await release();
			throw error;
		}
	}
}

interface Chunk {
	readonly bytes: Buffer;
	/** So far. */
	readonly entries: number;
}

/** A tree on its way into an archive. */
export class Packing implements AsyncDisposable {
	progress: Progress = { entries: 0, bytes: 0 };
	readonly #job: Job;
	/** What the reader may still have. */
	#last: ArrayBuffer | undefined;

	constructor(job: Job) {
		this.#job = job;
		for (let count = 0; count < BUFFERS; count++) this.#give(new ArrayBuffer(BUFFER_BYTES));
	}

	/** The tree's entries. A buffer is the reader's until it asks for the next but one. */
	async *tree(): AsyncGenerator<Buffer, void> {
		for await (const { bytes, entries } of this.#chunks("packed")) {
			this.progress = { entries, bytes: this.progress.bytes + bytes.length };
			yield bytes;
		}
	}

	/** After the tree: looks what has changed meanwhile. It comes with another `tree`. */
	async catchUp(): Promise<void> {
		this.#job.send({ kind: "catch-up" });
		expected("caught-up", await this.#job.next());
	}

	/** After the tree: its manifest, and the archive's end. */
	async *manifest(volume: string, createdAt: Date): AsyncGenerator<Buffer, Manifest> {
		const job = this.#job;
		job.send({ kind: "seal", volume, createdAt, bytes: this.progress.bytes });
		const chunks = this.#chunks("sealed");
		for (;;) {
			const next = await chunks.next();
			if (next.done === true) return next.value.manifest;
			yield next.value.bytes;
		}
	}

	/** Up to the reply that ends them, which is returned. */
	async *#chunks<K extends "packed" | "sealed">(end: K): AsyncGenerator<Chunk, Reply<K>> {
		for (;;) {
			const reply = await this.#job.next();
			if (reply.kind !== "chunk") return expected(end, reply);
			const { buffer, length, entries } = reply;
			yield { bytes: Buffer.from(buffer, 0, length), entries };
			this.#giveLast();
			this.#last = buffer;
		}
	}

	#giveLast(): void {
		if (this.#last !== undefined) this.#give(this.#last);
		this.#last = undefined;
	}

	#give(buffer: ArrayBuffer): void {
		this.#job.send({ kind: "buffer", buffer, length: 0 }, [buffer]);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#job.release();
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

	[Symbol.asyncDispose](): Promise<void> {
		giveBack(this.#free.splice(0));
		return this.#job.release();
	}
}
