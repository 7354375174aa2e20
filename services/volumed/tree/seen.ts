/** What a first pass over a tree has seen, so that a second one knows what has changed since: as long as the tree, in a file. */
import { type FileStatus, S_IFDIR, S_IFSOCK } from "#lib/linux/files/status.ts";
import type { Spool } from "./spool.ts";

/** The kernel's clock for changes goes in steps: of what was changed just now a later change may have the same time. */
const STEP_MS = 50;
/** Some file systems keep whole seconds: ext4 with small inodes, ext3, many of those that a server has. */
const SECONDS_STEP_MS = 2_000;
const END = 0;
const AT_ONCE_BYTES = 256 * 1024;

/** What is looked at of a `FileStatus`. */
export type SeenStatus = Pick<FileStatus, "identity" | "ctimeSeconds" | "ctimeNanoseconds" | "size" | "links" | "type">;

export interface SeenEntry {
	readonly path: string;
	/** Empty: it may have changed since, whatever the kernel says. */
	readonly stamp: string;
	/** Empty, but for one of a file's names (`sharedFileOf`). */
	readonly file: string;
}

/** Equal for what has not been changed between two looks. */
export function stampOf(status: SeenStatus): string {
	const { identity, ctimeSeconds, ctimeNanoseconds, size } = status;
	const step = ctimeNanoseconds === 0 ? SECONDS_STEP_MS : STEP_MS;
	const isFresh = ctimeSeconds * 1000 + ctimeNanoseconds / 1e6 > Date.now() - step;
	return isFresh ? "" : `${identity} ${ctimeSeconds}.${ctimeNanoseconds} ${size}`;
}

/** What several names may be names of, equal for all of them. Empty: it has one alone, or each of them is archived by itself. */
export function sharedFileOf({ links, type, identity }: SeenStatus): string {
	return links > 1 && type !== S_IFDIR && type !== S_IFSOCK ? identity : "";
}

export class Seen {
	readonly #spool: Spool;
	#at = 0;
	#bytes = Buffer.alloc(0);

	constructor(spool: Spool) {
		this.#spool = spool;
	}

	/** In the order of the tree. */
	add(path: string, status: SeenStatus): void {
		this.#spool.put(`${path}\0${stampOf(status)}\0${sharedFileOf(status)}\0`);
	}

	/** All that was added, in the same order. */
	*all(): Generator<SeenEntry> {
		this.#spool.flush();
		for (let path = this.#field(); path !== undefined; path = this.#field())
			yield { path, stamp: this.#field() ?? "", file: this.#field() ?? "" };
	}

	#field(): string | undefined {
		for (;;) {
			const end = this.#bytes.indexOf(END);
			if (end >= 0) {
				const field = this.#bytes.toString("latin1", 0, end);
				this.#bytes = this.#bytes.subarray(end + 1);
				return field;
			}
			const more = this.#spool.read(this.#at, AT_ONCE_BYTES);
			if (more.length === 0) return undefined;
			this.#at += more.length;
			this.#bytes = Buffer.concat([this.#bytes, more]);
		}
	}
}

/** Orders paths as a tree is gone through: what is in a directory comes right behind it. */
export function isBefore(a: string, b: string): boolean {
	return a.replaceAll("/", "\0") < b.replaceAll("/", "\0");
}
