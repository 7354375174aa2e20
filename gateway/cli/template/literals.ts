/** Go's literals: strings, numbers and letters. Undefined where a text is none. */

const ESCAPES: Readonly<Record<string, string>> = {
	a: "\x07",
	b: "\b",
	f: "\f",
	n: "\n",
	r: "\r",
	t: "\t",
	v: "\v",
	"\\": "\\",
	"'": "'",
	'"': '"',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/gu;
const [MIN_INT, MAX_INT] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Of `"…"`, by bytes: `\xc3\xa4` is one letter. */
export function parseString(quoted: string): string | undefined {
	return unescaped(quoted.slice(1, -1), '"');
}

/** Of `'x'`: its number. */
export function parseLetter(quoted: string): bigint | undefined {
	const letters = [...(unescaped(quoted.slice(1, -1), "'") ?? "")];
	return letters.length === 1 ? BigInt(letters[0]?.codePointAt(0) ?? 0) : undefined;
}

function unescaped(text: string, quote: string): string | undefined {
	let isValid = true;
	const parts: Buffer[] = [];
	let from = 0;
	for (const found of text.matchAll(ESCAPE)) {
		const [whole, hex, octal, short, long, letter] = found;
		const bytes = escaped({ byte: byteOf(hex, octal), point: short ?? long, letter }, quote);
		if (bytes === undefined) isValid = false;
		else parts.push(Buffer.from(text.slice(from, found.index)), bytes);
		from = found.index + whole.length;
	}
	return isValid ? Buffer.concat([...parts, Buffer.from(text.slice(from))]).toString() : undefined;
}

function byteOf(hex: string | undefined, octal: string | undefined): number | undefined {
	if (hex !== undefined) return Number.parseInt(hex, 16);
	return octal === undefined ? undefined : Number.parseInt(octal, 8);
}

interface Escape {
	readonly byte: number | undefined;
	readonly point: string | undefined;
	readonly letter: string | undefined;
}

function escaped({ byte, point, letter }: Escape, quote: string): Buffer | undefined {
	if (byte !== undefined) return byte > 255 ? undefined : Buffer.from([byte]);
	if (point !== undefined) {
		const code = Number.parseInt(point, 16);
		return code > 0x10_ff_ff || (code >= 0xd8_00 && code < 0xe0_00)
			? undefined
			: Buffer.from(String.fromCodePoint(code));
	}
	const meant = Object.hasOwn(ESCAPES, letter ?? "") ? ESCAPES[letter ?? ""] : undefined;
	const isOtherQuote = (letter === "'" || letter === '"') && letter !== quote;
	return meant === undefined || isOtherQuote ? undefined : Buffer.from(meant);
}

/** A bigint of 64 bits, or a fraction, which has a point or an exponent. */
export function parseNumber(text: string): bigint | number | undefined {
	const [, sign = "", digits = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
	if (/__|_$|^_/.test(digits)) return undefined;
	const plain = digits.replaceAll("_", "").toLowerCase();
	const whole = wholeOf(plain);
	if (whole !== undefined) {
		const value = sign === "-" ? -whole : whole;
		return value < MIN_INT || value > MAX_INT ? undefined : value;
	}
	if (!/^(?=.*[.e])(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(plain)) return undefined;
	const value = Number(`${sign}${plain}`);
	return Number.isFinite(value) ? value : undefined;
}

function wholeOf(digits: string): bigint | undefined {
	if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits}`);
	return /^(0|[1-9]\d*|0x[\da-f]+|0o[0-7]+|0b[01]+)$/.test(digits) ? BigInt(digits) : undefined;
}
