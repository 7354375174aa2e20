/** Choices that a seed repeats (mulberry32). */
import type { Choices } from "./kill-clients.ts";

export function seededChoices(seed: number): Choices {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = state;
		mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return { below: (end) => Math.floor(next() * end) };
}
