/** What a walk is at, as an entry of an archive. Of what has several names the first one is the thing itself, and the others are links to it. */
import { type Attributes, attributesAt, attributesOf } from "#lib/linux/files/attributes.ts";
import { linkTarget } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from "#lib/linux/files/status.ts";
import { LinuxError } from "#lib/linux/libc.ts";
import { type Entry, type EntryType, shown } from "../archive/entry.ts";
import { recordsOf } from "../archive/attribute-records.ts";
import { unfitName } from "../archive/policy.ts";
import type { TreeCursor } from "./cursor.ts";
import type { Warn } from "./dresser.ts";
import { timeText } from "./entry-time.ts";

const TYPES: Readonly<Record<number, EntryType>> = {
	[S_IFREG]: "file",
	[S_IFDIR]: "directory",
	[S_IFLNK]: "symlink",
	[S_IFCHR]: "char",
	[S_IFBLK]: "block",
	[S_IFIFO]: "fifo",
	[S_IFSOCK]: "socket",
};
const NO_ATTRIBUTES: Entry["attributes"] = new Map();

/** Of an entry, what its status does not say. */
type More = Partial<Pick<Entry, "attributes" | "link" | "device">>;

export class TreeEntries {
	readonly #warn: Warn;
	/** The first name of what has several, and how many others are still to come. */
	readonly #linked = new Map<string, { readonly path: string; left: number }>();
	readonly #after = new FileStatus();

	/** `warn` is told what cannot be read, and what changed while it was. */
	constructor(warn: Warn) {
		this.#warn = warn;
	}

	/** Another pass begins: of a file that has changed all names come again, and their first one is the file again. */
	forgetLinks(): void {
		this.#linked.clear();
	}

	/** Undefined: it has gone, or no restore takes its name, which is told. */
	at(cursor: TreeCursor): Entry | undefined {
		const { status, path, directory, name, fd } = cursor;
		const { type } = status;
		const archived = type === S_IFDIR && path !== "" ? `./${path}/` : `./${path}`;
		const unfit = unfitName(archived);
		if (unfit !== undefined) {
			this.#warn(path, `${shown(archived)} was left out: ${unfit}`);
			return undefined;
		}
		const link = type === S_IFLNK ? linkTarget(directory, name) : undefined;
		if (type === S_IFLNK && link === undefined) return undefined;
		// Of a socket with several names each is one: the archive has nothing that they could be names of.
		if (status.links > 1 && type !== S_IFDIR && type !== S_IFSOCK) {
			const first = this.#firstName(status, archived);
			if (first !== undefined)
				return { ...entryOf(status, archived, { link: first }), type: "hardlink", size: 0, storedSize: 0 };
		}
		const attributes = this.#attributes(path, () =>
			fd === undefined ? attributesAt(directory, name) : attributesOf(fd),
		);
		const device = type === S_IFCHR || type === S_IFBLK ? ([status.major, status.minor] as const) : undefined;
		return entryOf(status, archived, { link, attributes, device });
	}

	/** After the content of a file, which is still open, was read: what has changed since the walk came to it is told. */
	tellChange({ status, path }: TreeCursor, fd: number, entry: Entry, isShort: boolean): void {
		const now = this.#after;
		const isSame =
			now.ofDescriptor(fd) === 0 &&
			!isShort &&
			now.size === entry.size &&
			now.ctimeNanoseconds === status.ctimeNanoseconds &&
			now.ctimeSeconds === status.ctimeSeconds &&
			timeText([now.mtimeSeconds, now.mtimeNanoseconds]) === entry.mtime;
		if (!isSame) this.#warn(path, `${shown(entry.path)}: it changed while it was read`);
	}

	/** None, and that is told, when they cannot be read. */
	#attributes(path: string, read: () => Attributes): Entry["attributes"] {
		try {
			const attributes = read();
			return attributes.size === 0 ? NO_ATTRIBUTES : recordsOf(attributes);
		} catch (error) {
			if (!(error instanceof LinuxError)) throw error;
			this.#warn(path, `./${shown(path)}: its attributes cannot be read: ${error.message}`);
			return NO_ATTRIBUTES;
		}
	}

	/** Undefined: this is the first one. */
	#firstName({ identity, links }: FileStatus, path: string): string | undefined {
		const first = this.#linked.get(identity);
		if (first === undefined) this.#linked.set(identity, { path, left: links - 1 });
		else if (--first.left === 0) this.#linked.delete(identity);
		return first?.path;
	}
}

function entryOf(status: FileStatus, path: string, { attributes = NO_ATTRIBUTES, link, device }: More): Entry {
	const size = status.type === S_IFREG ? status.size : 0;
	return {
		path,
		type: TYPES[status.type] ?? "file",
		mode: status.mode & 0o7777,
		uid: status.uid,
		gid: status.gid,
		mtime: timeText([status.mtimeSeconds, status.mtimeNanoseconds]),
		storedSize: size,
		size,
		sparse: false,
		map: undefined,
		link,
		device,
		attributes,
		uname: "",
	};
}

/** What the kernel refuses is told of the path. */
export function aboutReading(path: string, error: unknown): unknown {
	return error instanceof LinuxError ? new LinuxError(error.errno, `${error.call} ./${shown(path)}`) : error;
}
