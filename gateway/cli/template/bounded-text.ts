/** A text that is put together from parts, and is told to be too long before it takes the memory for it. */

/** In letters. */
export const MAX_TEXT = 1 << 20;

/** Throws. */
export type TooLong = () => never;

/** Each part is made only when those before it were not too long. */
export function joinedText(parts: Iterable<string>, between: string, tooLong: TooLong): string {
	const all: string[] = [];
	let length = 0;
	for (const part of parts) {
		length += part.length + (all.length === 0 ? 0 : between.length);
		if (length > MAX_TEXT) return tooLong();
		all.push(part);
	}
	return all.join(between);
}
