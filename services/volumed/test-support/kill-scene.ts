/**
 * volumed on a scratch directory, with everything around it that it works on and that outlives it: an image's root, directories of
 * the host, a plugin, and processes with mounts of their own. The caller is in a mount namespace of its own, with a `/run` of its own.
 */
import { execFileSync } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { attachLoop } from "#lib/linux/mount/loop.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { type MountsProcess, startMountsProcess } from "#lib/linux/test-support/mounts-process.ts";
import { Daemon } from "./daemon.ts";
import { inOwnMounts } from "./local-driver.ts";
import { TestPlugin } from "./plugin.ts";

const PLUGINS = "/run/docker/plugins";
/** Of the image's file `/etc/app/conf`. */
const CONTENT = "of the image";
const DISK_MIB = 256;

export type DiskKind = "ext4" | "btrfs";

/** Once a process, before its first scene. */
export function ownMountsAndRun(): void {
	inOwnMounts();
	mountFs("tmpfs", "run", "/run", ["size=16m"]);
	mkdirSync(PLUGINS, { recursive: true });
}

export class KillScene implements AsyncDisposable {
	readonly folder = mkdtempSync(join(tmpdir(), "wharf-kills-"));
	readonly daemon: Daemon;
	/** The name of the plugin's driver. */
	readonly plugin = basename(this.folder);
	/** What is mounted into. */
	readonly processes: MountsProcess[] = [];
	/** Volumes that somebody was told that they are there, and nobody wanted away. */
	readonly promised = new Set<string>();
	/** Volumes that somebody was told that they are gone. */
	readonly deleted = new Set<string>();
	/** What is in a file of a volume, by its text; and the names that the volume may have by now. */
	readonly written = new Map<string, { readonly names: readonly string[]; readonly file: string }>([
		[CONTENT, { names: ["conf"], file: "conf" }],
	]);
	/** What directories have to be, as a whole: what they were, or what they are about to become. */
	readonly wholes = new Map<string, readonly string[]>();
	readonly #plugin: TestPlugin;
	#disk: string | undefined;

	/** With `disk` the instance is on a file system of its own, in a file. */
	static async open(disk?: DiskKind): Promise<KillScene> {
		const scene = new KillScene(disk);
		await scene.#plugin.listen();
		await scene.startProcess();
		return scene;
	}

	private constructor(disk: DiskKind | undefined) {
		for (const name of ["instance", "image/etc/app", "image/etc/empty", "source", "pub", "plugged"]) {
			mkdirSync(this.at(name), { recursive: true });
		}
		writeFileSync(this.at("image/etc/app/conf"), CONTENT);
		writeFileSync(this.at("source/file"), "of the host");
		if (disk !== undefined) this.#disk = this.#makeDisk(disk);
		this.daemon = new Daemon(this.at("instance"));
		this.#plugin = new TestPlugin(join(PLUGINS, `${this.plugin}.sock`), this.at("plugged"));
		this.#plugin.mountsTmpfs = true;
	}

	at(name: string): string {
		return join(this.folder, name);
	}

	/** The directory is being changed to this, as `wholeOf` has it. */
	mayBecome(path: string, text: string): void {
		this.wholes.set(path, [...new Set([...(this.wholes.get(path) ?? [wholeAt(path)]), text])]);
	}

	/** It has been. */
	hasBecome(path: string, text: string): void {
		this.wholes.set(path, [text]);
	}

	/** Where volumes are. */
	get volumes(): string {
		return join(this.daemon.root, "volumes");
	}

	/** The last one that was started. */
	get process(): MountsProcess {
		const last = this.processes.at(-1);
		if (last === undefined) throw new Error("no process was started");
		return last;
	}

	/** A process more, with its own root. */
	async startProcess(): Promise<MountsProcess> {
		const root = this.at(`root${this.processes.length}`);
		mkdirSync(root, { recursive: true });
		const process = await startMountsProcess(root);
		this.processes.push(process);
		return process;
	}

	/** Of those there are, the last one ends. */
	async endProcess(): Promise<void> {
		await this.processes.pop()?.[Symbol.asyncDispose]();
	}

	/** No process is left, nothing is mounted, no loop device is there; what is on the disk is. */
	async reboot(): Promise<void> {
		await this.#powerOff();
		await this.#powerOn();
	}

	/** A reboot before which `cut` takes from the disk at the path what is not on it yet. */
	async cutPower(cut: (path: string) => void): Promise<void> {
		const disk = this.#disk;
		if (disk === undefined) throw new Error("the scene has no disk of its own");
		await this.daemon.kill();
		cut(this.at("instance"));
		await this.#powerOff();
		unmount(this.at("instance"), { detach: true });
		{
			using device = attachLoop(disk);
			mountFs("ext4", device.path, this.at("instance"));
		}
		await this.#powerOn();
	}

	async #powerOff(): Promise<void> {
		await this.daemon.kill();
		for (const { pid } of strayProcesses(this)) process.kill(pid, "SIGKILL");
		while (this.processes.length > 0) await this.endProcess();
		this.#unmountAll();
	}

	async #powerOn(): Promise<void> {
		for (const { mounts } of this.#plugin.volumes.values()) mounts.clear();
		rmSync(join(this.daemon.root, "run"), { recursive: true, force: true });
		await this.startProcess();
	}

	#unmountAll(): void {
		const own = this.at("instance");
		for (const path of mountPaths(this.folder).reverse()) if (path !== own) unmount(path, { detach: true });
	}

	#makeDisk(kind: DiskKind): string {
		const disk = this.at("disk");
		writeFileSync(disk, "");
		truncateSync(disk, DISK_MIB * 1024 * 1024);
		const args = kind === "ext4" ? ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"] : ["-q"];
		execFileSync(`mkfs.${kind}`, [...args, disk]);
		using device = attachLoop(disk);
		mountFs(kind, device.path, this.at("instance"));
		return disk;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#powerOff();
		await this.#plugin[Symbol.asyncDispose]();
		await this.daemon[Symbol.asyncDispose]();
		unmount(this.at("instance"), { detach: true });
		rmSync(this.folder, { recursive: true });
	}
}

/** Files of one directory and what is in them, in a line. */
export function wholeOf(files: Readonly<Record<string, string>>): string {
	return Object.entries(files)
		.map(([name, content]) => `${name}=${content}`)
		.sort()
		.join();
}

/** As `wholeOf`, of what is there; a name that is no file as it is. */
export function wholeAt(path: string): string {
	const names = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : [];
	return wholeOf(
		Object.fromEntries(names.map((one) => [one.name, one.isFile() ? readFileSync(join(path, one.name), "utf8") : ""])),
	);
}

/** Whoever has the instance's root in its environment is volumed, or was started by it. */
export function strayProcesses({ daemon }: KillScene): { readonly pid: number; readonly name: string }[] {
	const pids = readdirSync("/proc")
		.map(Number)
		.filter((pid) => pid > 0 && pid !== daemon.pid);
	return pids.flatMap((pid) => {
		try {
			const isOurs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`WHARF_ROOT=${daemon.root}`);
			return isOurs ? [{ pid, name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() }] : [];
		} catch {
			return []; // it has ended
		}
	});
}

/** Outer before inner. */
export function mountPaths(folder: string): string[] {
	return mountsOf(folder)
		.map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
		.filter((path) => path.startsWith(`${folder}/`));
}
