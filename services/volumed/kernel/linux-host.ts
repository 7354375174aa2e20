/** The host's own directories, as they are. */
import { mkdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";
import type { Host } from "./disk.ts";
import type { Relabel } from "../attachment.ts";
import { Looking, Silence, SILENT } from "./looking.ts";
import { Selinux } from "./selinux.ts";
import { atSystem } from "./system-fault.ts";

export class LinuxHost implements Host {
	readonly #selinux = new Selinux();
	readonly #looking: Looking;

	constructor(looking = new Looking()) {
		this.#looking = looking;
	}

	async exists(path: string): Promise<boolean> {
		try {
			return await this.#looking.look("existsAt", path);
		} catch (error) {
			if (error instanceof Silence) throw volumeFaults.INVALID_SOURCE({ path, problem: SILENT }, { cause: error });
			if (!(error instanceof Error && "code" in error)) throw error;
			throw volumeFaults.INVALID_SOURCE(
				{ path: path.slice(0, 200), problem: error.message.slice(0, 500) },
				{ cause: error },
			);
		}
	}

	async makeDirectory(path: string): Promise<string[]> {
		const first = await atSystem(`making ${path}`, path, async () => {
			try {
				return await mkdir(path, { recursive: true, mode: 0o755 });
			} catch (error) {
				if (!isErrno(error, "ENOTDIR", "EEXIST")) throw error;
				throw volumeFaults.INVALID_SOURCE({ path, problem: "a part of it is no directory" }, { cause: error });
			}
		});
		killPoint("volumed.host.mkdir");
		if (first === undefined) return [];
		const made = [path];
		for (let at = path; at !== first; at = dirname(at)) made.unshift(dirname(at));
		return made;
	}

	async relabel(path: string, who: Relabel): Promise<void> {
		await this.#selinux.relabel(path, who);
	}

	async unmake(made: readonly string[]): Promise<void> {
		for (const path of made.toReversed()) {
			try {
				await rmdir(path);
			} catch (error) {
				if (isErrno(error, "ENOTEMPTY", "ENOENT")) return;
				throw error;
			}
		}
	}
}
