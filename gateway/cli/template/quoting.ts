/** Go's strconv.Quote: a text between quotes, what cannot be seen escaped. */

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

export function quoted(text: string, quote = '"'): string {
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
