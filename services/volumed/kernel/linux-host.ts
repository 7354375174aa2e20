/** The host's own directories, as they are. */
import { mkdir, rmdir, stat } from "node:fs/promises";
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
		const all: string[] = [];
		try {
			await atSystem(`making ${path}`, path, () => makeWithParents(path, all));
		} catch (error) {
			await this.unmake(all);
			throw error;
		}
		killPoint("volumed.host.mkdir");
		return all;
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

/** Of the path, and not of volumed. */
const REFUSALS = ["ENOTDIR", "EEXIST", "EROFS", "EACCES", "EPERM", "ELOOP", "ENAMETOOLONG"] as const;

/** Tells `made` of each, outermost first. Node's own does so for ever where a directory exists and takes nothing, as /proc. */
async function makeWithParents(path: string, made: string[]): Promise<void> {
	if (await makeOne(path, made)) return;
	if (path !== dirname(path)) await makeWithParents(dirname(path), made);
	if (await makeOne(path, made)) return;
	throw volumeFaults.INVALID_SOURCE({ path: path.slice(0, 200), problem: "no directory can be made there" });
}

/** False: that which it would be in is not there, or takes nothing. */
async function makeOne(path: string, made: string[]): Promise<boolean> {
	try {
		await mkdir(path, { mode: 0o755 });
		made.push(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return false;
		if (isErrno(error, "EEXIST") && (await stat(path).catch(() => undefined))?.isDirectory() === true) return true;
		const code = REFUSALS.find((one) => isErrno(error, one));
		if (code === undefined) throw error;
		const problem = `no directory can be made there (${code})`;
		throw volumeFaults.INVALID_SOURCE({ path: path.slice(0, 200), problem }, { cause: error });
	}
}
