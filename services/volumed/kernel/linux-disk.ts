/**
 * Volumes as directories: `<volumes>/<name>/_data`, in the layout of Docker's local driver.
 *
 * `.going` holds what is out of sight and may come back, `.trash` what was given up until it is gone, `.lost+found` what nobody
 * accounts for. Names of volumes never begin with a dot.
 */
import { randomBytes } from "node:crypto";
import { closeSync, type Dirent, lstatSync, mkdirSync, realpathSync, renameSync, statSync } from "node:fs";
import { mkdir, opendir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killPoint } from "#lib/config/kill-point.ts";
import { run, start } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { exchange, renameNew, syncDirectory, syncFileSystem } from "#lib/linux/mount/directory.ts";
import { type Jailer, jailed } from "#lib/linux/mount/jail.ts";
import { copyDirectoryAttributes } from "#lib/linux/attributes.ts";
import { type Found, openInside } from "#lib/linux/looks.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Log } from "#lib/log/log.ts";
import { volumeFaults } from "../faults.ts";
import type { Disk, Image, Observed } from "./disk.ts";
import { Looking, Silence, SILENT } from "./looking.ts";
import { atSystem, systemFault } from "./system-fault.ts";

const DATA = "_data";
const STAGE = "_data.new-";
const TRASH = ".trash";
const LOST = ".lost+found";
const GOING = ".going";
const OWN = [TRASH, LOST, GOING];

/** Removals of a moment are swept together, and not in the moment in which others wait for the disk. */
const SWEEP_MS = 100;

/** What cp needs to make a tree like another one: capabilities(7). CAP_SYS_ADMIN is for xattrs of the trusted namespace. */
const COPY_CAPABILITIES = [
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"mknod",
	"setfcap",
	"sys_admin",
];

export class LinuxDisk implements Disk {
	readonly #root: string;
	readonly #jailer: Jailer;
	readonly #log: Log;
	readonly #looking: Looking;
	#sweeping: Promise<void> | undefined;

	private constructor(root: string, jailer: Jailer, log: Log, looking: Looking) {
		this.#looking = looking;
		this.#root = root;
		this.#jailer = jailer;
		this.#log = log;
	}

	/** Makes the directory of volumes (0701: a container's user passes through, and sees no names). */
	static async open(root: string, jailer: Jailer, log: Log, looking = new Looking()): Promise<LinuxDisk> {
		await atSystem(`making ${root}`, root, async () => {
			await mkdir(root, { recursive: true, mode: 0o701 });
			for (const name of OWN) await mkdir(join(root, name), { recursive: true, mode: 0o700 });
			await syncDirectory(root);
		});
		return new LinuxDisk(root, jailer, log, looking);
	}

	mountpoint(name: string): string {
		return join(this.#root, name, DATA);
	}

	async ensure(name: string): Promise<void> {
		const folder = join(this.#root, name);
		await atSystem(`making ${folder}`, folder, async () => {
			makeDirectory(folder, 0o701);
			makeDirectory(join(folder, DATA), 0o755);
		});
		killPoint("volumed.disk.ensure");
		this.#log.change("volume.directory.make", { path: folder });
	}

	async persist(names: readonly string[]): Promise<void> {
		const folders = names.map((name) => join(this.#root, name));
		await atSystem(`syncing ${this.#root}`, this.#root, async () => {
			await Promise.all([this.#root, ...folders].map(syncIfThere));
		});
	}

	async rename(name: string, newName: string): Promise<void> {
		const [from, to] = [join(this.#root, name), join(this.#root, newName)];
		await atSystem(`renaming ${from}`, from, async () => {
			if ((await directoryAt(from)) === undefined) return;
			renameNew(from, to);
			killPoint("volumed.disk.rename");
			await syncDirectory(this.#root);
		});
		this.#log.change("volume.directory.rename", { path: from, to });
	}

	async remove(name: string): Promise<void> {
		const folder = join(this.#root, name);
		const going = join(this.#root, GOING, name);
		await atSystem(`removing ${folder}`, folder, async () => {
			try {
				renameIfThere(folder, going);
			} catch (error) {
				if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
				// One of that name whose removal was answered is not given up yet.
				await this.bury(name);
				renameIfThere(folder, going);
			}
		});
		killPoint("volumed.disk.remove");
		this.#log.change("volume.directory.remove", { path: folder });
	}

	async bury(name: string): Promise<void> {
		if (!(await this.#toTrash(join(this.#root, GOING, name), name))) return;
		killPoint("volumed.disk.bury");
		this.#sweepLater();
	}

	async recover(name: string): Promise<boolean> {
		const folder = join(this.#root, name);
		const hasComeBack = await atSystem(`bringing ${folder} back`, folder, async () =>
			renameIfThere(join(this.#root, GOING, name), folder),
		);
		if (hasComeBack) await syncDirectory(this.#root);
		return hasComeBack;
	}

	async removeEmpty(name: string): Promise<boolean> {
		const folder = join(this.#root, name);
		try {
			const inside = await readdir(folder);
			if (inside.some((entry) => entry !== DATA)) return false;
			if (inside.length > 0) await rmdir(join(folder, DATA));
			await rmdir(folder);
			return true;
		} catch (error) {
			if (isErrno(error, "ENOTEMPTY", "ENOENT", "ENOTDIR", "EBUSY")) return false;
			throw error;
		}
	}

	/** Its content itself is not touched: a dead file system may be mounted there. */
	async hasData(name: string): Promise<boolean> {
		return (await entriesOf(join(this.#root, name))).some((entry) => entry.name === DATA && entry.isDirectory());
	}

	async isEmpty(path: string): Promise<boolean> {
		return atSystem(`reading ${path}`, path, async () => {
			await using directory = await opendir(path);
			return (await directory.read()) === null;
		});
	}

	async observe(): Promise<Observed[]> {
		const names = await readdir(this.#root);
		const volumes = names.filter((name) => !OWN.includes(name));
		return Promise.all(
			volumes.map(async (name) => {
				const inside = await entriesOf(join(this.#root, name));
				const stages = inside.filter((entry) => entry.name.startsWith(STAGE));
				const hasData = inside.some((entry) => entry.name === DATA && entry.isDirectory());
				return { name, hasData, stages: stages.map((entry) => entry.name.slice(STAGE.length)) };
			}),
		);
	}

	async setAside(name: string): Promise<string> {
		const target = join(this.#root, LOST, `${name}.${randomBytes(4).toString("hex")}`);
		await atSystem(`moving ${name} to ${target}`, target, () => rename(join(this.#root, name), target));
		await syncDirectory(this.#root);
		return target;
	}

	async stage(name: string, id: string): Promise<string> {
		const path = this.#stagePath(name, id);
		await atSystem(`making ${path}`, path, async () => {
			await mkdir(join(this.#root, name), { recursive: true, mode: 0o701 });
			await mkdir(path, { mode: 0o755 });
		});
		killPoint("volumed.disk.stage");
		return path;
	}

	async look({ root, path }: Image): Promise<Found> {
		try {
			return await this.#looking.look("foundInRoot", root, path);
		} catch (error) {
			if (!(error instanceof Silence)) throw systemFault(`looking at ${path} of ${root}`, root, error);
			throw volumeFaults.INVALID_PATH({ path: root, problem: SILENT }, { field: "image_root", cause: error });
		}
	}

	async likeImage(path: string, { root, path: inside }: Image): Promise<void> {
		using found = openImage(root, inside);
		if (found === undefined) return;
		await atSystem(`changing ${path}`, path, async () => {
			copyDirectoryAttributes(found.fd, path);
		});
		killPoint("volumed.disk.like-image");
	}

	async fill(target: string, { root, path }: Image, signal?: AbortSignal): Promise<void> {
		using source = openImage(root, path);
		if (source === undefined) return;
		using jail = await this.#jailer.create([
			{ source: source.fd, name: "image", writable: false },
			{ source: target, name: "volume", writable: true },
		]);
		const command = jailed("cp", ["-a", "--reflink=auto", "-T", "/image", "/volume"], COPY_CAPABILITIES);
		const child = start(command.file, command.args, { stdout: "ignore", extra: [jail.fd], signal });
		const { exitCode, stderr } = await child.done;
		signal?.throwIfAborted();
		if (exitCode !== 0) throw volumeFaults.COPY_FAILED({ path: target, words: stderr.trim().slice(-500) });
		killPoint("volumed.disk.fill");
	}

	async clear(path: string): Promise<void> {
		const names = await readdir(path, { encoding: "buffer" });
		const base = Buffer.from(`${path}/`);
		for (const name of names) await rm(Buffer.concat([base, name]), { recursive: true, force: true });
	}

	async commit(name: string, id: string): Promise<void> {
		const stage = this.#stagePath(name, id);
		const data = this.mountpoint(name);
		await atSystem(`putting ${stage} in place`, data, async () => {
			await syncFileSystem(stage);
			try {
				exchange(stage, data);
			} catch (error) {
				if (!isErrno(error, "ENOENT")) throw error;
				renameNew(stage, data);
			}
			killPoint("volumed.disk.exchange");
			await syncDirectory(join(this.#root, name));
		});
		this.#log.change("volume.directory.replace", { path: data });
		// The new content is in place, durably: what is left of the old one cannot make this a failure. Reconcile finds it again.
		await this.discard(name, id).catch((error: unknown) => this.#log.warn("the old content stays", { err: error }));
	}

	async discard(name: string, id: string): Promise<void> {
		await this.#toTrash(this.#stagePath(name, id), `${name}-${id}`);
		killPoint("volumed.disk.discard");
		this.#sweepLater();
	}

	async identity(name: string, id?: string): Promise<string | undefined> {
		const found = await directoryAt(id === undefined ? this.mountpoint(name) : this.#stagePath(name, id));
		return found && `${found.dev}:${found.ino}`;
	}

	async sweep(): Promise<void> {
		while (this.#sweeping !== undefined) await this.#sweeping;
		this.#sweepLater();
		// sweepLater has set it, which the compiler does not see.
		await (this.#sweeping as Promise<void> | undefined);
	}

	#stagePath(name: string, id: string): string {
		return join(this.#root, name, `${STAGE}${id}`);
	}

	/** False: it was not there. */
	async #toTrash(path: string, name: string): Promise<boolean> {
		const target = join(this.#root, TRASH, `${name}.${randomBytes(8).toString("hex")}`);
		return await atSystem(`removing ${path}`, path, async () => renameIfThere(path, target));
	}

	/** One at a time, in the background; what cannot be removed is said in the log and tried again with the next. */
	#sweepLater(): void {
		this.#sweeping ??= this.#sweepAll()
			.catch((error: unknown) => this.#log.warn("what was removed is still on the disk", { err: error }))
			.finally(() => {
				this.#sweeping = undefined;
			});
	}

	/** What is empty costs two calls; a program is for what is large. */
	async #sweepAll(): Promise<void> {
		const trash = join(this.#root, TRASH);
		for (;;) {
			await sleep(SWEEP_MS);
			const names = (await readdir(trash)).slice(0, 500);
			if (names.length === 0) return;
			const full: string[] = [];
			for (const name of names) if (!(await removedEmpty(join(trash, name)))) full.push(join(trash, name));
			// What somebody has mounted in it is not the volume's: rm stops at other file systems, and not at another directory of this one.
			if (full.length === 0) continue;
			detachBelow(trash);
			await run("rm", ["-rf", "--one-file-system", "--", ...full]);
		}
	}
}

function detachBelow(path: string): void {
	const below = `${realpathSync(path)}/`;
	const targets = mountinfo().map(({ target }) => target);
	for (const target of targets.filter((one) => one.startsWith(below)).toReversed()) unmount(target, { detach: true });
}

/** A volume's directory, or a stage, with nothing in it. */
async function removedEmpty(path: string): Promise<boolean> {
	try {
		await rmdir(join(path, DATA)).catch((error: unknown) => {
			if (!isErrno(error, "ENOENT")) throw error;
		});
		await rmdir(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOTEMPTY", "ENOTDIR", "EBUSY")) return false;
		throw error;
	}
}

/** What a directory says of what is in it; nothing where there is none. */
async function entriesOf(path: string): Promise<Dirent[]> {
	try {
		return await readdir(path, { withFileTypes: true });
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
		throw error;
	}
}

async function directoryAt(path: string) {
	try {
		const found = await stat(path, { bigint: true });
		return found.isDirectory() ? found : undefined;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
		throw error;
	}
}

/** What is at `path` of the image, by a handle; undefined when there is nothing. Whatever links it has, it is inside. */
function openImage(root: string, path: string): (Disposable & { readonly fd: number }) | undefined {
	const fd = openInside(root, path);
	return fd === undefined ? undefined : { fd, [Symbol.dispose]: () => closeSync(fd) };
}

/** One that is there stays as it is. In place: it costs a tenth of the way through the pool of threads. */
function makeDirectory(path: string, mode: number): void {
	try {
		mkdirSync(path, { mode });
	} catch (error) {
		if (!isErrno(error, "EEXIST") || !statSync(path).isDirectory()) throw error;
	}
}

/** False: it is not there. In place, as above. */
function renameIfThere(from: string, to: string): boolean {
	try {
		renameSync(from, to);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT")) return false;
		// A file system that is read-only says so before it looks.
		if (isErrno(error, "EROFS") && lstatSync(from, { throwIfNoEntry: false }) === undefined) return false;
		throw error;
	}
}

async function syncIfThere(path: string): Promise<void> {
	try {
		await syncDirectory(path);
	} catch (error) {
		if (!isErrno(error, "ENOENT")) throw error;
	}
}
