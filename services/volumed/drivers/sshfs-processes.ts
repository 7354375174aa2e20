/**
 * The processes of a mount: sshfs, and the ssh that it speaks through.
 *
 * They outlive volumed, so nobody's memory knows them. What they were started with does: each has the mount's path in its environment,
 * which only a process itself can change, and which a child inherits. A pid or a name alone could be anybody's.
 */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";
import { MARK } from "./sshfs-command.ts";

const DAEMON = "sshfs";
/** Nothing else is started; only these are looked into. */
const PROGRAMS = [DAEMON, "ssh"];
const POLL_MS = 20;
/** One that waits inside the kernel ends when what it waits for does. */
const LONGEST_END_MS = 20_000;

interface SshfsProcess {
	readonly pid: number;
	readonly program: string;
}

/** By the mount's path. */
type Found = ReadonlyMap<string, readonly SshfsProcess[]>;

export class SshfsProcesses {
	#last: Promise<unknown> = Promise.resolve();
	/** A look that has not begun: all who ask before it does share it. */
	#next: Promise<Found> | undefined;

	/** There is a process that serves the mount: the kernel answers ENOTCONN as soon as there is none. */
	async serve(target: string): Promise<boolean> {
		return (await this.#of(target)).some(({ program }) => program === DAEMON);
	}

	/** Resolves when none of the mount's processes is left: they have `graceMs` to end by themselves. Fault: KERNEL_REFUSED. */
	async ended(target: string, graceMs: number): Promise<void> {
		const begin = performance.now();
		for (;;) {
			const left = await this.#of(target);
			if (left.length === 0) return;
			const waited = performance.now() - begin;
			const pids = left.map(({ pid }) => pid);
			if (waited > graceMs + LONGEST_END_MS) {
				throw volumeFaults.KERNEL_REFUSED({ what: `ending sshfs of ${target}`, problem: `${pids.join(", ")} go on` });
			}
			if (waited >= graceMs) for (const pid of pids) kill(pid);
			await delay(POLL_MS);
		}
	}

	async #of(target: string): Promise<readonly SshfsProcess[]> {
		this.#next ??= this.#look();
		return (await this.#next).get(target) ?? [];
	}

	async #look(): Promise<Found> {
		const before = this.#last;
		const look = before.then(() => {
			this.#next = undefined;
			return found();
		});
		this.#last = look.catch(() => undefined);
		return look;
	}
}

async function found(): Promise<Found> {
	const marked = new Map<string, SshfsProcess[]>();
	for (const name of await readdir("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const program = (await textOf(`/proc/${name}/comm`)).trimEnd();
		if (!PROGRAMS.includes(program)) continue;
		const variables = (await textOf(`/proc/${name}/environ`)).split("\0");
		const target = variables.find((variable) => variable.startsWith(`${MARK}=`))?.slice(MARK.length + 1);
		if (target === undefined) continue;
		marked.set(target, [...(marked.get(target) ?? []), { pid: Number(name), program }]);
	}
	return marked;
}

function kill(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch (error) {
		if (!isErrno(error, "ESRCH")) throw error;
	}
}

/** Empty of a process that has ended. */
async function textOf(path: string): Promise<string> {
	return readFile(path, "utf8").catch(() => "");
}
