/**
 * Trees to archives and back, on threads: the service's loop only passes bytes on.
 *
 * Bytes are in a few buffers that go round between the threads and here, so that a job of any size takes the same memory.
 */
import type { Manifest } from "../archive/manifest.ts";
import type { Dropped } from "../archive/place.ts";
import type { PathPatternTexts } from "../path-patterns.ts";
import type { Progress } from "../job.ts";
import type { Inode } from "../tree/cursor.ts";
import { type ArchiveTarget, givenAway } from "../tree/archive-target.ts";
import type { Destination } from "../tree/destination.ts";
import type { TreeOrder, TreeReply } from "../tree/messages.ts";
import { atSystem } from "./system-fault.ts";
import type { TreeWork, TreeWorkers } from "../tree/tree-workers.ts";
import { Copying, type CopySpec } from "./copying.ts";
import { Packing } from "./packing.ts";
import { Unpacking } from "./unpacking.ts";
import type { TreeJob as Job } from "./tree-job.ts";

/** What was read of an archive. */
export interface Read extends Progress {
	/** Of the entries and their bytes, those that were not left out. */
	readonly kept: Progress;
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
	/** The packer writes the tree there itself. */
	readonly into?: ArchiveTarget | undefined;
	/** A file that is left out, wherever in the tree it is. */
	readonly without?: Inode | undefined;
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
	async pack({ path, patterns, twice, into, without }: PackSpec, signal: AbortSignal): Promise<Packing> {
		const spool = this.#spool;
		const order = (): TreeOrder => {
			return { kind: "pack", path, patterns, twice, spool, into: into && givenAway(into), without };
		};
		const [packer, manifest] = await allOrNone([
			this.#begin("tree", order, { what: `reading ${path}`, path, signal }),
			this.#begin("archive", () => ({ kind: "manifest", spool }), { what: `writing in ${spool}`, path: spool, signal }),
		]);
		return new Packing(packer, manifest, into !== undefined);
	}

	/** Into an empty directory. */
	async unpack(destination: Destination, strip: Dropped, signal: AbortSignal): Promise<Unpacking> {
		const reader = this.#beginReading(strip, { rehearses: false, compares: false }, signal);
		const path = destination.root;
		const there = { what: `writing ${path}`, path, signal };
		const unpacker = this.#begin("tree", () => ({ kind: "unpack", destination, strip }), there);
		return new Unpacking(...(await allOrNone([unpacker, reader])));
	}

	/** Nothing is made of the archive; with `compares` a tree may be compared with it. */
	async read(strip: Dropped, compares: boolean, signal: AbortSignal): Promise<Unpacking> {
		return new Unpacking(undefined, await this.#beginReading(strip, { rehearses: true, compares }, signal));
	}

	#beginReading(
		strip: Dropped,
		more: { readonly rehearses: boolean; readonly compares: boolean },
		signal: AbortSignal,
	): Promise<Job> {
		const spool = this.#spool;
		const at = { what: `writing in ${spool}`, path: spool, signal };
		return this.#begin("archive", () => ({ kind: "read", spool, strip, ...more }), at);
	}

	/** Resolves when the tree can be read. Faults, also of what it answers: KERNEL_REFUSED, DISK_FULL. */
	async copy({ path, twice, told }: CopySpec, signal: AbortSignal): Promise<Copying> {
		const spool = this.#spool;
		const at = { what: `copying ${path}`, path: spool, signal };
		return await Copying.opened(await this.#begin("tree", () => ({ kind: "copy", path, twice, spool }), at), told);
	}

	/** What is in the order is the thread's from when it is made. */
	async #begin(
		work: TreeWork,
		order: () => TreeOrder,
		{ what, path, signal }: { readonly what: string; readonly path: string; readonly signal: AbortSignal },
	): Promise<Job> {
		const loan = await this.#workers.take(work, signal);
		const release = (): Promise<void> => loan[Symbol.asyncDispose]();
		try {
			loan.send(order());
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
