/**
 * A tree on its way into an archive, on two threads: one packs it, and beside it the other reads what was packed and makes the manifest of
 * that. A file's digest is made while the next one is read.
 *
 * Bytes are in a few buffers that go round: from the packer to whoever reads them here, if it has not written them itself, to the
 * manifest's thread, and back.
 */
import type { Manifest } from "../archive/manifest.ts";
import type { Unarchived } from "../tree/messages.ts";
import { expected, type TreeJob } from "./tree-job.ts";

const BUFFER_BYTES = 1024 * 1024;
/** Two with the packer, and two that are on their way or with the manifest's thread. */
const BUFFERS = 4;
/** Those that whoever reads the archive may have. */
const READERS = 2;
/** With so many the packer does not wait while it fills one. */
const PACKERS = 2;

interface Filled {
	readonly buffer: ArrayBuffer;
	readonly length: number;
}

export class Packing implements AsyncDisposable {
	/** As it is now, whenever it is looked at. */
	readonly progress = { entries: 0, bytes: 0 };
	readonly #packer: TreeJob;
	readonly #manifest: TreeJob;
	/** So many buffers are with each of the two. */
	#withPacker = 0;
	#withManifest = 0;
	#told: Unarchived | undefined;
	/** By the packer. */
	readonly #isWritten: boolean;

	constructor(packer: TreeJob, manifest: TreeJob, isWritten: boolean) {
		this.#packer = packer;
		this.#manifest = manifest;
		this.#isWritten = isWritten;
		for (let count = 0; count < BUFFERS + (isWritten ? 0 : READERS); count++) this.#fill(new ArrayBuffer(BUFFER_BYTES));
	}

	/** The tree's entries, short of what the packer has written. A buffer is the reader's until it asks for the next but one. */
	async *tree(): AsyncGenerator<Buffer, void> {
		let last: Filled | undefined;
		for (;;) {
			while (this.#withPacker < PACKERS && this.#withManifest > 0) this.#fill(await this.#taken());
			const reply = await this.#packer.next();
			if (reply.kind !== "chunk") {
				this.#told = expected("packed", reply).told;
				break;
			}
			const { buffer, length, entries } = reply;
			this.#withPacker -= 1;
			this.progress.entries = entries;
			this.progress.bytes += length;
			if (this.#isWritten) {
				this.#read({ buffer, length });
				continue;
			}
			yield Buffer.from(buffer, 0, length);
			if (last !== undefined) this.#read(last);
			last = { buffer, length };
		}
		// A copy: the reader may have this one for longer.
		if (last !== undefined) this.#read({ ...last, buffer: last.buffer.slice() });
	}

	/** After the tree: looks what has changed meanwhile. It comes with another `tree`. `writers` are control groups of those who stand still. */
	async catchUp(writers: readonly string[]): Promise<void> {
		this.#packer.send({ kind: "catch-up", writers });
		expected("caught-up", await this.#packer.next());
	}

	/** After the tree: its manifest, and the archive's end. */
	async *manifest(volume: string, createdAt: Date): AsyncGenerator<Buffer, Manifest> {
		if (this.#told === undefined) throw new Error("the manifest of a tree that is not packed was asked for");
		const job = this.#manifest;
		const free: ArrayBuffer[] = [];
		while (this.#withManifest > 0) free.push(await this.#taken());
		// One is written while the reader has the other.
		while (free.length < 2) free.push(new ArrayBuffer(BUFFER_BYTES));
		const fill = (buffer: ArrayBuffer): void => job.send({ kind: "buffer", buffer, length: 0 }, [buffer]);
		job.send({ kind: "seal", volume, createdAt, told: this.#told });
		for (const buffer of free) fill(buffer);
		let last: ArrayBuffer | undefined;
		for (;;) {
			const reply = await job.next();
			if (reply.kind !== "chunk") return expected("sealed", reply).manifest;
			yield Buffer.from(reply.buffer, 0, reply.length);
			if (last !== undefined) fill(last);
			last = reply.buffer;
		}
	}

	#fill(buffer: ArrayBuffer): void {
		this.#withPacker += 1;
		this.#packer.send({ kind: "buffer", buffer, length: 0 }, [buffer]);
	}

	#read({ buffer, length }: Filled): void {
		this.#withManifest += 1;
		this.#manifest.send({ kind: "buffer", buffer, length }, [buffer]);
	}

	/** A buffer that was read. */
	async #taken(): Promise<ArrayBuffer> {
		const { buffer } = expected("taken", await this.#manifest.next());
		this.#withManifest -= 1;
		return buffer;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([this.#packer[Symbol.asyncDispose](), this.#manifest[Symbol.asyncDispose]()]);
	}
}
