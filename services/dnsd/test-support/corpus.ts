/** The packets that fuzzing begins with: texts of a comment and the bytes, one after the other. */
import { readFileSync } from "node:fs";

export interface Sample {
	readonly what: string;
	readonly packet: Buffer;
}

function read(file: string): readonly Sample[] {
	const lines = readFileSync(new URL(`corpus/${file}`, import.meta.url), "utf8").split("\n");
	return lines.flatMap((line, index) =>
		/^[0-9a-f]+$/.test(line) ? [{ what: lines[index - 1]?.slice(2) ?? "", packet: Buffer.from(line, "hex") }] : [],
	);
}

export const QUERIES = read("queries.txt");
export const RESPONSES = read("responses.txt");
