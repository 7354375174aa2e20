/** The thread of `aside.ts`: it makes one call at a time and says what came of it. */
import { parentPort } from "node:worker_threads";
import type { AsideReply } from "./aside.ts";
import {
	createSubvolume,
	destroySubvolume,
	enableQuota,
	holdsSubvolumes,
	isSubvolume,
	limitSubvolume,
	snapshotSubvolume,
} from "./btrfs.ts";
import { LinuxError } from "./libc.ts";
import { existsAt, allFoundInRoot, realPathOf } from "./looks.ts";
import { unmount } from "./mount/mount.ts";
import { mountByWords } from "./mount/mount-words.ts";

const OPERATIONS = {
	...{ mountByWords, unmount, createSubvolume, destroySubvolume, enableQuota, limitSubvolume },
	...{ isSubvolume, holdsSubvolumes, snapshotSubvolume },
	...{ existsAt, realPathOf, allFoundInRoot },
};

export type Operations = typeof OPERATIONS;

interface Question {
	readonly name: keyof Operations;
	readonly args: readonly unknown[];
}

function reply({ name, args }: Question): AsideReply {
	// Name and arguments are of one operation: `Aside.call` has the types.
	const operation = OPERATIONS[name] as (...args: readonly unknown[]) => unknown;
	try {
		return { value: operation(...args) };
	} catch (error) {
		if (error instanceof LinuxError) return { errno: error.errno, call: error.call };
		if (error instanceof Error && "code" in error) return { code: String(error.code), text: error.message };
		return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
	}
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.on("message", (question: Question) => parentPort?.postMessage(reply(question)));
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- as above; it says that everything is loaded
parentPort?.postMessage("ready");
