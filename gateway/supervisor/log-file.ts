/** The logs of services, one file each. */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";

/** A file that is larger when its service starts is put aside, in the place of the one before it. */
const MAX_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;
const LONGEST_WORDS = 300;
/** What Node prints last when an error ends it. */
const NODE_FAREWELL = /^Node\.js v\d/;

export function logPath(paths: Paths, service: string): string {
	return join(paths.logs, `${service}.log`);
}

/** A descriptor to append to; the caller closes it. */
export function openLog(paths: Paths, service: string): number {
	mkdirSync(paths.logs, { recursive: true, mode: 0o750 });
	const path = logPath(paths, service);
	if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`);
	return openSync(path, "a", 0o640);
}

/** What a service said last: of a line of ours the message and the error in it, of any other the line. */
export function lastWords(paths: Paths, service: string): string {
	const lines = tail(logPath(paths, service))
		.split("\n")
		.filter((line) => line.trim() !== "" && !NODE_FAREWELL.test(line));
	const entries = lines.map(entryOf);
	const worst = entries.findLast(({ level }) => level === "error") ?? entries.at(-1);
	return worst === undefined ? "it said nothing" : worst.words;
}

function entryOf(line: string): { level: string; words: string } {
	try {
		const {
			level = "",
			message = "",
			help = "",
			err,
		} = JSON.parse(line) as Record<string, string> & { err?: { message?: string } };
		const detail = err?.message === undefined ? "" : ` (${err.message})`;
		return { level, words: [`${message}${detail}`, help].filter((part) => part !== "").join(" ") };
	} catch {
		// Of a line of ours that was cut off, what can be made out; a whole trace is in the log for who wants it.
		const words = line.startsWith("{") ? (/"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line) : line;
		return { level: /\b(FTL|ERR)\b|Error\b/.test(line) ? "error" : "", words: shortened(words) };
	}
}

function shortened(words: string): string {
	return words.length <= LONGEST_WORDS ? words : `${words.slice(0, LONGEST_WORDS)}…`;
}

function tail(path: string): string {
	let fd: number;
	try {
		fd = openSync(path, "r");
	} catch {
		return "";
	}
	try {
		const { size } = fstatSync(fd);
		const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
		readSync(fd, buffer, 0, buffer.length, size - buffer.length);
		return buffer.toString("utf8");
	} finally {
		closeSync(fd);
	}
}
