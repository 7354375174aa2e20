/**
 * The driver `local`: volumes on this host's disk, and what this host can mount, as Docker's driver of that name.
 *
 * A `size` is enforced or refused; with what depends on the disk and is decided once. The kernel is asked what is mounted, never remembered.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { Aside } from "#lib/linux/aside.ts";
import { isBtrfs } from "#lib/linux/btrfs.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { enforcesProjects } from "#lib/linux/project-quota.ts";
import type { Log } from "#lib/log/log.ts";
import { volumeFaults } from "../faults.ts";
import type { Disk } from "../kernel/disk.ts";
import { atSystem } from "../kernel/system-fault.ts";
import type { Backing, Mounting, Place } from "./backings/backing.ts";
import { DirectoryBacking } from "./backings/directory.ts";
import { ElsewhereBacking } from "./backings/elsewhere.ts";
import { ImageBacking } from "./backings/image.ts";
import { ProjectBacking } from "./backings/project.ts";
import { SubvolumeBacking } from "./backings/subvolume.ts";
import type { Driver, DriverVolume, Home } from "./driver.ts";
import { IN_MEMORY, parseLocalOptions } from "./local-options.ts";
import { isAlive, mountAt, unmountAll } from "./mountpoint.ts";

const MIB = 1024 * 1024;
/** A file system has to fit in. */
const LEAST_IMAGE_BYTES = 16 * MIB;
const LEAST_QUOTA_BYTES = MIB;

const MOUNT_BOUND_MS = 30_000;

type BackingName = "directory" | "subvolume" | "project" | "image" | "mount";

export class LocalDriver implements Driver, AsyncDisposable {
	readonly name = "local";
	readonly canRename = true;
	readonly #root: string;
	readonly #disk: Disk;
	readonly #log: Log;
	readonly #aside: Aside;
	readonly #backings: Readonly<Record<BackingName, Backing>>;

	/** `root` is where volumes are. A mount that is not there within `mountBoundMs` is given up. */
	constructor(root: string, disk: Disk, log: Log, { mountBoundMs = MOUNT_BOUND_MS } = {}) {
		this.#root = root;
		this.#disk = disk;
		this.#log = log;
		this.#aside = new Aside(mountBoundMs);
		this.#backings = {
			directory: new DirectoryBacking(disk),
			subvolume: new SubvolumeBacking(this.#aside),
			project: new ProjectBacking(),
			image: new ImageBacking(disk, this.#aside),
			mount: new ElsewhereBacking(disk, this.#aside, mountBoundMs),
		};
	}

	async plan(options: ReadonlyMap<string, string>): Promise<string> {
		const parsed = parseLocalOptions(options);
		if (parsed.kind !== "sized") return named(parsed.kind === "plain" ? "directory" : "mount");
		const backing = await atSystem(`looking at ${this.#root}`, this.#root, async () => this.#enforcing());
		const [leastBytes, least] = backing === "image" ? [LEAST_IMAGE_BYTES, "16m"] : [LEAST_QUOTA_BYTES, "1m"];
		if (parsed.sizeBytes >= leastBytes) return named(backing);
		throw volumeFaults.INVALID_OPTION({ option: "size", value: parsed.text, allowed: `${least} or more` });
	}

	#enforcing(): BackingName {
		if (isBtrfs(this.#root)) return "subvolume";
		return enforcesProjects(this.#root) ? "project" : "image";
	}

	needsMount(volume: DriverVolume): boolean {
		return this.#backing(volume).mounting !== undefined;
	}

	home({ backing, options }: DriverVolume): Home {
		if (backing !== named("mount")) return "volume";
		const parsed = parseLocalOptions(options);
		return parsed.kind === "mount" && IN_MEMORY.has(parsed.type) && !parsed.isBind ? "memory" : "options";
	}

	async create(volume: DriverVolume, signal: AbortSignal): Promise<void> {
		const place = this.#place(volume);
		await this.#backing(volume).create(place, signal);
		// Others are but their directory, of which the disk has told.
		if (place.options.kind === "sized")
			this.#log.change("volume.local.make", { volume: volume.name, backing: volume.backing });
	}

	async remove(volume: DriverVolume): Promise<void> {
		const place = this.#place(volume);
		// What is still mounted, after a crash, is not the disk's to remove: it may be a directory of somebody else. In a plain one nothing of
		// ours is mounted, and what is anybody's leaves it before it is swept: a list of all mounts costs more with each container.
		if (volume.backing !== named("directory")) await unmountAll(place.folder, this.#aside);
		await this.#backing(volume).release(place);
		killPoint("volumed.local.release");
		await this.#disk.remove(volume.name);
	}

	async mount(volume: DriverVolume, signal: AbortSignal): Promise<string> {
		const { mounting } = this.#backing(volume);
		const place = this.#place(volume);
		if (mounting === undefined || (await this.#isMounted(place, mounting))) return place.data;
		await mounting.check(place);
		await unmountAll(place.data, this.#aside);
		signal.throwIfAborted();
		await atSystem(`making ${place.data}`, place.folder, () => ensureDirectory(place.data));
		try {
			await mounting.mount(place, signal);
			killPoint("volumed.local.mounted");
			signal.throwIfAborted();
			if (!(await this.#isMounted(place, mounting)))
				throw volumeFaults.MOUNT_FAILED({ volume: volume.name, problem: `nothing is mounted at ${place.data}` });
		} catch (error) {
			await this.#undo(place);
			throw error;
		}
		this.#log.change("volume.local.mount", { volume: volume.name, path: place.data });
		return place.data;
	}

	async #undo({ data }: Place): Promise<void> {
		try {
			await unmountAll(data, this.#aside);
		} catch (error) {
			this.#log.warn("what was mounted stays", { path: data, err: error });
		}
	}

	async unmount(volume: DriverVolume): Promise<void> {
		if (!this.needsMount(volume)) return;
		const { data } = this.#place(volume);
		await unmountAll(data, this.#aside);
		this.#log.change("volume.local.unmount", { volume: volume.name, path: data });
	}

	mountpoint(volume: DriverVolume): string {
		return this.#disk.mountpoint(volume.name);
	}

	/** Of a volume that needs no mount: its content is there. */
	async isMounted(volume: DriverVolume): Promise<boolean> {
		const { mounting } = this.#backing(volume);
		return mounting === undefined ? this.#disk.hasData(volume.name) : this.#isMounted(this.#place(volume), mounting);
	}

	async #isMounted(place: Place, mounting: Mounting): Promise<boolean> {
		const seen = await mountAt(place.data);
		return seen !== undefined && mounting.isOurs(place, seen) && (await isAlive(seen));
	}

	async status(volume: DriverVolume): Promise<ReadonlyMap<string, string>> {
		const status = new Map<string, string>();
		const backing = this.#backing(volume);
		const place = this.#place(volume);
		if (place.options.kind === "sized") {
			status.set("size", place.options.text);
			status.set("enforced_by", (await backing.enforcedBy(place)) ?? "nothing");
		}
		if (backing.mounting !== undefined) status.set("mounted", (await this.isMounted(volume)) ? "yes" : "no");
		return status;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#aside[Symbol.asyncDispose]();
	}

	#backing({ name, backing }: DriverVolume): Backing {
		const found = Object.hasOwn(this.#backings, backing) ? this.#backings[backing as BackingName] : undefined;
		if (found === undefined) throw new Error(`the volume ${name} lies on ${backing}, which is nothing of the driver's`);
		return found;
	}

	#place({ name, options }: DriverVolume): Place {
		const data = this.#disk.mountpoint(name);
		return { name, options: parseLocalOptions(options), folder: dirname(data), data };
	}
}

function named(backing: BackingName): string {
	return backing;
}

/** Without a look at what is there: a dead mount would keep whoever looks. */
async function ensureDirectory(path: string): Promise<void> {
	try {
		await mkdir(path, { mode: 0o755 });
	} catch (error) {
		if (!isErrno(error, "EEXIST")) throw error;
	}
}
