/** Numbers by the verbs of Go's fmt; undefined where a verb is none of theirs. Fractions have no exponent. */
import { quoted } from "./quoting.ts";
import { padded, type Verb } from "./verb.ts";

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

export function wholeOf(value: bigint, verb: Verb): string | undefined {
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

export function fractionOf(value: number, verb: Verb): string | undefined {
	const { letter, precision } = verb;
	const size = Math.abs(value);
	const isNegative = value < 0 || Object.is(value, -0);
	const wide: Verb = { ...verb, precision: undefined };
	if (letter === "v" || letter === "g") return signed(isNegative, "", withoutExponent(size), wide);
	if (letter !== "f" && letter !== "F") return undefined;
	return signed(isNegative, "", rounded(size, Math.min(precision ?? 6, MAX_PLACES)), wide);
}

/** All its digits. */
function withoutExponent(size: number): string {
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
