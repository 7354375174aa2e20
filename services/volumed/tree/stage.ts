/**
 * A stage within a volume's content: what is in its `new` becomes the content by renames. On a thread of its own.
 *
 * What it has: `new`, what was written; `plan`; `room`, bytes that nobody needs before the first rename does; of a replacement `old`, into
 * which the content goes, and which is called `gone` once all of it is there. So what is on the disk says how far it is.
 */
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { makeDirectory, makeFile, moveName, permitName, removeName, dateOf, writeAt } from "#lib/linux/files/make.ts";
import { nameOf, namesIn } from "#lib/linux/files/names.ts";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFDIR } from "#lib/linux/files/status.ts";
import { must } from "#lib/linux/libc.ts";
import type { Entering } from "../kernel/inner-stages.ts";
import { stageName } from "../stage-name.ts";
import { JoinedDirectories, type Pair } from "./joined-directories.ts";
import { copyStatus } from "./likeness.ts";
import { type Joined, readPlan, type StagePlan, writePlan } from "./stage-plan.ts";

const ENOENT = 2;
/** What directories grow by when names are moved into them, and file systems need for it. */
const ROOM_BYTES = 64 * 1024;
const ROOM_BYTES_A_NAME = 128;
const AT_ONCE_BYTES = 64 * 1024;

export class Stage implements Disposable {
	readonly #content: number;
	readonly #folder: number;
	readonly #name: string;
	readonly #path: string;
	readonly #directories: JoinedDirectories;
	readonly #status = new FileStatus();
	readonly #opened: DisposableStack;

	/** Makes it, and leaves the content's time as it was. Throws a LinuxError, as everything here. */
	static make(content: string, id: string): void {
		keepingTime(content, (root) => {
			must(makeDirectory(root, stageName(id)), "mkdir");
			const folder = must(openDirectory(root, stageName(id)), "open");
			try {
				must(makeDirectory(folder, "new"), "mkdir");
				must(permitName(folder, "new", 0o755), "chmod");
			} finally {
				closeFile(folder);
			}
		});
		killPoint("volumed.stage.begun");
	}

	/** With nothing in it. */
	static remove(content: string, id: string): void {
		keepingTime(content, (root) => {
			const removed = removeName(root, stageName(id), true);
			if (removed !== -ENOENT) must(removed, "rmdir");
		});
		killPoint("volumed.stage.removed");
	}

	/** Of a stage that is there. */
	constructor(content: string, id: string) {
		this.#name = stageName(id);
		this.#path = join(content, this.#name);
		using opened = new DisposableStack();
		this.#content = opened.adopt(openRoot(content), closeSync);
		this.#folder = opened.adopt(must(openDirectory(this.#content, this.#name), `open ${this.#path}`), closeFile);
		const staged = opened.adopt(must(openDirectory(this.#folder, "new"), "open new"), closeFile);
		this.#directories = new JoinedDirectories(this.#content, staged);
		this.#opened = opened.move();
	}

	/** Before the first move. Faults: DIRECTORY_IN_THE_WAY. */
	*prepare(entering: Entering, implied: readonly string[]): Generator<void> {
		const joined = yield* this.#directories.planned(entering, new Set(implied));
		if (entering === "replace") must(makeDirectory(this.#folder, "old"), "mkdir");
		writePlan(join(this.#path, "plan"), { entering, joined });
		const names = this.#directories.looked + (entering === "replace" ? namesIn(this.#reopened()).length : 0);
		this.#keepRoom(ROOM_BYTES + names * ROOM_BYTES_A_NAME);
		killPoint("volumed.stage.prepared");
	}

	#keepRoom(bytes: number): void {
		const fd = must(makeFile(this.#folder, "room"), "open room");
		try {
			const some = Buffer.alloc(AT_ONCE_BYTES, "room");
			for (let at = 0; at < bytes; at += some.length) must(writeAt(fd, some, at), "write");
		} finally {
			closeFile(fd);
		}
	}

	/** Idempotent, from wherever it was cut off. */
	*enter(): Generator<void> {
		rmSync(join(this.#path, "room"), { force: true });
		const plan = readPlan(join(this.#path, "plan"));
		if (plan.entering === "replace") yield* this.#leave();
		yield* this.#join(plan);
	}

	/** What is there goes out of the way. */
	*#leave(): Generator<void> {
		const old = openDirectory(this.#folder, "old");
		if (old === -ENOENT) return;
		must(old, "open old");
		try {
			for (const name of namesIn(this.#reopened()).map(nameOf)) {
				if (name === this.#name) continue;
				must(moveName(this.#content, name, old, name), "rename");
				killPoint("volumed.stage.left");
				yield;
			}
		} finally {
			closeFile(old);
		}
		must(moveName(this.#folder, "old", this.#folder, "gone"), "rename old");
		killPoint("volumed.stage.gone");
	}

	*#join({ joined }: StagePlan): Generator<void> {
		const places = new Set(joined.map(({ place }) => place));
		for (const { place } of joined) {
			using pair = this.#directories.open(place);
			if (pair !== undefined) yield* this.#moveAll(pair, place, places);
		}
		// What is in a directory comes before it: its time is its own.
		for (const { place, time } of joined.toReversed()) {
			this.#dress(place, time);
			this.#directories.remove(place);
			killPoint("volumed.stage.dressed");
			yield;
		}
	}

	*#moveAll({ staged, there }: Pair, place: string, joined: ReadonlySet<string>): Generator<void> {
		for (const name of namesIn(staged).map(nameOf)) {
			if (joined.has(place === "" ? name : `${place}/${name}`)) continue;
			const isDirectory = this.#isDirectory(staged, name);
			if (this.#status.ofName(there, name) === 0) {
				const wasDirectory = this.#status.type === S_IFDIR;
				if (isDirectory || wasDirectory) must(removeName(there, name, wasDirectory), "unlink");
			}
			must(moveName(staged, name, there, name), "rename");
			killPoint("volumed.stage.entered");
			yield;
		}
	}

	#dress(place: string, time: Joined["time"]): void {
		using pair = this.#directories.open(place);
		if (pair === undefined || time === undefined) return;
		copyStatus(pair.staged, pair.there);
		must(dateOf(pair.there, null, ...time), "utimensat");
	}

	#isDirectory(directory: number, name: string): boolean {
		return this.#status.ofName(directory, name) === 0 && this.#status.type === S_IFDIR;
	}

	/** A descriptor knows how far a directory was read. */
	#reopened(): number {
		return this.#opened.adopt(must(openDirectory(this.#content, "."), "open"), closeFile);
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}

function openRoot(path: string): number {
	return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/** When the stage comes and goes, the content was not changed. */
function keepingTime(content: string, body: (root: number) => void): void {
	const root = openRoot(content);
	try {
		const status = new FileStatus();
		must(status.ofDescriptor(root), "statx");
		const { mtimeSeconds, mtimeNanoseconds } = status;
		body(root);
		must(dateOf(root, null, mtimeSeconds, mtimeNanoseconds), "utimensat");
	} finally {
		closeSync(root);
	}
}
