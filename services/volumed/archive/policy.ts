/**
 * What an archive may put into a volume.
 *
 * An entry stays inside: no absolute name, no `..`, nothing through a link, hard links only to what is inside. What comes in the place of
 * a link is there instead of it: in a volume that is in use links become files. Devices are left out, but for overlayfs's whiteouts (0,0),
 * which open nothing. Set-id bits and file capabilities are kept: any container that has the volume can make these itself, and without them
 * a backup does not bring a volume back.
 */
import { volumeFaults } from "../faults.ts";
import { type Entry, shown } from "./entry.ts";
import { type Dropped, placeOf } from "./place.ts";

/** The kernel takes no longer name, and no path of more than 4,096 bytes together with the volume's own. */
const LONGEST_NAME = 255;
const LONGEST_PATH = 3_072;
const DEEPEST = 512;
const MOST_ENTRIES = 20_000_000;

export class EntryPolicy {
	/** Places where the archive puts a symlink, or a second name of one. */
	readonly #symlinks = new Set<string>();
	/** Places where it has a device, or another name of one. */
	readonly #devices = new Set<string>();
	readonly #strip: Dropped;
	#entries = 0;
	/** So many were not left out. */
	#kept = 0;

	/** What is dropped of each name when the archive is extracted. */
	constructor(strip: Dropped = 0) {
		this.#strip = strip;
	}

	/** Of the entries so far, those of which something is left. */
	get kept(): number {
		return this.#kept;
	}

	/** Why the entry is refused, or undefined. Entries must come in their order. */
	refusal(entry: Entry): string | undefined {
		const { path, type, link } = entry;
		this.#entries += 1;
		if (this.#entries > MOST_ENTRIES) return `it is more than the ${MOST_ENTRIES}th`;
		const key = placeOf(path, this.#strip);
		const reason = unfitName(path) ?? kind(entry, key);
		if (reason !== undefined || key === undefined) return reason;
		this.#kept += 1;
		const through = this.#throughLink(key);
		if (through !== undefined) return through;
		if (type === "symlink") this.#symlinks.add(key);
		else this.#symlinks.delete(key);
		return type === "hardlink" ? this.#hardlink(key, link ?? "") : undefined;
	}

	/** Why an entry that is not refused is left out, or undefined. */
	omission({ path, type, link, device }: Entry): string | undefined {
		const key = placeOf(path, this.#strip);
		if (key === undefined) return undefined;
		const target = type === "hardlink" ? placeOf(link ?? "", this.#strip) : undefined;
		const isWhiteout = type === "char" && device?.[0] === 0 && device[1] === 0;
		const isDevice = (type === "char" || type === "block") && !isWhiteout;
		if (isDevice || (target !== undefined && this.#devices.has(target))) {
			this.#devices.add(key);
			return "it is a device";
		}
		this.#devices.delete(key);
		return undefined;
	}

	/** After the last entry. Faults: SUBPATH_MISSING and NOTHING_LEFT when nothing is left of any entry. */
	end(): void {
		const strip = this.#strip;
		if (this.#kept > 0) return;
		if (typeof strip === "string") throw volumeFaults.SUBPATH_MISSING({ subpath: shown(strip) });
		if (this.#entries > 0) throw volumeFaults.NOTHING_LEFT({ entries: this.#entries, strip });
	}

	#hardlink(key: string, link: string): string | undefined {
		const target = placeOf(link, this.#strip);
		const problem = unfitName(link) ?? this.#misplaced(target);
		if (problem !== undefined) return `its target is not in the archive: ${problem}`;
		if (target !== undefined && this.#symlinks.has(target)) this.#symlinks.add(key);
		return undefined;
	}

	#misplaced(target: string | undefined): string | undefined {
		if (target === undefined) return "it is one of those that are left out";
		return target === "" ? "it is the root" : this.#throughLink(target);
	}

	#throughLink(key: string): string | undefined {
		if (this.#symlinks.size === 0) return undefined;
		for (let end = key.indexOf("/"); end >= 0; end = key.indexOf("/", end + 1)) {
			const above = key.slice(0, end);
			if (this.#symlinks.has(above)) return `it lies behind ${above}, which is a symlink of the archive`;
		}
		return undefined;
	}
}

/** Why an entry of the name is refused, whatever it is, or undefined. */
export function unfitName(path: string): string | undefined {
	if (path.length === 0) return "it has no name";
	if (path.startsWith("/")) return "its name is absolute";
	if (path.includes("\0")) return "its name has a zero byte";
	if (path.length > LONGEST_PATH) return `its name has more than ${LONGEST_PATH} bytes`;
	// As most are: too short to be deep or to have a long part.
	if (path.length <= LONGEST_NAME && !path.includes("..")) return undefined;
	const parts = path.split("/");
	if (parts.length > DEEPEST) return `it is more than ${DEEPEST} directories deep`;
	for (const part of parts) {
		if (part === "..") return "its name has `..`";
		if (part.length > LONGEST_NAME) return `a part of its name has more than ${LONGEST_NAME} bytes`;
	}
	return undefined;
}

function kind({ type, link }: Entry, key: string | undefined): string | undefined {
	if (key === "" && type !== "directory") return "it is in the place of the root";
	if (type === "symlink" && (link === undefined || link.length === 0)) return "it is a link to nothing";
	if (type === "symlink" && link?.includes("\0") === true) return "its target has a zero byte";
	return undefined;
}
