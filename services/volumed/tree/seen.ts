/** What a first pass over a tree has seen, so that a second one knows what has changed since: as long as the tree, in a file. */
import type { FileStatus } from "#lib/linux/files/status.ts";
import type { Spool } from "./spool.ts";

/** The kernel's clock for changes goes in steps: of what was changed just now a later change may have the same time. */
const STEP_MS = 50;
const END = 0;
const AT_ONCE_BYTES = 256 * 1024;

export interface SeenEntry {
	readonly path: string;
	/** Empty: it may have changed since, whatever the kernel says. */
	readonly stamp: string;
}

/** Equal for what has not been changed between two looks. */
export function stampOf(status: FileStatus): string {
	const { identity, ctimeSeconds, ctimeNanoseconds, size } = status;
	const isFresh = ctimeSeconds * 1000 + ctimeNanoseconds / 1e6 > Date.now() - STEP_MS;
	return isFresh ? "" : `${identity} ${ctimeSeconds}.${ctimeNanoseconds} ${size}`;
}

export class Seen {
	readonly #spool: Spool;
	#at = 0;
	#bytes = Buffer.alloc(0);

	constructor(spool: Spool) {
		this.#spool = spool;
	}

	/** In the order of the tree. */
	add(path: string, stamp: string): void {
		this.#spool.put(`${path}\0${stamp}\0`);
	}

	/** All that was added, in the same order. */
	*all(): Generator<SeenEntry> {
		this.#spool.flush();
		for (let path = this.#field(); path !== undefined; path = this.#field()) yield { path, stamp: this.#field() ?? "" };
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
