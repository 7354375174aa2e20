/** One record of comma-separated values, as Go's encoding/csv reads it for `--mount`: RFC 4180, strictly. */
import { invalidMount } from "./refusals.ts";

/** A field in quotes may have commas, and `""` for a quote. Fault: INVALID_MOUNT. */
export function parseFields(text: string): string[] {
	const fields: string[] = [];
	// A field is all in quotes or has none; what follows it is a comma or the end.
	const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/y;
	for (;;) {
		const at = field.lastIndex;
		const match = field.exec(text);
		if (match === null) throw invalidMount(text, problemAt(text.slice(at)));
		const [, quoted, plain = "", end] = match;
		fields.push(quoted?.replaceAll('""', '"') ?? plain);
		if (end === "") return fields;
	}
}

function problemAt(rest: string): string {
	if (!rest.startsWith('"')) {
		return /^[^",]*[\r\n]/.test(rest)
			? "it has more than one line"
			: 'a quote stands around a whole field: "source=/a,b"';
	}
	const isClosed = /^"(?:[^"]|"")*"/.test(rest);
	return isClosed ? 'a quote stands around a whole field: "source=/a,b"' : "a quote is not closed";
}
