/** The file that an archive goes to, for the thread that packs it: it writes there itself, and the bytes go nowhere else before. */
import { closeSync, writeSync } from "node:fs";
import { duplicate } from "#lib/linux/files/descriptor.ts";
import { FileStatus } from "#lib/linux/files/status.ts";
import { must } from "#lib/linux/libc.ts";
import { systemFault } from "../kernel/system-fault.ts";
import type { Inode } from "./cursor.ts";

export interface ArchiveTarget {
	/** Open in this process. What is written goes where its offset is, which is everybody's. */
	readonly fd: number;
	/** Where the archive will be, and where it is meanwhile. */
	readonly path: string;
	readonly temporary: string;
}

/** The file itself, by which it is known when it lies in the volume that it is an archive of. Throws a LinuxError. */
export function inodeOf({ fd }: ArchiveTarget): Inode {
	const status = new FileStatus();
	must(status.ofDescriptor(fd), "statx");
	return { inode: status.inode, identity: status.identity };
}

/**
 * The same with a descriptor for somebody who closes it, so that the file's owner may close his whenever he wants. It is made before a
 * thread is told of it: a number that the thread looked up later could be another file's by then.
 */
export function givenAway(target: ArchiveTarget): ArchiveTarget {
	return { ...target, fd: duplicate(target.fd) };
}

/** One that was given away, where it went to. */
export class TargetFile implements Disposable {
	readonly #target: ArchiveTarget;

	constructor(target: ArchiveTarget) {
		this.#target = target;
	}

	/** Faults: DISK_FULL, KERNEL_REFUSED. */
	write(bytes: Buffer): void {
		const { fd, path, temporary } = this.#target;
		try {
			for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
		} catch (error) {
			throw systemFault(`writing ${temporary}`, path, error);
		}
	}

	[Symbol.dispose](): void {
		closeSync(this.#target.fd);
	}
}
