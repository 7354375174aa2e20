/**
 * A stage within a volume's content: what is in its `new` becomes the content by renames. On a thread of its own.
 *
 * What it has: `new`, what was written; `plan`; `room`, bytes that nobody needs before the first rename does; of a replacement `old`, into
 * which the content goes, and which is called `gone` once all of it is there. So what is on the disk says how far it is.
 */
import { closeSync } from "node:fs";
import { killPoint } from "#lib/config/kill-point.ts";
import { makeDirectory, makeFile, moveName, permitName, removeName, dateOf, writeAt } from "#lib/linux/files/make.ts";
import { nameOf, namesIn } from "#lib/linux/files/names.ts";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFDIR } from "#lib/linux/files/status.ts";
import { must } from "#lib/linux/libc.ts";
import type { Entering } from "../kernel/inner-stages.ts";
import { stageName } from "../stage-name.ts";
import { openRoot } from "./destination.ts";
import { JoinedDirectories, type Pair } from "./joined-directories.ts";
import { copyStatus } from "./likeness.ts";
import { makeStageFolder, openStageFolder, removeStageFolder } from "./stage-folder.ts";
import { type Joined, readPlan, type StagePlan, writePlan } from "./stage-plan.ts";
import { stillThere } from "./still-there.ts";

const ENOENT = 2;
/** What directories grow by when names are moved into them, and file systems need for it. */
const ROOM_BYTES = 64 * 1024;
const ROOM_BYTES_A_NAME = 128;
const AT_ONCE_BYTES = 64 * 1024;

export class Stage implements Disposable {
	/** Once it is prepared: what its plan is known by. */
	seal = "";
	readonly #content: number;
	readonly #folder: number;
	readonly #name: string;
	readonly #path: string;
	readonly #directories: JoinedDirectories;
	readonly #status = new FileStatus();
	readonly #opened: DisposableStack;

	/** Makes it. Faults: STAGE_CHANGED. Throws a LinuxError, as everything here. */
	static make(content: string, id: string): void {
		makeStageFolder(content, id, (folder) => {
			must(makeDirectory(folder, "new"), "mkdir");
			must(permitName(folder, "new", 0o755), "chmod");
		});
		killPoint("volumed.stage.begun");
	}

	/** With nothing in it. */
	static remove(content: string, id: string): void {
		removeStageFolder(content, id);
		killPoint("volumed.stage.removed");
	}

	/** Of a stage that is there. Fault: STAGE_CHANGED. */
	constructor(content: string, id: string) {
		this.#name = stageName(id);
		this.#path = content;
		using opened = new DisposableStack();
		this.#content = opened.adopt(openRoot(content), closeSync);
		this.#folder = opened.adopt(openStageFolder(this.#content, content, id), closeFile);
		const staged = opened.adopt(stillThere(openDirectory(this.#folder, "new"), content, "what was staged"), closeFile);
		this.#directories = new JoinedDirectories(this.#content, staged, content);
		this.#opened = opened.move();
	}

	/** Before the first move. Faults: DIRECTORY_IN_THE_WAY, STAGE_CHANGED. */
	*prepare(entering: Entering, implied: readonly string[]): Generator<void> {
		const joined = yield* this.#directories.planned(entering, new Set(implied));
		if (entering === "replace") must(makeDirectory(this.#folder, "old"), "mkdir");
		this.seal = writePlan(this.#folder, { entering, joined });
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

	/** Idempotent, from wherever it was cut off. Fault: STAGE_CHANGED. */
	*enter(seal: string): Generator<void> {
		const plan = readPlan(this.#folder, seal, this.#path);
		const room = removeName(this.#folder, "room");
		if (room !== -ENOENT) must(room, "unlink room");
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
