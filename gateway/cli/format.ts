/** `--format` and `-q`: what lists print beside a table, and what `inspect` prints. */
import type { Flags } from "./syntax/command.ts";
import { syntaxFaults } from "./syntax/faults.ts";
import { each } from "./each.ts";
import { listTemplate } from "./output/list-template.ts";
import { table } from "./output/table.ts";
import { Template } from "./template/template.ts";
import { inspectView } from "./template/view.ts";
import type { Terminal } from "./terminal.ts";

const TEMPLATES = "a template as {{.Name}}";

export const LIST_FLAGS = {
	format: {
		kind: "text",
		value: "FORMAT",
		help: "`json`: one JSON object a line; `table`: as without it; a template of Go's for each line, as '{{.Name}}: {{.Labels}}', over what `json` has; 'table {{.Name}}\\t{{.Labels}}': with heads, in columns",
	},
	quiet: { kind: "switch", short: "q", help: "Only ids, or names where there are no ids" },
	"no-trunc": { kind: "switch", help: "Whole ids" },
} as const satisfies Flags;

export const INSPECT_FLAGS = {
	format: {
		kind: "text",
		short: "f",
		value: "FORMAT",
		help: "`json`, which it is without this; or a template of Go's over each object of it, as '{{.Name}}' or '{{json .Labels}}', in which objects are printed as map[KEY:VALUE ...]",
	},
} as const satisfies Flags;

export interface Listed {
	readonly heads: readonly string[];
	readonly rows: readonly (readonly string[])[];
	/** The same rows as `--format json` has them. */
	readonly json: readonly object[];
	/** The same rows as `-q` has them. */
	readonly ids: readonly string[];
	/** Of each row, for templates. */
	readonly labels?: readonly Readonly<Record<string, string>>[];
	/** A template's heads that are not the fields' names: `ID` is `VOLUME NAME`. */
	readonly headings?: Readonly<Record<string, string>>;
}

/** What a list is printed as. */
export type ListFormat =
	| { readonly kind: "json" | "table" }
	| { readonly kind: "template"; readonly text: (listed: Pick<Listed, "json" | "labels" | "headings">) => string };

export function listText(listed: () => Listed, format: ListFormat, quiet = false): string {
	const all = listed();
	if (quiet) return all.ids.map((id) => `${id}\n`).join("");
	if (format.kind === "template") return format.text(all);
	return format.kind === "json" ? jsonLines(all.json) : table(all.heads, all.rows);
}

/** A table unless it is said. Faults: INVALID_VALUE, and a template's own. */
export function listFormat(format = "table"): ListFormat {
	if (format === "json" || format === "table") return { kind: format };
	if (isTemplate(format)) return { kind: "template", text: listTemplate(format) };
	throw syntaxFaults.INVALID_VALUE({ what: "The format", value: format, allowed: `json, table or ${TEMPLATES}` });
}

/** One object a line. */
export function jsonLines(objects: readonly object[]): string {
	return objects.map((object) => `${JSON.stringify(object)}\n`).join("");
}

/**
 * Prints what has each name: one JSON array as Docker's, indented by four blanks, or a line by the template for each.
 * A template that is not valid is told before anything is looked for. Gives the exit status.
 */
export async function inspectEach(
	names: readonly string[],
	format: string | undefined,
	terminal: Terminal,
	find: (name: string) => Promise<object>,
): Promise<number> {
	const template = inspectTemplate(format);
	const found: object[] = [];
	const lines: string[] = [];
	const status = await each(names, terminal, async (name) => {
		const object = await find(name);
		if (template === undefined) found.push(object);
		else lines.push(`${template.run(inspectView(object))}\n`);
	});
	await terminal.out(template === undefined ? `${JSON.stringify(found, null, 4)}\n` : lines.join(""));
	return status;
}

/** Undefined: JSON. Faults: INVALID_VALUE, INVALID_TEMPLATE. */
function inspectTemplate(format = "json"): Template | undefined {
	if (format === "json") return undefined;
	if (isTemplate(format)) return new Template(format);
	throw syntaxFaults.INVALID_VALUE({ what: "The format", value: format, allowed: `json or ${TEMPLATES}` });
}

/** What has no action in it is rather a mistake than a text to repeat. */
function isTemplate(format: string): boolean {
	return format.includes("{{");
}

/** Of a command that prints lines for people, or as JSON. INVALID_VALUE. */
export function isJson(format: string | undefined): boolean {
	if (format === undefined || format === "json") return format === "json";
	throw syntaxFaults.INVALID_VALUE({ what: "The format", value: format, allowed: "json" });
}
