/**
 * Mounts at a place of this host, and in the mount namespace of a process that runs: never by a path that is resolved twice.
 *
 * A Worker does it (`into-thread.ts`), for a call may wait for a file system, and only a thread with an `fs` struct of its own can
 * enter another mount namespace. The source is copied and given its attributes where nobody sees it; the destination is resolved
 * once, inside the process's root, and what is missing of it made there by descriptors; the thread enters the namespace for the one
 * call that puts the copy onto that descriptor. Then mountinfo is read back. Measured: 0.7 ms.
 */
import { isErrno } from "../libc.ts";
import { AskedThread } from "./asked-thread.ts";
import { MountRefused, type RefusedPart } from "./mount-refused.ts";
import type { Origin, Sight } from "./origin.ts";
import type { MountMark } from "./mountinfo.ts";
import type { Place } from "./place.ts";

/** The sources and the bundle have it beside this file. */
const THREAD = new URL(import.meta.url.endsWith(".ts") ? "./into-thread.ts" : "./into-thread.js", import.meta.url);

const DEADLINE_MS = 5_000;

export type IntoQuestion =
	| {
			readonly act: "attach";
			readonly origin: Origin;
			readonly sight: Sight;
			readonly place: Place;
			readonly replaces: MountMark | undefined;
			/** Not 0: nobody waits for it any more. */
			readonly givenUp: Int32Array<SharedArrayBuffer>;
	  }
	| { readonly act: "look"; readonly origin: Origin; readonly sight: Sight; readonly place: Place }
	| {
			readonly act: "detach";
			readonly origin: Origin;
			readonly place: Place;
			readonly mark: MountMark | undefined;
	  }
	| { readonly act: "shared"; readonly path: string; readonly isSlaveEnough: boolean };

export interface Attached {
	/** The place, or a part of the way to it, was made: directories 0755, or an empty file for a file, root's. */
	readonly made: boolean;
	/** What is seen there now. */
	readonly mark: MountMark;
}

export type IntoAnswer =
	| { readonly value: Attached | MountMark | boolean | undefined }
	| { readonly part: RefusedPart; readonly problem: string }
	| { readonly bug: string };

/** One thing at a time. MountRefused of every call; then nothing of it is mounted, and nothing made is left. */
export class MountThread implements AsyncDisposable {
	readonly #thread: AskedThread<IntoQuestion, IntoAnswer>;

	/** A file system whose server is gone may keep a call for ever: after `deadlineMs` it is refused (`silent`), and does not mount any more. */
	constructor(deadlineMs = DEADLINE_MS) {
		this.#thread = new AskedThread(THREAD, "mounts", deadlineMs);
	}

	/**
	 * Shows the origin at the place, on top of what is there, unless it is what is seen there already. If that is `replaces` it goes, from
	 * Linux 6.5 on without a moment in which what is below is seen.
	 */
	async attach(origin: Origin, sight: Sight, place: Place, replaces?: MountMark): Promise<Attached> {
		const givenUp = new Int32Array(new SharedArrayBuffer(4));
		try {
			return await this.#ask<Attached>({ act: "attach", origin, sight, place, replaces, givenUp });
		} catch (error) {
			Atomics.store(givenUp, 0, 1);
			throw error;
		}
	}

	/** What is seen at the place, if it is the origin, just so. MountRefused when there is no origin. */
	findAttached(origin: Origin, sight: Sight, place: Place): Promise<MountMark | undefined> {
		return this.#ask<MountMark | undefined>({ act: "look", origin, sight, place });
	}

	/** Takes the uppermost mount at the place away, busy or not, if it is `mark`, or one of the origin, whichever part of it. False: it is not. */
	detach(origin: Origin, place: Place, mark?: MountMark): Promise<boolean> {
		return this.#ask<boolean>({ act: "detach", origin, place, mark });
	}

	/** The mount that the path is on, or would be, tells others of what is mounted below it; or, if that is enough, is told. */
	isShared(path: string, { isSlaveEnough }: { readonly isSlaveEnough: boolean }): Promise<boolean> {
		return this.#ask<boolean>({ act: "shared", path, isSlaveEnough });
	}

	async #ask<T extends Attached | MountMark | boolean | undefined>(question: IntoQuestion): Promise<T> {
		const answer = await this.#thread.ask(question).catch((error: unknown) => {
			if (!isErrno(error, "ETIMEDOUT")) throw error;
			throw new MountRefused("silent", "a file system that it is about does not answer", { cause: error });
		});
		if ("value" in answer) return answer.value as T; // what that act answers
		throw "part" in answer ? new MountRefused(answer.part, answer.problem) : new Error(answer.bug);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#thread[Symbol.asyncDispose]();
	}
}
