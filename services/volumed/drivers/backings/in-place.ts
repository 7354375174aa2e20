/** A directory that becomes the volume's content when it is whole: what is at `_data` is bounded from its first moment. */
import { lstat, mkdir, rename, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Place } from "./backing.ts";

/** Beside `_data`; no stage is called like this. */
const FRESH = ".data";

interface Making {
	/** Makes it, empty, at the path; nothing is there. */
	make(path: string): Promise<void>;
	/** Takes away what a crash or a failure left at the path; absent is success. */
	clear(path: string): Promise<void>;
}

/** False: `_data` was there already, and stays as it is. A failure leaves nothing. */
export async function makeInPlace({ folder, data }: Place, { make, clear }: Making): Promise<boolean> {
	await mkdir(folder, { recursive: true, mode: 0o701 });
	if (await isThere(data)) return false;
	const fresh = join(folder, FRESH);
	await clear(fresh);
	try {
		await make(fresh);
		await rename(fresh, data);
	} catch (error) {
		await clear(fresh).catch(() => undefined); // the next one tries it again; the error is what matters
		await removeEmpty(folder);
		throw error;
	}
	killPoint("volumed.local.place");
	return true;
}

/** What is not empty, or not there, stays as it is. */
export async function removeEmpty(path: string): Promise<void> {
	try {
		await rmdir(path);
	} catch (error) {
		if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EBUSY")) throw error;
	}
}

export async function isThere(path: string): Promise<boolean> {
	try {
		await lstat(path);
		return true;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
		throw error;
	}
}
