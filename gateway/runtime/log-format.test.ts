import { describe, expect, test } from "vitest";
import { LogParser } from "./log-format.ts";

const LINES = [
	"2026-01-02T03:04:05.123456789+00:00 stdout F hello\n",
	"2026-01-02T03:04:06.000000000+00:00 stderr F oops with  blanks \n",
	"2026-01-02T03:04:07.000000000+00:00 stdout P half\n",
	"2026-01-02T03:04:07.000000001+00:00 stdout F \n",
].join("");

function read(...chunks: readonly (string | Uint8Array)[]) {
	const parser = new LogParser();
	return chunks
		.flatMap((chunk) => parser.push(Buffer.from(chunk)))
		.map(({ time, output, data }) => [time.toISOString(), output, Buffer.from(data).toString("latin1")]);
}

const EXPECTED = [
	["2026-01-02T03:04:05.123Z", "stdout", "hello\n"],
	["2026-01-02T03:04:06.000Z", "stderr", "oops with  blanks \n"],
	["2026-01-02T03:04:07.000Z", "stdout", "half"],
	["2026-01-02T03:04:07.000Z", "stdout", "\n"],
];

describe("conmon's log", () => {
	test("lines, parts of lines, and both outputs", () => expect(read(LINES)).toEqual(EXPECTED));

	test("in pieces of any size", () => {
		for (const length of [1, 7, 50]) {
			const chunks = Array.from({ length: Math.ceil(LINES.length / length) }, (_, index) =>
				LINES.slice(index * length, (index + 1) * length),
			);
			expect(read(...chunks)).toEqual(EXPECTED);
		}
	});

	test("bytes stay what they are", () => {
		const line = Buffer.concat([Buffer.from("2026-01-02T03:04:05Z stdout F "), Buffer.from([0, 255, 195, 10])]);
		expect(read(line)).toEqual([["2026-01-02T03:04:05.000Z", "stdout", "\u0000\u00ff\u00c3\n"]]);
	});

	test("what is not conmon's is left out, and a line that is not over waits", () => {
		expect(read("nonsense\n", "2026-01-02T03:04:05Z stdlog F x\n", "2026-01-02T03:04:05Z stdout F not over")).toEqual(
			[],
		);
	});
});
