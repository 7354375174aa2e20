/** What a check has found, for people and for programs. */
export interface Finding {
	/** `error`: traffic is lost now. `warning`: it will be, or some of it is. `info`: good to know. */
	readonly severity: "error" | "warning" | "info";
	/** Stays the same from version to version. */
	readonly code: string;
	readonly sentence: string;
	/** What to do, in a sentence. */
	readonly advice: string;
	/** The same as command lines for a root shell; none where there is nothing to type. */
	readonly commands: readonly string[];
	readonly metadata: Readonly<Record<string, string>>;
}

/** One command line; names of links and tables are anybody's choice, so what a shell would read otherwise is quoted. */
export function commandLine(...words: readonly string[]): string {
	return words
		.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
		.join(" ");
}
