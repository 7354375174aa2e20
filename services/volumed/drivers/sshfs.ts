/**
 * Volumes that lie on a server that has SSH, by sshfs(1).
 *
 * sshfs is a process that serves the mount, outlives volumed, and connects again by itself when the connection was lost. It has no
 * descriptor of volumed's: what it says is read until the mount is there, and then nobody listens.
 */
import { once } from "node:events";
import { rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, start } from "#lib/exec/run.ts";
import { Fault } from "#lib/fault/fault.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { findMount } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import { volumeFaults } from "../faults.ts";
import type { Disk } from "../kernel/disk.ts";
import { atSystem, systemFault } from "../kernel/system-fault.ts";
import type { Driver, DriverVolume, Home } from "./driver.ts";
import { asSeen } from "./mountpoint.ts";
import { sshfsCommand } from "./sshfs-command.ts";
import { probeDirectory } from "./probe.ts";
import { parseSshfsOptions, type SshfsOptions } from "./sshfs-options.ts";
import { SshfsProcesses } from "./sshfs-processes.ts";
import { explained } from "./sshfs-words.ts";

const TYPE = "fuse.sshfs";
const BACKING = "sshfs";
const OWN_KEYS = "_known_hosts";

/** Until the mount is there. */
const CONNECT_MS = 30_000;
/** sshfs ends by itself when nothing of the mount is left; what holds it open then loses it. */
const GRACE_MS = 2_000;
const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 100;
const STDERR_KEPT = 16 * 1024;

/** Where volumes have their directories. */
export type Directories = Pick<Disk, "mountpoint" | "ensure" | "remove">;

export interface SshfsSettings {
	readonly connectMs?: number;
	readonly graceMs?: number;
	readonly program?: string;
}

export class SshfsDriver implements Driver {
	readonly name = "sshfs";
	readonly canRename = false;
	readonly #directories: Directories;
	readonly #log: Log;
	readonly #connectMs: number;
	readonly #graceMs: number;
	readonly #program: string;
	readonly #processes = new SshfsProcesses();

	constructor(directories: Directories, log: Log, settings: SshfsSettings = {}) {
		const { connectMs = CONNECT_MS, graceMs = GRACE_MS, program = "sshfs" } = settings;
		this.#directories = directories;
		this.#log = log;
		this.#program = program;
		this.#connectMs = connectMs;
		this.#graceMs = graceMs;
	}

	async plan(options: ReadonlyMap<string, string>): Promise<string> {
		parseSshfsOptions(options);
		return BACKING;
	}

	needsMount(): boolean {
		return true;
	}

	home(): Home {
		return "options";
	}

	/** The directory to mount on; the server is not asked before somebody uses the volume. */
	async create({ name }: DriverVolume): Promise<void> {
		await this.#directories.ensure(name);
	}

	/** What is on the server stays there. */
	async remove(volume: DriverVolume): Promise<void> {
		await this.unmount(volume);
		await this.#directories.remove(volume.name);
	}

	async mount(volume: DriverVolume, signal: AbortSignal): Promise<string> {
		const options = parseSshfsOptions(volume.options);
		const before = await this.#target(volume);
		if (before !== undefined && (await this.#isMountedAt(before))) return this.mountpoint(volume);
		// A dead mount is in the way of everything at that path.
		if (before !== undefined) await this.#takeOff(before, 0);
		await this.#directories.ensure(volume.name);
		const target = (await this.#target(volume)) ?? this.mountpoint(volume);
		await this.#checkFiles(volume, options);
		await this.#writeKeys(target, options);
		signal.throwIfAborted();
		try {
			await this.#start(volume, target, options, signal);
		} catch (error) {
			await this.#takeOff(target, 0);
			throw error;
		}
		this.#log.change("volume.sshfs.mount", { volume: volume.name, path: target });
		return this.mountpoint(volume);
	}

	async unmount(volume: DriverVolume): Promise<void> {
		const target = await this.#target(volume);
		if (target === undefined) return;
		await this.#takeOff(target, this.#graceMs);
		this.#log.change("volume.sshfs.unmount", { volume: volume.name, path: target });
	}

	mountpoint({ name }: DriverVolume): string {
		return this.#directories.mountpoint(name);
	}

	/** Asks the kernel and no server: one that does not answer for a while is waited for by sshfs. */
	async isMounted(volume: DriverVolume): Promise<boolean> {
		const target = await this.#target(volume);
		return target !== undefined && this.#isMountedAt(target);
	}

	async status(volume: DriverVolume): Promise<ReadonlyMap<string, string>> {
		const { source, port } = parseSshfsOptions(volume.options);
		return new Map([
			["device", source],
			["port", String(port)],
			["mounted", String(await this.isMounted(volume))],
		]);
	}

	/** The mountpoint as mountinfo has it. Undefined: the volume's directory is not there. */
	#target(volume: DriverVolume): Promise<string | undefined> {
		const path = this.mountpoint(volume);
		return atSystem(`looking at ${path}`, path, () => asSeen(path));
	}

	async #isMountedAt(target: string): Promise<boolean> {
		return findMount(target)?.type === TYPE && (await this.#processes.serve(target));
	}

	async #start(volume: DriverVolume, target: string, options: SshfsOptions, signal: AbortSignal): Promise<void> {
		// Before our own limit, so that ssh still says what it waited for.
		const connectSeconds = Math.max(1, Math.floor((this.#connectMs * 0.8) / 1_000));
		const { args, env } = sshfsCommand(options, target, keysFile(target), connectSeconds);
		const hasPassword = options.password !== undefined;
		const child = start(this.#program, args, {
			stdin: hasPassword ? "pipe" : "ignore",
			stdout: "ignore",
			stderr: "pipe",
			env,
			outlive: true,
		});
		if (hasPassword) {
			// It may have ended before it read.
			child.stdin.on("error", () => undefined).end(`${options.password}\n`);
		}
		const words = collected(child);
		try {
			const failure = await this.#mounted(target, child, signal);
			if (failure === undefined) return;
			const problem = failure === "late" ? this.#late(options, words()) : explained(words(), options);
			throw volumeFaults.MOUNT_FAILED({ volume: volume.name, problem });
		} catch (error) {
			child.kill("SIGKILL");
			throw isMissing(error) ? volumeFaults.MOUNT_FAILED({ volume: volume.name, problem: missing(error) }) : error;
		} finally {
			child.stderr.destroy();
		}
	}

	/**
	 * Undefined when it is: sshfs mounts first and connects then, so the mount has to answer. Rejects with the abort, or when the
	 * program cannot be started.
	 */
	async #mounted(target: string, child: Child, signal: AbortSignal): Promise<"late" | "ended" | undefined> {
		let isOver = false;
		const over = child.done.finally(() => {
			isOver = true;
		});
		const aborted = once(signal, "abort");
		// They are raced below; what comes when the race is over is nobody's.
		for (const one of [over, aborted]) one.catch(() => undefined);
		const deadline = performance.now() + this.#connectMs;
		for (let wait = FIRST_POLL_MS; performance.now() < deadline; wait = Math.min(LONGEST_POLL_MS, wait * 1.5)) {
			signal.throwIfAborted();
			if (isOver) {
				await over;
				return "ended";
			}
			const device = findMount(target)?.type === TYPE ? findMount(target)?.device : undefined;
			const next = device === undefined ? delay(wait) : answers(target, device, deadline - performance.now());
			if ((await Promise.race([next, over, aborted])) === true) return undefined;
		}
		return "late";
	}

	#late(options: SshfsOptions, words: string): string {
		const said = words.trim() === "" ? "" : `, and what was said is: ${explained(words, options)}`;
		return `${options.host} has not let us in for ${this.#connectMs / 1_000} s; see that the server runs and can be reached${said}`;
	}

	/** Whatever of ours is mounted there, and its processes. */
	async #takeOff(target: string, graceMs: number): Promise<void> {
		try {
			while (findMount(target)?.type === TYPE) detach(target);
		} catch (error) {
			throw systemFault(`unmounting ${target}`, target, error);
		}
		await this.#processes.ended(target, graceMs);
	}

	/** ssh says of a file that is missing only that nobody was let in. */
	async #checkFiles({ name }: DriverVolume, { identityFile, knownHosts }: SshfsOptions): Promise<void> {
		for (const [option, path] of [
			["identity_file", identityFile],
			["known_hosts", knownHosts],
		] as const) {
			if (path === undefined) continue;
			const isFile = await stat(path)
				.then((found) => found.isFile())
				.catch(() => false);
			if (!isFile) {
				throw volumeFaults.MOUNT_FAILED({
					volume: name,
					problem: `this host has no file ${path}, which is its ${option}`,
				});
			}
		}
	}

	/** In place before it is read: sshfs reads it again whenever it connects again. */
	async #writeKeys(target: string, { hostKey }: SshfsOptions): Promise<void> {
		if (hostKey === undefined) return;
		const path = keysFile(target);
		await atSystem(`writing ${path}`, path, async () => {
			await writeFile(`${path}.new`, `${hostKey}\n`, { mode: 0o600 });
			await rename(`${path}.new`, path);
		});
	}
}

function keysFile(target: string): string {
	return join(dirname(target), OWN_KEYS);
}

/** The uppermost mount. One that is busy leaves the tree all the same. */
function detach(target: string): void {
	try {
		unmount(target);
	} catch (error) {
		if (!isErrno(error, "EBUSY")) throw error;
		unmount(target, { detach: true });
	}
}

/** The file system of this device is what is seen at `target`. Waits as long as it is silent. */
async function answers(target: string, device: string, timeoutMs: number): Promise<boolean> {
	const probe = await probeDirectory(target, timeoutMs);
	return probe.kind === "directory" && probe.identity.startsWith(`${device}:`);
}

/** The end of what it says, from now on. */
function collected(child: Child): () => string {
	let text = "";
	child.stderr.on("data", (chunk: Buffer) => {
		text = (text + chunk.toString()).slice(-STDERR_KEPT);
	});
	child.stderr.on("error", () => undefined);
	return () => text;
}

function isMissing(error: unknown): error is Fault {
	return error instanceof Fault && error.reason === "PROGRAM_MISSING";
}

function missing({ message, help = "" }: Fault): string {
	return `${message.replace(/\.$/, "")}; ${help.replace(/^I/, "i").replace(/\.$/, "")}`;
}
