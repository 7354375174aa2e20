import { describe, expect, test } from "vitest";
import { parseFilters, parseLabelFilter, parseYesNo } from "./filters.ts";
import { parseMoment } from "./moment.ts";

const KNOWN = ["dangling", "label", "label!", "name"] as const;

describe("--filter", () => {
	test("several, of one name too", () => {
		const given = parseFilters(["label=a=1", "dangling=true", "label=b", "label!=c=d"], KNOWN);
		expect(Object.fromEntries(given)).toEqual({ label: ["a=1", "b"], dangling: ["true"], "label!": ["c=d"] });
	});

	test("an unknown one is answered with the known ones, and the nearest", () => {
		expect(() => parseFilters(["danglin=true"], KNOWN)).toThrow(
			'There is no filter "danglin"; did you mean dangling? There are dangling, label, label!, name.',
		);
		expect(() => parseFilters(["xyzzy=true"], KNOWN)).toThrow('There is no filter "xyzzy". There are dangling,');
		expect(() => parseFilters(["dangling!=true"], KNOWN)).toThrow('There is no filter "dangling!"');
	});

	test.each(["", "dangling", "dangling=", "=true", "=", "label!"])("not %j", (text) => {
		expect(() => parseFilters([text], KNOWN)).toThrow("it has to be NAME=VALUE.");
	});

	test("labels", () => {
		expect(parseLabelFilter(["a=1", "b", "a=1"])).toEqual({ a: "1", b: "" });
		expect(parseLabelFilter()).toEqual({});
		expect(() => parseLabelFilter(["a=1", "a=2"])).toThrow("it has to be the only one of the label a.");
		expect(() => parseLabelFilter(["=1"])).toThrow("it has to be KEY=VALUE.");
	});

	test("yes and no", () => {
		expect([["true"], ["1"], ["false", "0"], [], undefined].map((values) => parseYesNo("dangling", values))).toEqual([
			true,
			true,
			false,
			undefined,
			undefined,
		]);
		expect(() => parseYesNo("dangling", ["maybe"])).toThrow("it has to be dangling=true or dangling=false.");
		expect(() => parseYesNo("dangling", ["true", "false"])).toThrow("it has to be there once.");
	});
});

describe("a moment", () => {
	const NOW = new Date("2026-01-02T03:04:05Z");
	test.each([
		["10m", "2026-01-02T02:54:05.000Z"],
		["1h30m", "2026-01-02T01:34:05.000Z"],
		["7d", "2025-12-26T03:04:05.000Z"],
		["1.5s", "2026-01-02T03:04:03.500Z"],
		["250ms", "2026-01-02T03:04:04.750Z"],
		["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"],
		["2026-01-01T00:00+02:00", "2025-12-31T22:00:00.000Z"],
		["1767323045", "2026-01-02T03:04:05.000Z"],
		["1767323045.25", "2026-01-02T03:04:05.250Z"],
	])("%s is %s", (text, expected) => expect(parseMoment("The time", text, NOW).toISOString()).toBe(expected));

	test("without an offset it is in the local time zone", () => {
		expect(parseMoment("The time", "2026-01-02", NOW)).toEqual(new Date(2026, 0, 2));
		expect(parseMoment("The time", "2026-01-02T10:20", NOW)).toEqual(new Date(2026, 0, 2, 10, 20));
	});

	test.each(["", "10", "m", "10y", "-5m", "yesterday", "2026-13-01", "2026-1-1", "2026-01-01 10:00"])(
		"not %j",
		(text) => {
			expect(() => parseMoment("The time", text, NOW)).toThrow("it has to be so long ago, as 90m");
		},
	);
});
