/**
 * User namespaces that nobody is in: they say which owner on the disk is seen as which, for idmapped mounts (user_namespaces(7)).
 *
 * A namespace needs a process to be made: a `cat` that is told by its own echo to be inside, and ended at once. It lives on by a
 * descriptor. Measured: 7 ms to make; those last used are kept.
 */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { Fault } from "#lib/fault/fault.ts";
import { start } from "#lib/exec/run.ts";
import { isErrno } from "../libc.ts";
import { MountRefused } from "./mount-refused.ts";

const KEPT = 16;
const DEADLINE_MS = 10_000;
const OWN = "/proc/self/ns/user";

/** So many ids in a row: what is `onDisk` on the disk is `seen` through the mount. */
export interface IdRange {
	readonly onDisk: number;
	readonly seen: number;
	readonly count: number;
}

export interface IdMap {
	readonly uids: readonly IdRange[];
	readonly gids: readonly IdRange[];
}

interface Kept {
	readonly fd: Promise<number>;
	users: number;
}

/** Namespaces by what they map. */
export class UserNamespaces implements AsyncDisposable {
	/** The one last used is the last. */
	readonly #kept = new Map<string, Kept>();

	/** Runs `body` with the descriptor of a namespace. MountRefused (`owners`) when the kernel takes no such map, as one with overlaps. */
	async with<T>(map: IdMap, body: (fd: number) => Promise<T>): Promise<T> {
		const key = `${text(map.uids)};${text(map.gids)}`;
		const kept = this.#kept.get(key) ?? { fd: create(map).catch(refuse), users: 0 };
		this.#kept.delete(key);
		this.#kept.set(key, kept);
		kept.users += 1;
		try {
			return await body(await kept.fd);
		} finally {
			kept.users -= 1;
			await kept.fd.catch(() => this.#kept.get(key) === kept && this.#kept.delete(key));
			await this.#drop(this.#kept.size - KEPT);
		}
	}

	/** The oldest, as long as nobody uses them. */
	async #drop(count: number): Promise<void> {
		const idle = [...this.#kept].filter(([, { users }]) => users === 0).slice(0, Math.max(0, count));
		for (const [key] of idle) this.#kept.delete(key);
		for (const [, { fd }] of idle) closeSync(await fd);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#drop(this.#kept.size);
	}
}

function refuse(error: unknown): never {
	if (!(error instanceof Error) || error instanceof Fault) throw error;
	throw new MountRefused("owners", error.message, { cause: error });
}

async function create({ uids, gids }: IdMap): Promise<number> {
	const signal = AbortSignal.timeout(DEADLINE_MS);
	const child = start("unshare", ["--user", "--", "cat"], { stdin: "pipe", signal });
	const { pid } = child;
	if (pid === undefined) throw new Error((await child.done).stderr);
	try {
		child.stdin.on("error", () => undefined);
		child.stdin.write("\n");
		// It ends here when the child was refused a namespace, too.
		await once(child.stdout, "readable");
		const fd = opened(pid);
		if (fd !== undefined) return await mapped(fd, pid, { uids, gids });
	} finally {
		child.kill("SIGKILL");
		await child.done;
	}
	throw new Error((await child.done).stderr.trim());
}

/** Undefined: the child is in none of its own, or has ended. */
function opened(pid: number): number | undefined {
	try {
		const fd = openSync(`/proc/${pid}/ns/user`, "r");
		if (fstatSync(fd).ino !== statSync(OWN).ino) return fd;
		closeSync(fd);
		return undefined;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ESRCH")) return undefined;
		throw error;
	}
}

async function mapped(fd: number, pid: number, { uids, gids }: IdMap): Promise<number> {
	try {
		await writeFile(`/proc/${pid}/gid_map`, text(gids));
		await writeFile(`/proc/${pid}/uid_map`, text(uids));
		return fd;
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** As the kernel takes it, in one write. */
function text(ranges: readonly IdRange[]): string {
	return ranges.map(({ onDisk, seen, count }) => `${onDisk} ${seen} ${count}\n`).join("");
}
