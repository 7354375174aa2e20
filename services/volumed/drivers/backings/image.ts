/** A file with an ext4 of its own, mounted at `_data` while the volume is in use. The file is sparse: it takes what is in it, and gives back what is deleted. */
import { open, rename, rm } from "node:fs/promises";
import { statSync } from "node:fs";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { run } from "#lib/exec/run.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { Aside } from "#lib/linux/aside.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { syncDirectory } from "#lib/linux/mount/directory.ts";
import { attachLoop, isLoopOf } from "#lib/linux/mount/loop.ts";
import type { Mount } from "#lib/linux/mount/mountinfo.ts";
import { volumeFaults } from "../../faults.ts";
import type { Disk } from "../../kernel/disk.ts";
import { atSystem } from "../../kernel/system-fault.ts";
import { sizeOf } from "../local-options.ts";
import type { Backing, Mounting, Place } from "./backing.ts";
import { isThere, removeEmpty } from "./in-place.ts";

const MKFS_MS = 300_000;
/** Everything is written now and nothing by a thread of the kernel's later; all of it is the user's. */
const MKFS = ["-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"];

export class ImageBacking implements Backing, Mounting {
	readonly #disk: Disk;
	readonly #aside: Aside;
	readonly mounting: Mounting = this;

	constructor(disk: Disk, aside: Aside) {
		this.#disk = disk;
		this.#aside = aside;
	}

	async create(place: Place, signal: AbortSignal): Promise<void> {
		const image = imageOf(place);
		await this.#disk.ensure(place.name);
		await atSystem(`making ${image}`, image, async () => {
			if (await isThere(image)) return;
			try {
				await makeImage(image, sizeOf(place.options), signal);
			} catch (error) {
				for (const path of [place.data, place.folder]) await removeEmpty(path);
				throw error;
			}
			await syncDirectory(place.folder);
		});
	}

	async release(): Promise<void> {
		// The file is in the folder, and its device has ended with its last mount.
	}

	async enforcedBy(place: Place): Promise<string | undefined> {
		const image = imageOf(place);
		return (await isThere(image)) ? `a file system of its own in ${image}` : undefined;
	}

	async check(place: Place): Promise<void> {
		const image = imageOf(place);
		if (await isThere(image)) return;
		throw volumeFaults.MOUNT_FAILED({ volume: place.name, problem: `its file ${image} is gone` });
	}

	async mount(place: Place): Promise<void> {
		const image = imageOf(place);
		try {
			using device = attachLoop(image);
			killPoint("volumed.local.loop");
			// What is deleted inside is a hole in the file then.
			const how = { type: "ext4", device: device.path, target: place.data, words: ["discard"] };
			await this.#aside.call("mountByWords", how);
		} catch (error) {
			throw mountFault(place, image, error);
		}
	}

	isOurs(place: Place, { source }: Mount): boolean {
		const image = imageOf(place);
		// What is mounted of a file that is gone is all that is left of it.
		return statSync(image, { throwIfNoEntry: false }) === undefined || isLoopOf(source, image);
	}
}

function imageOf({ folder }: Place): string {
	return join(folder, "image");
}

/** It is there when it is whole; a failure leaves nothing. */
async function makeImage(image: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
	const fresh = `${image}.new`;
	await rm(fresh, { force: true });
	try {
		{
			await using file = await open(fresh, "wx", 0o600);
			await file.truncate(sizeBytes);
		}
		killPoint("volumed.local.image");
		await run("mkfs.ext4", [...MKFS, "--", fresh], { signal, timeoutMs: MKFS_MS });
		// A new volume has nothing in it; e2fsck makes the directory again if it ever needs it.
		await run("debugfs", ["-w", "-R", "rmdir lost+found", fresh], { signal, timeoutMs: MKFS_MS });
		killPoint("volumed.local.mkfs");
		await rename(fresh, image);
		killPoint("volumed.local.image.place");
	} catch (error) {
		await rm(fresh, { force: true });
		throw makingFault(image, error);
	}
}

/** mkfs has no other way than its words to say that there was no room; they are in English (LC_ALL=C). */
function makingFault(image: string, error: unknown): unknown {
	if (!(error instanceof Fault) || error.reason !== "PROGRAM_FAILED") return error;
	const problem = error.message;
	const full = /No space left on device|Disk quota exceeded/.test(error.metadata["stderr"] ?? "");
	if (full) return volumeFaults.DISK_FULL({ path: image, problem }, { cause: error });
	return volumeFaults.KERNEL_REFUSED({ what: `making a file system in ${image}`, problem }, { cause: error });
}

function mountFault({ name }: Place, image: string, error: unknown): unknown {
	if (error instanceof Fault || !(error instanceof Error)) return error;
	const problem = isErrno(error, "EINVAL", "EUCLEAN", "EFSCORRUPTED", "EBADMSG")
		? `there is no file system in ${image} that can be read`
		: `${image}: ${error.message}`;
	return volumeFaults.MOUNT_FAILED({ volume: name, problem }, { cause: error });
}
