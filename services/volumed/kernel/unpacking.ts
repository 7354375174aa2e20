/**
 * An archive on its way into a tree, on two threads: one makes files of it, and the other reads what the first one is done with, makes its
 * lines and compares them with its manifest. Or past it: then it is only read.
 *
 * Bytes are in a few buffers that go round: filled here, then with the one thread, then with the other.
 */
import { Recognition } from "../archive/recognition.ts";
import { giveBack } from "../tree/given-back.ts";
import type { Progress } from "../job.ts";
import type { Compared } from "../tree/compare.ts";
import type { Finished, Read } from "./archiver.ts";
import { expected, type TreeJob } from "./tree-job.ts";

const BUFFER_BYTES = 1024 * 1024;
const BUFFERS = 4;

export class Unpacking implements AsyncDisposable {
	progress: Progress = { entries: 0, bytes: 0 };
	readonly #unpacker: TreeJob | undefined;
	readonly #reader: TreeJob;
	readonly #recognition = new Recognition();
	readonly #free: Buffer[] = Array.from({ length: BUFFERS }, () => Buffer.from(new ArrayBuffer(BUFFER_BYTES)));
	/** How much is in each buffer that is with the unpacker. */
	readonly #unpacked: number[] = [];
	/** So many buffers are with the reader. */
	#read = 0;
	#filling: Buffer | undefined;
	#filled = 0;

	/** Without an unpacker nothing is made of it. */
	constructor(unpacker: TreeJob | undefined, reader: TreeJob) {
		this.#unpacker = unpacker;
		this.#reader = reader;
	}

	/** The next bytes of the archive, which are copied. Faults: NOT_A_TAR, ARCHIVE_CORRUPT, ENTRY_REFUSED, MANIFEST_MISMATCH, DISK_FULL, KERNEL_REFUSED. */
	async push(bytes: Buffer): Promise<void> {
		this.#recognition.take(bytes);
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
		this.#recognition.end();
		this.#send();
		while (this.#unpacked.length + this.#read > 0) this.#free.push(await this.#taken());
		this.#reader.send({ kind: "end", told: undefined });
		const { entries, bytes, kept, manifest } = expected("ended", await this.#reader.next());
		this.#unpacker?.send({ kind: "end", told: manifest?.foot });
		if (this.#unpacker !== undefined) expected("ended", await this.#unpacker.next());
		return { entries, bytes, kept, manifest };
	}

	/** After the end: in what the archive and the tree at the path differ; with `merged` short of what is in the tree alone. */
	async compare(path: string, merged = false): Promise<Compared> {
		this.#reader.send({ kind: "compare", path, merged });
		return expected("compared", await this.#reader.next());
	}

	/** With `privileged` set-id bits, capabilities and the like are given, too. */
	async finish(privileged: boolean): Promise<Finished> {
		const job = this.#unpacker ?? this.#reader;
		job.send({ kind: "finish", privileged });
		return expected("finished", await job.next());
	}

	#send(): void {
		if (this.#filling === undefined) return;
		const buffer = this.#filling.buffer as ArrayBuffer; // made here
		const length = this.#filled;
		this.#filling = undefined;
		this.#filled = 0;
		if (this.#unpacker === undefined) return this.#toReader(buffer, length);
		this.#unpacked.push(length);
		this.#unpacker.send({ kind: "buffer", buffer, length }, [buffer]);
	}

	#toReader(buffer: ArrayBuffer, length: number): void {
		this.#read += 1;
		this.#reader.send({ kind: "buffer", buffer, length }, [buffer]);
	}

	/** A buffer that both are done with. While the reader has it, the unpacker goes on with the next ones. */
	async #taken(): Promise<Buffer> {
		const length = this.#unpacked.shift();
		if (this.#unpacker !== undefined && length !== undefined) {
			const { buffer, entries, bytes } = expected("taken", await this.#unpacker.next());
			this.progress = { entries, bytes };
			this.#toReader(buffer, length);
		}
		const { buffer, entries, bytes } = expected("taken", await this.#reader.next());
		this.#read -= 1;
		if (this.#unpacker === undefined) this.progress = { entries, bytes };
		return Buffer.from(buffer);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		giveBack(this.#free.splice(0));
		await Promise.all([this.#unpacker?.[Symbol.asyncDispose](), this.#reader[Symbol.asyncDispose]()]);
	}
}
