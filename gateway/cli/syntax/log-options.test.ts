import { describe, expect, test } from "vitest";
import { parseLogOptions } from "./log-options.ts";

describe("--log-opt", () => {
	test.each([
		[[], undefined, undefined],
		[["max-size=10m", "max-file=3"], 10_000_000n, 3],
		[["max-size=500kb"], 500_000n, undefined],
		[["max-size=-1"], 0n, undefined],
		[["max-file=1"], undefined, 1],
	])("%j", (texts, maxSizeBytes, maxFiles) => expect(parseLogOptions(texts)).toEqual({ maxSizeBytes, maxFiles }));

	test.each([
		["max-size=big", /500k, 10m, 1g/],
		["max-size=0", /max-size "0"/],
		["max-file=0", /from 1 to 999/],
		["max-files=3", /has to be max-file\./],
		["labels=a", /max-size or max-file/],
	])("%s is refused, saying what is allowed", (text, words) => expect(() => parseLogOptions([text])).toThrow(words));
});
