/** How a value is to be printed, as between `%` and its letter in Go's fmt. */
export interface Verb {
	readonly letter: string;
	/** Any of `-`, `+`, `#`, `0` and the blank. */
	readonly flags: string;
	readonly width: number;
	readonly precision: number | undefined;
}

export function padded(text: string, { flags, width }: Verb): string {
	const missing = width - [...text].length;
	if (missing <= 0) return text;
	if (flags.includes("-")) return text + " ".repeat(missing);
	return (flags.includes("0") ? "0" : " ").repeat(missing) + text;
}
