/** The records of a pax extended header: `<length> <key>=<value>\n`, the length counting itself. Values are bytes. */
import { volumeFaults } from "../faults.ts";

export type PaxRecords = ReadonlyMap<string, Buffer>;

/** These decide where an entry goes and how long it is: two of them in one header are read differently by different programs. */
const DECISIVE = new Set(["path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.realsize", "GNU.sparse.major"]);

/** Fault: ARCHIVE_CORRUPT. Of a repeated record that decides nothing the last one counts. */
export function parsePax(bytes: Buffer): PaxRecords {
	const records = new Map<string, Buffer>();
	const map: string[] = [];
	// As text it is searched without a call of Node's for every mark.
	const text = bytes.toString("latin1");
	let offset = 0;
	while (offset < bytes.length) {
		const space = text.indexOf(" ", offset);
		const digits = space < 0 ? "" : text.slice(offset, space);
		const end = offset + Number(digits);
		const equals = text.indexOf("=", space);
		if (!/^[1-9]\d{0,8}$/.test(digits) || end > bytes.length || equals < 0 || equals >= end || text[end - 1] !== "\n") {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: "an extended header is malformed" });
		}
		const key = text.slice(space + 1, equals);
		if (DECISIVE.has(key) && records.has(key)) {
			throw volumeFaults.ARCHIVE_CORRUPT({ problem: `an extended header says ${key} twice` });
		}
		const value = bytes.subarray(equals + 1, end - 1);
		if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") map.push(text.slice(equals + 1, end - 1));
		records.set(key, value);
		offset = end;
	}
	// Format 0.0 repeats them, one after the other; 0.1 has the same as a list.
	if (map.length > 0) records.set("GNU.sparse.map", Buffer.from(map.join(",")));
	return records;
}
