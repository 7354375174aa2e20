/** The file that an archive goes to, for the thread that packs it: it writes there itself, and the bytes go nowhere else before. */
import { closeSync, writeSync } from "node:fs";
import { duplicate } from "#lib/linux/files/descriptor.ts";
import { systemFault } from "../kernel/system-fault.ts";

export interface ArchiveTarget {
	/** Open in this process. What is written goes where its offset is, which is everybody's. */
	readonly fd: number;
	/** Where the archive will be, and where it is meanwhile. */
	readonly path: string;
	readonly temporary: string;
}

/** It has a descriptor of its own, so that the file's owner may close his whenever he wants. */
export class TargetFile implements Disposable {
	readonly #fd: number;
	readonly #target: ArchiveTarget;

	constructor(target: ArchiveTarget) {
		this.#fd = duplicate(target.fd);
		this.#target = target;
	}

	/** Faults: DISK_FULL, KERNEL_REFUSED. */
	write(bytes: Buffer): void {
		const { path, temporary } = this.#target;
		try {
			for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
		} catch (error) {
			throw systemFault(`writing ${temporary}`, path, error);
		}
	}

	[Symbol.dispose](): void {
		closeSync(this.#fd);
	}
}
