/**
 * The options of the driver `local`, in Docker's words: `size`, or `type`, `device` and `o`.
 *
 * No fault has the text of `o` in it, which may hold a password.
 */
import { suggestion } from "#lib/text/nearest.ts";
import { volumeFaults } from "../faults.ts";

const KNOWN = ["type", "o", "device", "size"];
const KNOWN_TEXT = "type, o, device and size";

/** File systems that answer by themselves: the kernel mounts them without a server and without a program. */
export const LOCAL_TYPES: ReadonlySet<string> = new Set([
	...["tmpfs", "ramfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "overlay"],
	...["vfat", "msdos", "exfat", "ntfs3", "iso9660", "udf", "squashfs", "erofs"],
]);
/** What is in them goes with their last mount. */
export const IN_MEMORY: ReadonlySet<string> = new Set(["tmpfs", "ramfs"]);
/** Of these the device is not looked at. */
const WITHOUT_DEVICE: ReadonlySet<string> = new Set(["tmpfs", "ramfs", "overlay", "zfs"]);

const UNITS = ["", "k", "m", "g", "t", "p"];

export interface MountOptions {
	readonly kind: "mount";
	readonly type: string;
	readonly device: string;
	/** Of `o`, one by one. */
	readonly words: readonly string[];
	/** A directory of this host shown again. */
	readonly isBind: boolean;
}

export type LocalOptions =
	| { readonly kind: "plain" }
	| { readonly kind: "sized"; readonly sizeBytes: number; readonly text: string }
	| MountOptions;

/** Faults: UNKNOWN_OPTION, INVALID_OPTION. What is given as nothing is not given, but for `size`. */
export function parseLocalOptions(options: ReadonlyMap<string, string>): LocalOptions {
	for (const option of options.keys()) {
		if (KNOWN.includes(option)) continue;
		const nearest = suggestion(option, KNOWN) ?? "";
		throw volumeFaults.UNKNOWN_OPTION({ driver: "local", option, nearest, known: KNOWN_TEXT });
	}
	const [type = "", device = "", o = ""] = ["type", "device", "o"].map((name) => options.get(name) ?? "");
	const size = options.get("size");
	if (size !== undefined && `${type}${device}${o}` !== "") {
		throw refused("size", size, "a size without type, device and o; a tmpfs is bounded with o=size=64m");
	}
	if (size !== undefined) return { kind: "sized", sizeBytes: parseSize(size), text: size };
	if (`${type}${device}${o}` === "") return { kind: "plain" };
	return parseMount(type, device, o);
}

/** Bytes, or with k, m, g, t or p, which are of 1024. */
export function parseSize(text: string): number {
	const parsed = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
	const exponent = UNITS.indexOf((parsed?.[2] ?? "").toLowerCase());
	const bytes = Math.floor(Number(parsed?.[1]) * 1024 ** exponent);
	if (!Number.isSafeInteger(bytes) || bytes <= 0) throw refused("size", text, "bytes, or as 64k, 64m, 1.5g");
	return bytes;
}

function parseMount(type: string, device: string, o: string): MountOptions {
	if (type === "")
		throw refused("type", "missing", "a file system with the device, as nfs, tmpfs, or none with o=bind");
	if (!/^[\w.-]+$/.test(type)) throw refused("type", JSON.stringify(type), "the name of a file system");
	if (device === "" && type !== "tmpfs") throw refused("device", "missing", "what is to be mounted, with the type");
	const words = o.split(",").filter((word) => word !== "");
	const isBind = words.includes("bind") || words.includes("rbind");
	refuseWords(words);
	if (type === "none" && !isBind) throw refused("type", type, "none with o=bind, or a file system");
	refuseDevice(type, device, isBind);
	return { kind: "mount", type, device: device === "" ? type : device, words, isBind };
}

function refuseWords(words: readonly string[]): void {
	for (const word of words) {
		if (word === "remount" || word === "move") throw refused("o", word, "what a new mount is made with");
		// oxlint-disable-next-line no-control-regex -- what no option has, and what would be a line of its own in a table of mounts
		if (/[\u0000-\u001f]/.test(word)) throw refused("o", "text with control characters", "plain text");
	}
}

function refuseDevice(type: string, device: string, isBind: boolean): void {
	// oxlint-disable-next-line no-control-regex -- as above
	if (/[\u0000-\u001f]/.test(device)) throw refused("device", JSON.stringify(device), "plain text");
	const isPath = isBind || (LOCAL_TYPES.has(type) && !WITHOUT_DEVICE.has(type));
	if (isPath && !device.startsWith("/"))
		throw refused("device", device, `an absolute path where it is ${isBind ? "bound" : type}`);
	if ((type === "cifs" || type === "smb3") && /^(?:[a-z]+:)?\/\/[^/]*:\d+(?:\/|$)/i.test(device))
		throw refused("device", maskedDevice(device), "//HOST/SHARE; a port is given with o=port=445");
}

/** Who is named before a host may be named with a password. */
export function maskedDevice(device: string): string {
	return device.replace(/\/\/[^/@]*@/, "//***@");
}

function refused(option: string, value: string, allowed: string) {
	return volumeFaults.INVALID_OPTION({ option, value, allowed });
}

/** Of options that have a size. */
export function sizeOf(options: LocalOptions): number {
	if (options.kind !== "sized") throw new Error("this volume has no size");
	return options.sizeBytes;
}
