/** The places of prepared views: `<folder>/<attachment>/<number>`, a directory or an empty file each, with a mount on it. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";

/** What is no path that leads elsewhere. */
const ATTACHMENT = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]*\/[0-9]+$/;

export class PreparedPlaces {
	readonly folder: string;

	/** A directory without links on its way. */
	constructor(folder: string) {
		this.folder = folder;
	}

	pathOf(id: string): string {
		if (!ID.test(id)) throw new Error(`${id} is no id of a view`);
		return join(this.folder, id);
	}

	/** Those that have a place, a mount, or both. */
	ids(): string[] {
		const onDisk = namesIn(this.folder).flatMap((attachment) => this.#idsOf(attachment));
		const mounted = mountinfo()
			.filter(({ target }) => target.startsWith(`${this.folder}/`))
			.map(({ target }) => target.slice(this.folder.length + 1));
		return [...new Set([...onDisk, ...mounted])].filter((id) => ID.test(id)).sort();
	}

	#idsOf(attachment: string): string[] {
		const ids = namesIn(join(this.folder, attachment)).map((name) => `${attachment}/${name}`);
		return ids.filter((id) => ID.test(id));
	}

	/** Unmounts and removes one, or all of an attachment; never what has content of its own. */
	remove(idOrAttachment: string): void {
		const isOne = idOrAttachment.includes("/");
		if (!(isOne ? ID : ATTACHMENT).test(idOrAttachment)) throw new Error(`${idOrAttachment} is no id of a view`);
		const [attachment = ""] = idOrAttachment.split("/");
		// A mount has its place: the kernel takes the one off with the other.
		const ids = isOne ? [idOrAttachment] : this.#idsOf(attachment);
		for (const id of ids) {
			const path = join(this.folder, id);
			while (unmount(path, { detach: true })) killPoint("volumed.views.unmounted");
			removeEmpty(path);
			killPoint("volumed.views.removed");
		}
		removeEmpty(join(this.folder, attachment));
	}
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
		throw error;
	}
}

/** An empty directory or an empty file; anything else stays, and so does what something is mounted on. */
export function removeEmpty(path: string): void {
	try {
		const found = lstatSync(path, { throwIfNoEntry: false });
		if (found?.isDirectory() === true) rmdirSync(path);
		else if (found?.isFile() === true && found.size === 0) unlinkSync(path);
	} catch (error) {
		if (!isErrno(error, "ENOENT", "ENOTDIR", "ENOTEMPTY", "EBUSY")) throw error;
	}
}
