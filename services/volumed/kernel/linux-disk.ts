/**
 * Volumes as directories: `<volumes>/<name>/_data`, in the layout of Docker's local driver.
 *
 * `.trash` holds what was removed until it is gone, `.lost+found` what nobody accounts for. Names of volumes never begin with a
 * dot. What must survive a power cut is synced before the call resolves.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { mkdir, opendir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { run, start } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { exchange, renameNew, syncDirectory, syncFileSystem } from "#lib/linux/mount/directory.ts";
import { type Jailer, jailed } from "#lib/linux/mount/jail.ts";
import { openInRoot } from "#lib/linux/mount/open-beneath.ts";
import type { Log } from "#lib/log/log.ts";
import { volumeFaults } from "../faults.ts";
import type { Disk, Image, Observed } from "./disk.ts";
import { atSystem } from "./system-fault.ts";

const DATA = "_data";
const STAGE = "_data.new-";
const TRASH = ".trash";
const LOST = ".lost+found";

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
	#sweeping: Promise<void> | undefined;

	private constructor(root: string, jailer: Jailer, log: Log) {
		this.#root = root;
		this.#jailer = jailer;
		this.#log = log;
	}

	/** Makes the directory of volumes (0701: a container's user passes through, and sees no names). */
	static async open(root: string, jailer: Jailer, log: Log): Promise<LinuxDisk> {
		await atSystem(`making ${root}`, root, async () => {
			await mkdir(root, { recursive: true, mode: 0o701 });
			for (const name of [TRASH, LOST]) await mkdir(join(root, name), { recursive: true, mode: 0o700 });
			await syncDirectory(root);
		});
		return new LinuxDisk(root, jailer, log);
	}

	mountpoint(name: string): string {
		return join(this.#root, name, DATA);
	}

	async ensure(name: string): Promise<void> {
		const folder = join(this.#root, name);
		await atSystem(`making ${folder}`, folder, async () => {
			await mkdir(folder, { recursive: true, mode: 0o701 });
			await mkdir(join(folder, DATA), { recursive: true, mode: 0o755 });
			await Promise.all([syncDirectory(folder), syncDirectory(this.#root)]);
		});
		killPoint("volumed.disk.ensure");
		this.#log.change("volume.directory.make", { path: folder });
	}

	async remove(name: string): Promise<void> {
		const folder = join(this.#root, name);
		if (await this.#toTrash(folder, name)) await syncDirectory(this.#root);
		killPoint("volumed.disk.remove");
		this.#log.change("volume.directory.remove", { path: folder });
		this.#sweepLater();
	}

	async hasData(name: string): Promise<boolean> {
		return (await directoryAt(this.mountpoint(name))) !== undefined;
	}

	async isEmpty(name: string): Promise<boolean> {
		const path = this.mountpoint(name);
		return atSystem(`reading ${path}`, path, async () => {
			await using directory = await opendir(path);
			return (await directory.read()) === null;
		});
	}

	async observe(): Promise<Observed[]> {
		const names = await readdir(this.#root);
		const volumes = names.filter((name) => name !== TRASH && name !== LOST);
		return Promise.all(
			volumes.map(async (name) => {
				const inside = await readdir(join(this.#root, name)).catch(() => []);
				const stages = inside.filter((entry) => entry.startsWith(STAGE)).map((entry) => entry.slice(STAGE.length));
				return { name, hasData: await this.hasData(name), stages };
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

	async fill(name: string, id: string, { root, path }: Image, signal?: AbortSignal): Promise<boolean> {
		const source = directoryInside(root, path);
		if (source === undefined) return false;
		try {
			using jail = await this.#jailer.create([
				{ source, name: "image", writable: false },
				{ source: this.#stagePath(name, id), name: "volume", writable: true },
			]);
			const command = jailed("cp", ["-a", "--reflink=auto", "-T", "/image", "/volume"], COPY_CAPABILITIES);
			const child = start(command.file, command.args, { stdout: "ignore", extra: [jail.fd], signal });
			const { exitCode, stderr } = await child.done;
			signal?.throwIfAborted();
			if (exitCode !== 0) throw volumeFaults.COPY_FAILED({ volume: name, words: stderr.trim().slice(-500) });
		} finally {
			closeSync(source);
		}
		killPoint("volumed.disk.fill");
		return true;
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
		try {
			await rename(path, target);
			return true;
		} catch (error) {
			if (isErrno(error, "ENOENT")) return false;
			throw volumeFaults.KERNEL_REFUSED({ what: `removing ${path}`, problem: String(error) }, { cause: error });
		}
	}

	/** One at a time, in the background; what cannot be removed is said in the log and tried again with the next. */
	#sweepLater(): void {
		if (this.#sweeping !== undefined) return;
		this.#sweeping = this.#sweepAll()
			.catch((error: unknown) => this.#log.warn("what was removed is still on the disk", { err: error }))
			.finally(() => {
				this.#sweeping = undefined;
			});
	}

	async #sweepAll(): Promise<void> {
		const trash = join(this.#root, TRASH);
		for (;;) {
			const names = await readdir(trash);
			if (names.length === 0) return;
			const paths = names.slice(0, 500).map((name) => join(trash, name));
			await run("rm", ["-rf", "--one-file-system", "--", ...paths]);
		}
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

/** A descriptor of the directory at `path` of the image; undefined when there is none. Whatever links it has, it is inside. */
function directoryInside(root: string, path: string): number | undefined {
	const image = openSync(root, "r");
	try {
		const found = openInRoot(image, path);
		if (fstatSync(found).isDirectory()) return found;
		closeSync(found);
		return undefined;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
		throw error;
	} finally {
		closeSync(image);
	}
}
