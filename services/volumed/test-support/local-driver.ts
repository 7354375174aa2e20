/** The driver `local` on a directory of volumes of a test's own, and what other programs see of what it does. */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checked } from "#lib/linux/libc.ts";
import { Jailer } from "#lib/linux/mount/jail.ts";
import { setPropagation, unmount } from "#lib/linux/mount/mount.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { createLog } from "#lib/log/log.ts";
import type { DriverVolume } from "../drivers/driver.ts";
import { LocalDriver } from "../drivers/local.ts";
import { LinuxDisk } from "../kernel/linux-disk.ts";

const CLONE_NEWNS = 0x2_0000;
const MIB = 1024 * 1024;

/** The whole process moves: a file of tests has a process of its own, and its children see what it sees. */
export function inOwnMounts(): void {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
}

export class LocalVolumes implements AsyncDisposable {
	readonly folder = mkdtempSync(join(tmpdir(), "wharf-local-"));
	readonly root = join(this.folder, "volumes");
	/** What the driver has logged. */
	readonly lines: string[] = [];
	readonly signal = new AbortController().signal;
	readonly #jailer = new Jailer();
	#driver: LocalDriver | undefined;
	#disk: LinuxDisk | undefined;

	/** `prepare` may mount something at the directory of volumes. */
	static async open(
		prepare: (root: string, folder: string) => void = () => undefined,
		mountBoundMs = 30_000,
	): Promise<LocalVolumes> {
		const volumes = new LocalVolumes();
		mkdirSync(volumes.root);
		prepare(volumes.root, volumes.folder);
		const log = createLog({ service: "test", sink: { write: (line) => volumes.lines.push(line) } });
		volumes.#disk = await LinuxDisk.open(volumes.root, volumes.#jailer, log);
		volumes.#driver = new LocalDriver(volumes.root, volumes.#disk, log, { mountBoundMs });
		return volumes;
	}

	get driver(): LocalDriver {
		if (this.#driver === undefined) throw new Error("it is not open");
		return this.#driver;
	}

	/** A volume with its backing decided, and not made. */
	async planned(name: string, options: Readonly<Record<string, string>> = {}): Promise<DriverVolume> {
		const all = new Map(Object.entries(options));
		return { name, options: all, backing: await this.driver.plan(all) };
	}

	async made(name: string, options: Readonly<Record<string, string>> = {}): Promise<DriverVolume> {
		const volume = await this.planned(name, options);
		await this.driver.create(volume, this.signal);
		return volume;
	}

	mount(volume: DriverVolume): Promise<string> {
		return this.driver.mount(volume, this.signal);
	}

	data(volume: DriverVolume): string {
		return join(this.root, volume.name, "_data");
	}

	/** The names of what lies in the directory of volumes, but for the disk's own. */
	names(): string[] {
		return readdirSync(this.root).filter((name) => !name.startsWith(".") && name !== "lost+found");
	}

	/** The files of ours that are loop devices. */
	loops(): string[] {
		const output = execFileSync("losetup", ["-J", "-l", "-O", "BACK-FILE"], { encoding: "utf8" });
		const devices: { "back-file": string }[] = output === "" ? [] : JSON.parse(output).loopdevices;
		return devices.map((device) => device["back-file"]).filter((file) => file.startsWith(this.folder));
	}

	/** Lines of mountinfo below the directory of volumes. */
	mounts(): string[] {
		return mountsOf(this.folder).filter((line) => line.includes(`${this.root}/`));
	}

	/** Does it in a process that ends itself at the kill point; its signal, or its exit status when it got by. */
	killedAt(point: string, volume: DriverVolume, acts: readonly ("create" | "mount" | "unmount" | "remove")[]) {
		const at = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
		const source = `
			const { LocalDriver } = await import(${at("../drivers/local.ts")});
			const { LinuxDisk } = await import(${at("../kernel/linux-disk.ts")});
			const { Jailer } = await import(${at("../../../lib/linux/mount/jail.ts")});
			const { createLog } = await import(${at("../../../lib/log/log.ts")});
			const log = createLog({ service: "test", level: "silent" });
			const root = ${JSON.stringify(this.root)};
			const driver = new LocalDriver(root, await LinuxDisk.open(root, new Jailer(), log), log);
			const volume = ${JSON.stringify({ name: volume.name, backing: volume.backing })};
			volume.options = new Map(${JSON.stringify([...volume.options])});
			for (const act of ${JSON.stringify(acts)}) await driver[act](volume, new AbortController().signal);`;
		const { status, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
			env: { ...process.env, WHARF_KILL_POINT: point },
			stdio: ["ignore", "ignore", "inherit"],
		});
		return signal ?? status;
	}

	async sweep(): Promise<void> {
		await this.#disk?.sweep();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const line of this.mounts().reverse()) unmount(line.split(" ")[4] ?? "", { detach: true });
		await this.sweep();
		await this.#driver?.[Symbol.asyncDispose]();
		await this.#jailer[Symbol.asyncDispose]();
		unmount(this.root, { detach: true });
		rmSync(this.folder, { recursive: true });
	}
}

/** What findmnt says of the uppermost mount at the path; undefined when nothing is mounted. */
export function seenAt(path: string): { fstype: string; source: string; options: string[] } | undefined {
	const args = ["-J", "--list", "-o", "FSTYPE,SOURCE,OPTIONS", "--mountpoint", path];
	const { stdout, status } = spawnSync("findmnt", args, { encoding: "utf8" });
	if (status !== 0) return undefined;
	const { fstype, source, options } = JSON.parse(stdout).filesystems.at(-1);
	return { fstype, source, options: options.split(",") };
}

/** How many whole MiB can be written to the file before the kernel refuses. */
export function mibUntilFull(path: string, most: number): number {
	const fd = openSync(path, "w");
	const block = Buffer.alloc(MIB, "x");
	let mib = 0;
	try {
		for (; mib < most; mib++) writeSync(fd, block);
	} catch {
		// What it refuses with differs; that it does is what counts.
	} finally {
		closeSync(fd);
	}
	return mib;
}
