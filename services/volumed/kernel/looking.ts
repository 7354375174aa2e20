/**
 * Looks at what is others', on file systems that may never answer: a server that is away, a program that hangs.
 *
 * A call that waits in the kernel keeps its thread for good, and Node has four for all files. So it is made on one that can be given
 * up; and a path that has been silent once is asked of by a process first, which can be ended.
 */
import { Aside } from "#lib/linux/aside.ts";
import type { Operations } from "#lib/linux/aside-thread.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { probeDirectory } from "../drivers/probe.ts";

export const SILENT = "its file system does not answer";

const BOUND_MS = 3_000;
const PATIENCE_MS = 100;
const PROBE_MS = 1_000;

export class Silence extends Error {
	override readonly name = "Silence";
}

type Look = "existsAt" | "realPathOf" | "allFoundInRoot";

export class Looking implements AsyncDisposable {
	readonly #aside: Aside;
	readonly #silent = new Set<string>();

	constructor(boundMs = BOUND_MS) {
		this.#aside = new Aside(boundMs, PATIENCE_MS);
	}

	/** Silence; the system's errors. */
	async look<K extends Look>(name: K, ...args: Parameters<Operations[K]>): Promise<ReturnType<Operations[K]>> {
		const [path] = args;
		await this.refuseSilent([path]);
		try {
			return await this.#aside.call(name, ...args);
		} catch (error) {
			if (!isErrno(error, "ETIMEDOUT")) throw error;
			this.wasSilent([path]);
			throw new Silence(path, { cause: error });
		}
	}

	/** Nobody has answered there. */
	wasSilent(paths: readonly string[]): void {
		for (const path of paths) this.#silent.add(path);
	}

	/** Silence: one of them was silent, and is. */
	async refuseSilent(paths: readonly string[]): Promise<void> {
		for (const path of paths) {
			if (!this.#silent.has(path)) continue;
			if ((await probeDirectory(path, PROBE_MS)).kind === "silent") throw new Silence(path);
			this.#silent.delete(path);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#aside[Symbol.asyncDispose]();
	}
}
