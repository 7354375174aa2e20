/**
 * Values as text, as Go's fmt has them: `%v` and the other verbs, with flags, width and precision.
 *
 * As there, nothing fails: what does not fit its verb is printed as `%!d(string=x)`. Fractions are printed without an exponent.
 */
import { fractionOf, wholeOf } from "./numbers.ts";
import { quoted } from "./quoting.ts";
import { Fields, isList, type Value } from "./value.ts";
import { padded, type Verb } from "./verb.ts";

const PLAIN: Verb = { letter: "v", flags: "", width: 0, precision: undefined };

/** As an action prints it. */
export function printed(value: Value): string {
	return value === null ? "<no value>" : plain(value);
}

/** `%v`. */
export function plain(value: Value): string {
	return formatted(value, PLAIN);
}

export function formatted(value: Value, verb: Verb): string {
	if (verb.letter === "T") return padded(typeOf(value), verb);
	if (value === null) return verb.letter === "v" ? padded("<nil>", verb) : misfit(value, verb);
	return nested(value, verb);
}

/** Lists and maps pass the verb on to what is in them. */
function nested(value: Value, verb: Verb): string {
	if (value === null) return padded("<nil>", verb);
	if (isList(value)) return `[${value.map((one) => nested(one, verb)).join(" ")}]`;
	if (value instanceof Fields) {
		if (!value.isMap && value.entries.size === 0) return "{}";
		return `map[${value
			.sorted()
			.map(([key, one]) => `${nested(key, verb)}:${nested(one, verb)}`)
			.join(" ")}]`;
	}
	return simple(value, verb) ?? misfit(value, verb);
}

function simple(value: boolean | bigint | number | string, verb: Verb): string | undefined {
	if (typeof value === "string") return textOf(value, verb);
	if (typeof value === "bigint") return wholeOf(value, verb);
	if (typeof value === "number") return fractionOf(value, verb);
	return "tv".includes(verb.letter) ? padded(String(value), verb) : undefined;
}

function textOf(text: string, verb: Verb): string | undefined {
	const cut = verb.precision === undefined ? text : [...text].slice(0, verb.precision).join("");
	switch (verb.letter) {
		case "v":
		case "s":
			return padded(cut, verb);
		case "q":
			return padded(verb.flags.includes("#") && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quoted(cut), verb);
		case "x":
		case "X":
			return padded(hexOf(text, verb), verb);
		default:
			return undefined;
	}
}

function hexOf(text: string, { letter, flags, precision }: Verb): string {
	const hex = Buffer.from(text).subarray(0, precision).toString("hex");
	const prefixed = hex !== "" && flags.includes("#") ? `0x${hex}` : hex;
	return letter === "X" ? prefixed.toUpperCase() : prefixed;
}

function misfit(value: Value, { letter }: Verb): string {
	return value === null ? `%!${letter}(<nil>)` : `%!${letter}(${typeOf(value)}=${plain(value)})`;
}

/** Go's name of it. */
export function typeOf(value: Value): string {
	if (value === null) return "<nil>";
	if (value instanceof Fields) return "map[string]interface {}";
	if (isList(value)) return "[]interface {}";
	if (typeof value === "string") return "string";
	if (typeof value === "bigint") return "int";
	return typeof value === "number" ? "float64" : "bool";
}
