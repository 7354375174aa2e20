/** Of a file with very many holes the last ones are data: what reads archives bounds how many parts a file has. */
import type { Extent } from "#lib/linux/files/content.ts";

/** `most` or fewer, which hold all of them; they are in order. The last one may have holes within, which read as zeros. */
export function atMost(most: number, extents: Iterable<Extent>): Extent[] {
	const few: Extent[] = [];
	for (const extent of extents) {
		const last = few.length < most ? undefined : few.pop();
		const start = last?.start ?? extent.start;
		few.push({ start, length: extent.start + extent.length - start });
	}
	return few;
}
