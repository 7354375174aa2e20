/** A plugin's Status, which is any JSON, as lines of names and texts: `{a: {b: 1}}` is `a.b` = `1`. */

const MOST = 100;
const LONGEST = 1_000;

/** Of anything but an object nothing; of very much the beginning. */
export function flattened(status: unknown): Map<string, string> {
	const lines = new Map<string, string>();
	const waiting: (readonly [name: string, value: unknown])[] = Object.entries(objectOf(status)).toReversed();
	for (let next = waiting.pop(); next !== undefined && lines.size < MOST; next = waiting.pop()) {
		const [name, value] = next;
		const inside = Object.entries(objectOf(value));
		if (inside.length === 0) lines.set(name.slice(0, LONGEST), textOf(value).slice(0, LONGEST));
		else waiting.push(...inside.map(([key, one]) => [`${name}.${key}`, one] as const).toReversed());
	}
	return lines;
}

function objectOf(value: unknown): object {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function textOf(value: unknown): string {
	return (typeof value === "string" ? value : jsonOf(value)).replaceAll(/\p{C}+/gu, " ");
}

/** What is nested deeper than the stack is has no text. */
function jsonOf(value: unknown): string {
	try {
		return JSON.stringify(value);
	} catch {
		return "…";
	}
}
