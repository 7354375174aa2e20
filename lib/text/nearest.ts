/** The known word that a mistyped one was most likely meant to be. Letters' case is no difference; ties go to the first candidate. */

/** At most a third of the letters may differ; otherwise a suggestion would be a guess. */
const TOLERANCE = 1 / 3;

/** However far it is; undefined only when there are no candidates. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
	return nearestWithin(Number.POSITIVE_INFINITY, word, candidates);
}

/** Undefined when nothing is near. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
	return nearestWithin(Math.max(1, Math.floor(word.length * TOLERANCE)), word, candidates);
}

function nearestWithin(edits: number, word: string, candidates: Iterable<string>): string | undefined {
	const ranked = Array.from(candidates, (candidate) => ({
		candidate,
		edits: distanceOf(word.toLowerCase(), candidate.toLowerCase()),
	}));
	const [best] = ranked.sort((a, b) => a.edits - b.edits);
	return best !== undefined && best.edits <= edits ? best.candidate : undefined;
}

/** Levenshtein's distance in which two neighbours that changed places count once (optimal string alignment). */
function distanceOf(a: string, b: string): number {
	let beforeLast: number[] = [];
	let last = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const same = a[i - 1] === b[j - 1];
			let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
			const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
			if (swapped) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
			row.push(cost);
		}
		[beforeLast, last] = [last, row];
	}
	return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
	return row[index] ?? Number.POSITIVE_INFINITY;
}
