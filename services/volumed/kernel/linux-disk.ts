/**
 * Volumes as directories: `<volumes>/<name>/_data`, in the layout of Docker's local driver.
 *
 * `.going` holds what is out of sight and may come back, `.trash` what was given up until it is gone, `.lost+found` what nobody
 * accounts for; `.snapshots` is that of `snapshots.ts`. Names of volumes never begin with a dot.
 */
import { randomBytes } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdir, opendir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { exchange, renameNew, syncDirectory, syncFileSystem } from "#lib/linux/mount/directory.ts";
import type { Jailer } from "#lib/linux/mount/jail.ts";
import type { Log } from "#lib/log/log.ts";
import type { Disk, Found, Image, Observed } from "./disk.ts";
import { ImageContent } from "./image-content.ts";
import { makeDirectory, renameIfThere } from "./in-place.ts";
import { LinuxInnerStages } from "./linux-inner-stages.ts";
import { Looking } from "./looking.ts";
import { isStage } from "../stage-name.ts";
import { TreeWorkers } from "../tree/tree-workers.ts";
import { atSystem } from "./system-fault.ts";
import { Trash } from "./trash.ts";

const DATA = "_data";
const STAGE = "_data.new-";
const TRASH = ".trash";
const LOST = ".lost+found";
const GOING = ".going";
export const SNAPSHOTS = ".snapshots";
const OWN = [TRASH, LOST, GOING, SNAPSHOTS];

export class LinuxDisk implements Disk {
	readonly inside: LinuxInnerStages;
	readonly #root: string;
	readonly #log: Log;
	readonly #images: ImageContent;
	readonly #trash: Trash;

	private constructor(root: string, jailer: Jailer, log: Log, looking: Looking, workers: TreeWorkers) {
		this.#root = root;
		this.#log = log;
		this.inside = new LinuxInnerStages(workers, log);
		this.#images = new ImageContent(jailer, looking);
		this.#trash = new Trash(join(root, TRASH), DATA, log);
	}

	/** Makes the directory of volumes (0701: a container's user passes through, and sees no names). */
	static async open(
		root: string,
		jailer: Jailer,
		log: Log,
		looking = new Looking(),
		workers = new TreeWorkers(),
	): Promise<LinuxDisk> {
		await atSystem(`making ${root}`, root, async () => {
			await mkdir(root, { recursive: true, mode: 0o701 });
			for (const name of OWN) await mkdir(join(root, name), { recursive: true, mode: 0o700 });
			await syncDirectory(root);
		});
		return new LinuxDisk(root, jailer, log, looking, workers);
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
		if (!(await this.#trash.put(join(this.#root, GOING, name), name))) return;
		killPoint("volumed.disk.bury");
		this.#trash.sweepLater();
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
			for await (const { name } of await opendir(path)) if (!isStage(name)) return false;
			return true;
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

	look(root: string, paths: readonly string[]): Promise<readonly Found[]> {
		return this.#images.look(root, paths);
	}

	likeImage(path: string, image: Image): Promise<void> {
		return this.#images.likeImage(path, image);
	}

	fill(path: string, image: Image, signal?: AbortSignal): Promise<void> {
		return this.#images.fill(path, image, signal);
	}

	sweep(): Promise<void> {
		return this.#trash.sweep();
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
			const putBack = exchanged(stage, data);
			killPoint("volumed.disk.exchange");
			try {
				await syncDirectory(join(this.#root, name));
			} catch (error) {
				// Not known to be durable: whoever gives up what is staged gives up the new one, and not the old.
				putBack();
				throw error;
			}
		});
		this.#log.change("volume.directory.replace", { path: data });
		// The new content is in place, durably: what is left of the old one cannot make this a failure. Reconcile finds it again.
		await this.discard(name, id).catch((error: unknown) => this.#log.warn("the old content stays", { err: error }));
	}

	async discard(name: string, id: string): Promise<void> {
		await this.#trash.put(this.#stagePath(name, id), `${name}-${id}`);
		killPoint("volumed.disk.discard");
		this.#trash.sweepLater();
	}

	async identity(name: string, id?: string): Promise<string | undefined> {
		const found = await directoryAt(id === undefined ? this.mountpoint(name) : this.#stagePath(name, id));
		return found && `${found.dev}:${found.ino}`;
	}

	#stagePath(name: string, id: string): string {
		return join(this.#root, name, `${STAGE}${id}`);
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

async function syncIfThere(path: string): Promise<void> {
	try {
		await syncDirectory(path);
	} catch (error) {
		if (!isErrno(error, "ENOENT")) throw error;
	}
}

/** What is staged is the data, and the other way if there was any. Gives what takes that back. */
function exchanged(stage: string, data: string): () => void {
	try {
		exchange(stage, data);
		return () => exchange(stage, data);
	} catch (error) {
		if (!isErrno(error, "ENOENT")) throw error;
		renameNew(stage, data);
		return () => renameNew(data, stage);
	}
}
