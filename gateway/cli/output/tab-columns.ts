/**
 * Text whose tabs end cells, in columns: as Go's text/tabwriter with Docker's settings (10 columns at least, 3 of them blank).
 *
 * A column is as wide as its widest cell in neighbouring lines; what is behind a line's last tab belongs to none.
 */

const [MIN_WIDTH, GAP] = [10, 3];

export function tabColumns(text: string): string {
	const lines = text.split("\n").map((line) => line.split("\t"));
	const widths = lines.map(() => [] as number[]);
	for (let column = 0; lines.some((cells) => column < cells.length - 1); column++) {
		const has = (line: number): boolean => column < (lines[line]?.length ?? 0) - 1;
		for (let from = 0; from < lines.length; from++) {
			if (!has(from)) continue;
			let to = from;
			while (has(to)) to++;
			const cells = lines.slice(from, to).map((cells) => width(cells[column] ?? ""));
			const widest = cells.reduce((most, one) => Math.max(most, one + GAP), MIN_WIDTH);
			for (; from < to; from++) widths[from]?.push(widest);
		}
	}
	return lines.map((cells, line) => cells.map((cell, at) => padded(cell, widths[line]?.[at] ?? 0)).join("")).join("\n");
}

function padded(cell: string, columns: number): string {
	return cell + " ".repeat(Math.max(0, columns - width(cell)));
}

/** Code points, as Go counts. */
function width(text: string): number {
	return [...text].length;
}
