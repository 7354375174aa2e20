/**
 * conmon's exit files: one a container, named by its id, holding the exit status in decimal. A file stays until its status is stored.
 *
 * conmon writes each under another name and renames it, so a file that is seen is whole.
 */
import { watch } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

const ID = /^[0-9a-f]{64}$/;

export interface ExitFile {
	readonly id: string;
	readonly exitCode: number;
}

export class ExitFiles {
	readonly #dir: string;

	constructor(dir: string) {
		this.#dir = dir;
	}

	async read(id: string): Promise<number | undefined> {
		const text = await readFile(join(this.#dir, id), "utf8").catch(() => "");
		return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
	}

	async remove(id: string): Promise<void> {
		await rm(join(this.#dir, id), { force: true });
	}

	/** Those that are there, then those that come. One that is not removed is not told again. */
	async *follow(signal: AbortSignal): AsyncGenerator<ExitFile> {
		await mkdir(this.#dir, { recursive: true });
		const names = new Set<string>();
		let wake = Promise.withResolvers<void>();
		const tell = (): void => wake.resolve();
		// Watched before it is listed: what comes between the two is seen twice, and not missed.
		const watcher = watch(this.#dir, (_, name) => {
			if (name !== null) names.add(name);
			tell();
		});
		signal.addEventListener("abort", tell, { once: true });
		try {
			for (const name of await readdir(this.#dir)) names.add(name);
			while (!signal.aborted) {
				for (const name of names) {
					names.delete(name);
					const exitCode = ID.test(name) ? await this.read(name) : undefined;
					if (exitCode !== undefined) yield { id: name, exitCode };
				}
				if (names.size === 0 && !signal.aborted) await wake.promise;
				wake = Promise.withResolvers<void>();
			}
		} finally {
			signal.removeEventListener("abort", tell);
			watcher.close();
		}
	}
}
