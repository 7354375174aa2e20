/** The name that somebody who wrote `name` most likely meant: the one with the fewest edits (Levenshtein). */
export function nearest(name: string, names: readonly string[]): string | undefined {
	const ranked = names.map((candidate) => ({
		candidate,
		edits: distance(name.toLowerCase(), candidate.toLowerCase()),
	}));
	return ranked.sort((a, b) => a.edits - b.edits)[0]?.candidate;
}

function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (const [i, left] of Array.from(a).entries()) {
		const next = [i + 1];
		for (const [j, right] of Array.from(b).entries()) {
			const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
			next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
		}
		row = next;
	}
	return row.at(-1) ?? 0;
}
