/** `--tmpfs`: `DESTINATION[:OPTIONS]`, with the words of tmpfs(5) and mount(8). Of words that exclude each other the last one counts, as for the kernel. */
import { type MountSpec, parseDestination, PROPAGATIONS } from "../attachment.ts";
import { invalidMount, invalidOption, unknownOption } from "./refusals.ts";
import { parseKernelSize } from "./size.ts";
import { DEFAULT_TMPFS_MODE, parseTmpfsMode, TMPFS_MODES } from "./tmpfs-mode.ts";

/** Words that exclude each other stand in one row. */
const FLAGS: readonly (readonly string[])[] = [
	["defaults"],
	["ro", "rw"],
	["exec", "noexec"],
	["suid", "nosuid"],
	["dev", "nodev"],
	["sync", "async"],
	["dirsync"],
	["atime", "noatime"],
	["diratime", "nodiratime"],
	["relatime", "norelatime"],
	["strictatime", "nostrictatime"],
	["lazytime", "nolazytime"],
	["symfollow", "nosymfollow"],
	["mand", "nomand"],
	["iversion", "noiversion"],
	["silent", "loud"],
	["inode32", "inode64"],
	["noswap"],
	["quota"],
	["usrquota"],
	["grpquota"],
];
const ROW_OF: ReadonlyMap<string, string> = new Map(FLAGS.flatMap((row) => row.map((word) => [word, row.join("/")])));

interface Value {
	readonly allowed: string;
	readonly isValid: (text: string) => boolean;
}

const SIZE: Value = {
	allowed: "a number of bytes as 65536, 64m or 1g, or of the memory as 50%",
	isValid: (text) => parseKernelSize(text) !== undefined || /^[1-9]\d{0,3}%$/.test(text),
};
const NUMBER: Value = {
	allowed: "a number as 4096, 10k or 1m",
	isValid: (text) => parseKernelSize(text) !== undefined,
};
const ID: Value = {
	allowed: "a number from 0 to 4294967294",
	isValid: (text) => /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1,
};
const VALUES: Readonly<Record<string, Value>> = {
	size: SIZE,
	mode: { allowed: TMPFS_MODES, isValid: (text) => parseTmpfsMode(text) !== undefined },
	uid: ID,
	gid: ID,
	nr_inodes: NUMBER,
	nr_blocks: NUMBER,
	huge: {
		allowed: "never, always, within_size or advise",
		isValid: (text) => /^(never|always|within_size|advise)$/.test(text),
	},
	mpol: {
		allowed: "a memory policy of tmpfs(5), as prefer:0 or interleave:0-3",
		isValid: (text) => /^(default|local|(prefer|bind|interleave)(=(static|relative))?(:\d+(-\d+)?)?)$/.test(text),
	},
	usrquota_block_hardlimit: NUMBER,
	usrquota_inode_hardlimit: NUMBER,
	grpquota_block_hardlimit: NUMBER,
	grpquota_inode_hardlimit: NUMBER,
};
/** mount(8)'s, for mounts of other kinds. */
const FOREIGN: ReadonlySet<string> = new Set([
	...PROPAGATIONS,
	"unbindable",
	"runbindable",
	"bind",
	"rbind",
	"move",
	"remount",
]);
const KNOWN = [...ROW_OF.keys(), ...Object.keys(VALUES)];

/** Faults: INVALID_MOUNT, UNKNOWN_MOUNT_OPTION, INVALID_OPTION, INVALID_DESTINATION. */
export function parseTmpfsText(text: string): MountSpec {
	const at = text.indexOf(":");
	const [destination, mode] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
	const words = parseWords(text, mode === "" ? [] : mode.split(","));
	const size = parseKernelSize(words.get("size")?.slice("size=".length) ?? "") ?? 0n;
	const rootMode = words.get("mode")?.slice("mode=".length);
	const isSaid = (key: string): boolean =>
		key === "mode" || key === "ro/rw" || key === "defaults" || (key === "size" && size !== 0n);
	return {
		destination: parseDestination(destination),
		readOnly: words.get("ro/rw") === "ro",
		source: {
			kind: "tmpfs",
			sizeBytes: size,
			mode: (rootMode === undefined ? undefined : parseTmpfsMode(rootMode)) ?? DEFAULT_TMPFS_MODE,
			options: [...words].flatMap(([key, word]) => (isSaid(key) ? [] : [word])),
		},
		relabel: undefined,
		owners: undefined,
		mode,
	};
}

/** The last word of each row, by the row; those with a value by their key. */
function parseWords(text: string, words: readonly string[]): ReadonlyMap<string, string> {
	const given = new Map<string, string>();
	for (const word of words) {
		const key = parseWord(text, word);
		given.delete(key);
		given.set(key, word);
	}
	return given;
}

function parseWord(text: string, word: string): string {
	if (word === "") throw invalidMount(text, "one of its options is empty");
	if (FOREIGN.has(word)) throw invalidMount(text, `${word} is not for a tmpfs`);
	const row = ROW_OF.get(word);
	if (row !== undefined) return row;
	const [, key = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
	const known = Object.hasOwn(VALUES, key) ? VALUES[key] : undefined;
	if (known === undefined) throw unknownOption(text, key, KNOWN);
	if (value === undefined) throw invalidMount(text, `${key} needs a value: ${key}=…`);
	if (!known.isValid(value)) throw invalidOption(key, value, known.allowed);
	return key;
}
