/** `--format` and `-q`: what lists print beside a table. */
import type { Flags } from "./syntax/command.ts";
import { syntaxFaults } from "./syntax/faults.ts";
import { table } from "./output/table.ts";

export const LIST_FLAGS = {
	format: { kind: "text", value: "FORMAT", help: "`json`: one JSON object a line; `table`: as without it" },
	quiet: { kind: "switch", short: "q", help: "Only ids, or names where there are no ids" },
	"no-trunc": { kind: "switch", help: "Whole ids" },
} as const satisfies Flags;

export interface Listed {
	readonly heads: readonly string[];
	readonly rows: readonly (readonly string[])[];
	/** The same rows as `--format json` has them. */
	readonly json: readonly object[];
	/** The same rows as `-q` has them. */
	readonly ids: readonly string[];
}

export function listText(listed: () => Listed, flags: { format: string | undefined; quiet: boolean }): string {
	const format = listFormat(flags.format);
	const { heads, rows, json, ids } = listed();
	if (flags.quiet) return ids.map((id) => `${id}\n`).join("");
	return format === "json" ? jsonLines(json) : table(heads, rows);
}

/** A table unless it is said. INVALID_VALUE. */
export function listFormat(format = "table"): "json" | "table" {
	if (format === "json" || format === "table") return format;
	throw syntaxFaults.INVALID_VALUE({ what: "The format", value: format, allowed: "json or table" });
}

/** One object a line. */
export function jsonLines(objects: readonly object[]): string {
	return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
}

/** As Docker's: indented by four blanks, one array. */
export function inspectText(found: readonly object[]): string {
	return `${JSON.stringify(found, null, 4)}\n`;
}

/** Of a command that prints lines for people, or as JSON. INVALID_VALUE. */
export function isJson(format: string | undefined): boolean {
	if (format === undefined || format === "json") return format === "json";
	throw syntaxFaults.INVALID_VALUE({ what: "The format", value: format, allowed: "json" });
}
