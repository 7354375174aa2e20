/** A list's rows by a template: a line for each, or with `table` before it columns under heads. */
import { isFault } from "#lib/fault/fault.ts";
import type { TemplateFunction } from "../template/functions.ts";
import { Template } from "../template/template.ts";
import { Fields, type Value } from "../template/value.ts";
import { rowView } from "../template/view.ts";
import { tabColumns } from "./tab-columns.ts";

interface Rows {
	readonly json: readonly object[];
	readonly labels?: readonly Readonly<Record<string, string>>[];
	readonly headings?: Readonly<Record<string, string>>;
}

/** `\t` and `\n`, as they are typed between single quotes, are what they mean. Fault: INVALID_TEMPLATE. */
export function listTemplate(format: string): (rows: Rows) => string {
	const [, isTable, body = ""] = /^(table)?(.*)$/s.exec(format.trim()) ?? [];
	const template = new Template(body.trim(), (text) => text.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
	return ({ json, labels, headings = {} }) => {
		const lines = json.map((object, index) => `${template.run(rowView(object, labels?.[index]))}\n`).join("");
		return isTable === undefined ? lines : tabColumns(`${heads(template, headings)}\n${lines}`);
	};
}

/** As Docker has them: the template over the names of its fields. One that cannot be had so has no heads. */
function heads(template: Template, headings: Readonly<Record<string, string>>): string {
	const method = (name: string, [key]: readonly Value[]): Value => {
		if (name === "Label" && typeof key === "string") return labelHead(key);
		return Object.hasOwn(headings, name) ? (headings[name] ?? "") : words(name);
	};
	try {
		return template.run(new Fields([], { method }), UNCHANGED);
	} catch (error) {
		if (isFault(error)) return "";
		throw error;
	}
}

/** `CreatedAt` is `CREATED AT`. */
function words(field: string): string {
	return field.replace(/([a-z])([A-Z])/g, "$1 $2").toUpperCase();
}

/** The last part of `com.example.a-label`. */
function labelHead(key: string): string {
	return (key.split(".").at(-1) ?? "").replace(/[-_]/g, " ");
}

/** What makes a cell of a field leaves a head as it is. */
const UNCHANGED: ReadonlyMap<string, TemplateFunction> = new Map(
	Object.entries({ json: 1, lower: 1, upper: 1, title: 1, truncate: 2 }).map(([name, count]) => [
		name,
		{ min: count, max: count, run: ([text = null]: readonly Value[]) => text },
	]),
);
