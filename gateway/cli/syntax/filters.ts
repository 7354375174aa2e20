/** `--filter NAME=VALUE` of lists, and `NAME!=VALUE` where a filter has that. */
import { suggestion } from "#lib/text/nearest.ts";
import { syntaxFaults } from "./faults.ts";
import { parsePairs } from "./pairs.ts";

/** The values of each filter that was given; `label!` is the name of `label!=`. Faults: INVALID_VALUE, UNKNOWN_FILTER. */
export function parseFilters<const Name extends string>(
	texts: readonly string[],
	known: readonly Name[],
): ReadonlyMap<Name, readonly string[]> {
	const given = new Map<Name, string[]>();
	for (const text of texts) {
		const [, name = "", value = ""] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
		if (name === "") throw syntaxFaults.INVALID_VALUE({ what: "The filter", value: text, allowed: "NAME=VALUE" });
		const filter = known.find((one) => one === name);
		if (filter === undefined) {
			throw syntaxFaults.UNKNOWN_FILTER({
				filter: name,
				nearest: suggestion(name, known) ?? "",
				known: known.join(", "),
			});
		}
		given.set(filter, [...(given.get(filter) ?? []), value]);
	}
	return given;
}

/** `KEY`, which any value fits, or `KEY=VALUE`. Two values of one key fit nothing, and are refused. Fault: INVALID_VALUE. */
export function parseLabelFilter(values: readonly string[] = []): Record<string, string> {
	const labels: Record<string, string> = {};
	for (const value of values) {
		for (const [key, wanted] of Object.entries(parsePairs([value], "The label"))) {
			if (Object.hasOwn(labels, key) && labels[key] !== wanted) {
				throw syntaxFaults.INVALID_VALUE({
					what: "The filter",
					value: `label=${value}`,
					allowed: `the only one of the label ${key}`,
				});
			}
			labels[key] = wanted;
		}
	}
	return labels;
}

/** Undefined: not said. Fault: INVALID_VALUE. */
export function parseYesNo(name: string, values: readonly string[] = []): boolean | undefined {
	const found = values.map((value) => {
		if (/^(true|1)$/i.test(value)) return true;
		if (/^(false|0)$/i.test(value)) return false;
		throw syntaxFaults.INVALID_VALUE({
			what: "The filter",
			value: `${name}=${value}`,
			allowed: `${name}=true or ${name}=false`,
		});
	});
	if (new Set(found).size < 2) return found[0];
	throw syntaxFaults.INVALID_VALUE({ what: "The filter", value: name, allowed: "there once" });
}
