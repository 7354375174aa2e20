/**
 * Values as text, as Go's fmt has them: `%v` and the other verbs, with flags, width and precision.
 *
 * As there, nothing fails: what does not fit its verb is printed as `%!d(string=x)`. Fractions are printed without an exponent.
 */
import { Fields, isList, type Value } from "./value.ts";

export interface Verb {
	readonly letter: string;
	/** Any of `-`, `+`, `#`, `0` and the blank. */
	readonly flags: string;
	readonly width: number;
	readonly precision: number | undefined;
}

const PLAIN: Verb = { letter: "v", flags: "", width: 0, precision: undefined };
const BASES: Readonly<Record<string, readonly [base: number, prefix: string]>> = {
	d: [10, ""],
	v: [10, ""],
	b: [2, "0b"],
	o: [8, "0"],
	O: [8, ""],
	x: [16, "0x"],
	X: [16, "0X"],
};
/** What JavaScript has. */
const MAX_PLACES = 100;
const ESCAPES: Readonly<Record<string, string>> = {
	"\x07": "a",
	"\b": "b",
	"\f": "f",
	"\n": "n",
	"\r": "r",
	"\t": "t",
	"\v": "v",
	"\\": "\\",
	'"': '"',
};

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

/** As Go's strconv.Quote. */
function quoted(text: string, quote = '"'): string {
	const letters = Array.from(text, (letter) => {
		if (letter === quote) return `\\${letter}`;
		const escape = letter === '"' ? undefined : ESCAPES[letter];
		if (escape !== undefined) return `\\${escape}`;
		if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(letter)) return letter;
		const code = letter.codePointAt(0) ?? 0;
		if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
		return code > 0xff_ff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
	});
	return quote + letters.join("") + quote;
}

function wholeOf(value: bigint, verb: Verb): string | undefined {
	if ("cqU".includes(verb.letter)) return letterOf(value, verb);
	const base = Object.hasOwn(BASES, verb.letter) ? BASES[verb.letter] : undefined;
	if (base === undefined) return undefined;
	const [radix, sharp] = base;
	const digits = (value < 0n ? -value : value).toString(radix).padStart(verb.precision ?? 0, "0");
	const prefix = verb.letter === "O" ? "0o" : verb.flags.includes("#") ? sharp : "";
	return signed(value < 0n, prefix, verb.letter === "X" ? digits.toUpperCase() : digits, verb);
}

function letterOf(value: bigint, verb: Verb): string {
	const isLetter = value >= 0n && value <= 0x10_ff_ffn && !(value >= 0xd8_00n && value < 0xe0_00n);
	const code = isLetter ? Number(value) : 0xff_fd;
	if (verb.letter === "U") return padded(`U+${value.toString(16).toUpperCase().padStart(4, "0")}`, verb);
	return padded(verb.letter === "c" ? String.fromCodePoint(code) : quoted(String.fromCodePoint(code), "'"), verb);
}

function fractionOf(value: number, verb: Verb): string | undefined {
	const size = Math.abs(value);
	const isNegative = value < 0 || Object.is(value, -0);
	if (verb.letter === "f" || verb.letter === "F") {
		return signed(isNegative, "", withoutExponent(size, Math.min(verb.precision ?? 6, MAX_PLACES)), {
			...verb,
			precision: undefined,
		});
	}
	if (!"vg".includes(verb.letter)) return undefined;
	return signed(isNegative, "", withoutExponent(size), { ...verb, precision: undefined });
}

/** All its digits, or as many behind the point. */
function withoutExponent(size: number, places?: number): string {
	if (places !== undefined) return rounded(size, places);
	if (!String(size).includes("e")) return String(size);
	if (size >= 1) return String(BigInt(size));
	const [digits = "", exponent = "0"] = String(size).split("e-");
	return `0.${"0".repeat(Number(exponent) - 1)}${digits.replace(".", "")}`;
}

/** What is just between two goes to the even one, as in Go; JavaScript's goes up. */
function rounded(size: number, places: number): string {
	if (size >= 1e21) return `${BigInt(size)}${places > 0 ? `.${"0".repeat(places)}` : ""}`;
	const [exact, up] = [size.toFixed(MAX_PLACES), size.toFixed(places)];
	const end = exact.indexOf(".") + 1 + places;
	const down = exact.slice(0, end).replace(/\.$/, "");
	return /^50*$/.test(exact.slice(end)) && /[02468]$/.test(down) ? down : up;
}

/** Zeros go between the sign and the digits. */
function signed(isNegative: boolean, prefix: string, digits: string, verb: Verb): string {
	const { flags, width, precision } = verb;
	const sign = isNegative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
	const isZeroed = flags.includes("0") && !flags.includes("-") && precision === undefined;
	const room = isZeroed ? width - sign.length : 0;
	return padded(sign + prefix + digits.padStart(room, "0"), { ...verb, flags: flags.replace("0", "") });
}

function padded(text: string, { flags, width }: Verb): string {
	const missing = width - [...text].length;
	if (missing <= 0) return text;
	if (flags.includes("-")) return text + " ".repeat(missing);
	return (flags.includes("0") ? "0" : " ").repeat(missing) + text;
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
