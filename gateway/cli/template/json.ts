/** Values as JSON, as Go's encoder has them without escaping HTML: maps in the order of their keys, structs in their own. */
import { Fields, isList, NIL_LIST, type Value } from "./value.ts";

export function jsonOf(value: Value): string {
	if (value === NIL_LIST) return "null";
	if (isList(value)) return `[${value.map(jsonOf).join(",")}]`;
	if (value instanceof Fields) {
		if (value.isNil) return "null";
		const entries = value.isMap ? value.sorted() : [...value.entries];
		return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${jsonOf(one)}`).join(",")}}`;
	}
	return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
