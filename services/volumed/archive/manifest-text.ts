/**
 * What a manifest has around the entries' lines: a head; behind them the lists of what no archive can hold, an item a line, and a foot with
 * the SHA-256 of all that does not follow from the archive: the head, the lists and itself.
 *
 * However long a list is, no line of it is longer than a reader takes. Format 3 has the lists in its foot.
 */
import { createHash } from "node:crypto";
import { volumeFaults } from "../faults.ts";
import { type Foot, fieldsOf } from "./manifest.ts";

const FORMAT = "wharf-manifest/4";
const READ: readonly unknown[] = ["wharf-manifest/3", FORMAT];
const LISTS = ["sockets", "gone", "warnings"] as const;

/** Each line of the lists goes to `add`, without its newline; head and foot have theirs. */
export function manifestText(
	volume: string,
	createdAt: Date,
	foot: Foot,
	add: (line: string) => void,
): { readonly head: Buffer; readonly foot: Buffer } {
	const head = JSON.stringify({ format: FORMAT, volume, createdAt: createdAt.toISOString() });
	const seal = new Seal(head);
	for (const list of LISTS) {
		for (const item of foot[list]) {
			const line = JSON.stringify({ [list]: [item] });
			seal.add(line);
			add(line);
		}
	}
	const { entries, bytes } = foot;
	return { head: Buffer.from(`${head}\n`), foot: Buffer.from(`${seal.foot({ end: true, entries, bytes })}\n`) };
}

/** The same as it is read. Faults: MANIFEST_MISMATCH. */
export class ManifestEnds {
	/** After its line. */
	foot: Foot | undefined;
	readonly #seal: Seal;
	readonly #lists: Record<(typeof LISTS)[number], string[]> = { sockets: [], gone: [], warnings: [] };

	constructor(head: string) {
		if (!READ.includes(parsed(head)["format"]))
			throw volumeFaults.MANIFEST_MISMATCH({ problem: "it is of another format" });
		this.#seal = new Seal(head);
	}

	/** A line behind those of entries; false: it is none of ours. */
	take(line: string): boolean {
		const { sha256: _, ...said } = parsed(line);
		const isFoot = said["end"] === true;
		const lists = LISTS.filter((list) => said[list] !== undefined);
		if (this.foot !== undefined || (!isFoot && lists.length === 0)) return false;
		for (const list of lists) this.#join(list, said[list]);
		if (isFoot) this.#end(line, said);
		else this.#seal.add(line);
		return true;
	}

	#join(list: (typeof LISTS)[number], items: unknown): void {
		const isList = Array.isArray(items) && items.every((item) => typeof item === "string");
		if (!isList) throw volumeFaults.MANIFEST_MISMATCH({ problem: `its ${list} cannot be read` });
		for (const item of items) this.#lists[list].push(item);
	}

	#end(line: string, said: Record<string, unknown>): void {
		const { entries, bytes } = said;
		if (typeof entries !== "number" || typeof bytes !== "number")
			throw volumeFaults.MANIFEST_MISMATCH({ problem: "it has no end" });
		if (this.#seal.foot(said) !== line)
			throw volumeFaults.MANIFEST_MISMATCH({ problem: "its first line or one of its last was changed" });
		this.foot = { entries, bytes, ...this.#lists };
	}
}

/** The digest of lines that do not follow from the archive. */
class Seal {
	readonly #digest = createHash("sha256");

	constructor(head: string) {
		this.add(head);
	}

	add(line: string): void {
		this.#digest.update(`${line}\n`);
	}

	/** The last line, of what is said in it. */
	foot(said: Record<string, unknown>): string {
		return JSON.stringify({ ...said, sha256: this.#digest.update(JSON.stringify(said)).digest("hex") });
	}
}

function parsed(line: string): Record<string, unknown> {
	const fields = fieldsOf(line);
	if (typeof fields === "object" && fields !== null) return fields;
	throw volumeFaults.MANIFEST_MISMATCH({ problem: "it cannot be read" });
}
