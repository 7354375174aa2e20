/** The records of a pax extended header: `<length> <key>=<value>\n`, the length counting itself. Keys and values have a character a byte (`latin1`). */
import { volumeFaults } from "../faults.ts";

export type PaxRecords = ReadonlyMap<string, string>;

/** These decide where an entry goes and how long it is: two of them in one header are read differently by different programs. */
const DECISIVE = new Set(["path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.realsize", "GNU.sparse.major"]);

/** Bytes of a header that is kept whole for a part of it. */
const LONG = 4_096;

/** Fault: ARCHIVE_CORRUPT. Of a repeated record that decides nothing the last one counts. */
export function parsePax(text: string): PaxRecords {
	const records = new Map<string, string>();
	const map: string[] = [];
	let offset = 0;
	while (offset < text.length) {
		const space = text.indexOf(" ", offset);
		const digits = space < 0 ? "" : text.slice(offset, space);
		const end = offset + Number(digits);
		const equals = text.indexOf("=", space);
		if (!/^[1-9]\d{0,8}$/.test(digits) || end > text.length || equals < 0 || equals >= end || text[end - 1] !== "\n") {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an extended header is malformed" });
		}
		const key = partOf(text, space + 1, equals);
		if (DECISIVE.has(key) && records.has(key)) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `an extended header says ${key} twice` });
		}
		const value = partOf(text, equals + 1, end - 1);
		if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") map.push(value);
		records.set(key, value);
		offset = end;
	}
	// Format 0.0 repeats them, one after the other; 0.1 has the same as a list.
	if (map.length > 0) records.set("GNU.sparse.map", map.join(","));
	return records;
}

/** V8 keeps all of a text for a part of it that is kept; of a long one, of which much is kept nowhere, the part is a text of its own. */
export function partOf(text: string, start: number, end: number): string {
	const part = text.slice(start, end);
	return text.length > LONG ? Buffer.from(part, "latin1").toString("latin1") : part;
}
