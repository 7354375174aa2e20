/**
 * In what two trees differ, by the lines of their manifests. Of several lines about one path the last one counts, as for programs that
 * extract; names of one file are one file whichever comes first.
 */
import { attributeTexts, modeWith } from "./attribute-records.ts";
import { hasHoles } from "./content-digest.ts";
import { type Entry, shown } from "./entry.ts";
import { type Dropped, placeOf } from "./place.ts";
import { parsedLine } from "./record.ts";

export interface Difference {
	readonly path: string;
	readonly what: string;
}

interface Found {
	readonly entry: Entry;
	readonly content: Content;
	/** The first name of the file that it is a name of. */
	readonly group: string;
}

/** How the content of a file is known. Two digests are comparable when both are by blocks, or none is. */
export interface Content {
	readonly sha256: string | undefined;
	/** Of what is not zero in it, `blocksDigest`; else of all bytes. */
	readonly byBlocks: boolean;
}

/** `sha256` is what the line says. */
export type ContentOf = (entry: Entry, sha256: string | undefined) => Content;

/** A tree by its lines: what is where. */
export class TreeLines {
	readonly #found = new Map<string, Found>();
	readonly #contentOf: ContentOf;
	readonly #dropped: Dropped;

	/** Of what is dropped the names are not there. */
	constructor(contentOf: ContentOf, dropped: Dropped = 0) {
		this.#contentOf = contentOf;
		this.#dropped = dropped;
	}

	/** What is in the place of the entry has holes, or, where it cannot have the same content, the entry. */
	hasHolesAt(entry: Entry): boolean {
		const there = this.#found.get(placeOf(entry.path) ?? "")?.entry;
		return hasHoles(there?.type === "file" && there.size === entry.size ? there : entry);
	}

	add(line: string): void {
		const { entry, sha256 } = parsedLine(line);
		const content = this.#contentOf(entry, sha256);
		const place = placeOf(entry.path, this.#dropped);
		if (place === undefined) return;
		const link = entry.type === "hardlink" ? placeOf(entry.link ?? "", this.#dropped) : undefined;
		const target = link === undefined ? undefined : this.#found.get(link);
		// Said later, it is the last one.
		this.#found.delete(place);
		this.#found.set(place, target ?? { entry, content, group: place });
	}

	remove(path: string): void {
		const place = placeOf(path, this.#dropped);
		if (place !== undefined) this.#found.delete(place);
	}

	/** What is not a directory here and is one with content there. */
	directoryInTheWay(volume: TreeLines): string | undefined {
		const above = new Set([...volume.#found.keys()].map((path) => path.slice(0, Math.max(0, path.lastIndexOf("/")))));
		for (const [path, { entry }] of this.#found) if (entry.type !== "directory" && above.has(path)) return path;
		return undefined;
	}

	/**
	 * What is different in the volume from this archive; at most `most` of them, and how many there are. By path. With `merged` what is in the
	 * volume alone is no difference.
	 */
	differences(
		volume: TreeLines,
		most: number,
		merged = false,
	): { readonly first: Difference[]; readonly count: number } {
		const found: Difference[] = [];
		const paths = new Set([...this.#found.keys(), ...(merged ? [] : volume.#found.keys())]);
		const groups = new Map<string, string>();
		for (const path of [...paths].sort()) {
			const what = differenceOf(this.#found.get(path), volume.#found.get(path), groups);
			if (what !== undefined) found.push({ path: path === "" ? "." : shown(path), what });
		}
		return { first: found.slice(0, most), count: found.length };
	}
}

function differenceOf(
	archived: Found | undefined,
	there: Found | undefined,
	groups: Map<string, string>,
): string | undefined {
	// An archive need not say anything of its own root.
	if (archived === undefined) return there?.group === "" ? undefined : "it is not in the archive";
	if (there === undefined) return "it is not in the volume";
	const [before, now] = [archived.entry, there.entry];
	if (before.type !== now.type) return `it is a ${now.type} and not a ${before.type}`;
	const [wanted, found] = [fieldsOf(archived), fieldsOf(there)];
	// If not, it is a name of a file of which something else in the archive has the other name.
	const isComparable = archived.content.byBlocks === there.content.byBlocks;
	for (const name of [...Object.keys(wanted), ...Object.keys(found)]) {
		if (found[name] === wanted[name] || (name === CONTENT && !isComparable)) continue;
		return `its ${name} is ${textOf(found[name]) ?? "missing"} and not ${textOf(wanted[name]) ?? "there"}`;
	}
	const isSame = isSameFile(archived.group, there.group, groups);
	return isSame && isComparable ? undefined : "it is one file with other names";
}

/** Names of one file in the archive are names of one file in the volume, and the other way. */
function isSameFile(archived: string, there: string, groups: Map<string, string>): boolean {
	const [to, back] = [`archive ${archived}`, `volume ${there}`];
	if (!groups.has(to)) groups.set(to, there);
	if (!groups.has(back)) groups.set(back, archived);
	return groups.get(to) === there && groups.get(back) === archived;
}

const CONTENT = "content";
/** Of a value in a sentence. */
const LONGEST = 200;

function textOf(value: string | undefined): string | undefined {
	return value !== undefined && value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
}

function fieldsOf({ entry, content }: Found): Readonly<Record<string, string | undefined>> {
	const { type, uid, gid, mode, mtime, size, link, device, attributes } = entry;
	return {
		owner: `${uid}:${gid}`,
		mode: type === "symlink" ? undefined : modeWith(attributes, mode).toString(8).padStart(4, "0"),
		size: type === "file" ? `${size} bytes` : undefined,
		[CONTENT]: content.byBlocks ? `${content.sha256} (without zeros)` : content.sha256,
		target: link === undefined ? undefined : shown(link),
		device: device?.join(":"),
		...Object.fromEntries([...attributeTexts(attributes)].map(([name, text]) => [`attribute ${shown(name)}`, text])),
		time: mtime,
	};
}
