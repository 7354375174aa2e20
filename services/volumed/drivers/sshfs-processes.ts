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

async function processesOf(target: string): Promise<SshfsProcess[]> {
	const mark = `\0${MARK}=${target}\0`;
	const found: SshfsProcess[] = [];
	for (const name of await readdir("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const program = (await textOf(`/proc/${name}/comm`)).trimEnd();
		if (!PROGRAMS.includes(program)) continue;
		if (`\0${await textOf(`/proc/${name}/environ`)}`.includes(mark)) found.push({ pid: Number(name), program });
	}
	return found;
}

/** There is a process that serves the mount: the kernel answers ENOTCONN as soon as there is none. */
export async function isServed(target: string): Promise<boolean> {
	return (await processesOf(target)).some(({ program }) => program === DAEMON);
}

/** Resolves when none of its processes is left: they have `graceMs` to end by themselves. Fault: KERNEL_REFUSED. */
export async function ended(target: string, graceMs: number): Promise<void> {
	const begin = performance.now();
	for (;;) {
		const left = await processesOf(target);
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
