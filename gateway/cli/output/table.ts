/** Tables as Docker prints them: upper-case heads, columns three blanks apart, nothing behind the last one. */

const GAP = 3;

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => width(row[column] ?? ""))));
	const line = (cells: readonly string[]): string =>
		cells
			.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell) + GAP))
			.join("")
			.trimEnd();
	return [heads, ...rows].map((cells) => `${line(cells)}\n`).join("");
}

/** Code points: close enough for names and commands. */
function width(text: string): number {
	return [...text].length;
}
