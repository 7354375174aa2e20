/** Paths of this host as sources of binds. */
import { posix } from "node:path";
import { invalidMount } from "./refusals.ts";

const LONGEST_PATH = 4095;

/** It begins as a path does, and no volume's name begins so. */
export function looksLikePath(source: string): boolean {
	return /^[/.~]/.test(source);
}

/** Absolute and in its shortest form; `text` is what the user wrote, for the sentence. Fault: INVALID_MOUNT. */
export function parseHostPath(text: string, source: string, workingDirectory: string | undefined): string {
	if (source.startsWith("~")) {
		throw invalidMount(text, "`~` is replaced by shells only, at the beginning of a word: write the directory out");
	}
	if (!/^[/.]/.test(source)) {
		throw invalidMount(text, "the source of a bind is an absolute path, or a relative one that begins with `.`");
	}
	if (source.startsWith(".") && workingDirectory === undefined) {
		throw invalidMount(text, "its source is relative, and there is no working directory: give an absolute path");
	}
	const path = posix.resolve(workingDirectory ?? "/", source);
	if (Buffer.byteLength(path) > LONGEST_PATH) throw invalidMount(text, "its source is too long");
	return path;
}
