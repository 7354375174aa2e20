import { describe, expect, test } from "vitest";
import { Progress } from "#gen/wharf/volume/v1/volume.ts";
import { ProgressLine } from "./progress-line.ts";
import { progressText } from "./progress-text.ts";

const text = (given: Partial<Progress>): string => progressText(Progress.fromPartial(given));

describe("a line of progress", () => {
	test.each([
		["what there is", { entries: 12n, bytes: 3_400n }, "12 entries, 3.4kB"],
		["the rate, after a while", { bytes: 10_000_000n, elapsedMs: 4_000n }, "0 entries, 10MB, 2.5MB/s"],
		[
			"how much there is, and what is left",
			{ entries: 25n, bytes: 1_000_000n, totalEntries: 100n, totalBytes: 4_000_000n, elapsedMs: 10_000n },
			"25 of 100 entries, 1MB of 4MB, 25%, 100kB/s, 30 seconds left",
		],
		[
			"the share, before what is left can be judged",
			{ entries: 1n, bytes: 2n, totalEntries: 4n, totalBytes: 4n, elapsedMs: 1_000n },
			"1 of 4 entries, 2B of 4B, 50%",
		],
		[
			"nothing of a total that is exceeded",
			{ entries: 5n, bytes: 2n, totalEntries: 4n, totalBytes: 1n, elapsedMs: 100n },
			"5 entries, 2B",
		],
		[
			"how much of a file has been read",
			{ entries: 5n, bytes: 9_000n, storedBytes: 500n, totalStoredBytes: 1_000n, elapsedMs: 3_000n },
			"5 entries, 9kB, 50%, 3kB/s, 3 seconds left",
		],
	])("says %s", (_, progress, expected) => {
		expect(text(progress)).toBe(expected);
	});
});

describe("on a terminal", () => {
	const clear = "\r\u001b[K";
	const terminal = (errIsTty: boolean, errColumns?: number) => {
		const written: string[] = [];
		return { written, errIsTty, errColumns, err: async (text: string | Uint8Array) => void written.push(String(text)) };
	};

	test("it is cut to the width, and gone in the end", async () => {
		const narrow = terminal(true, 10);
		const line = new ProgressLine(narrow);
		await line.draw("0123456789abc");
		await line.clear();
		await line.clear();
		expect(narrow.written).toEqual([`${clear}012345678`, clear]);
	});

	test("it is not written again at once, nor where nobody looks", async () => {
		const there = terminal(true);
		const line = new ProgressLine(there);
		await line.draw("one");
		await line.draw("two");
		expect(there.written).toEqual([`${clear}one`]);
		const nobody = terminal(false);
		const other = new ProgressLine(nobody);
		await other.draw("one");
		await other.clear();
		expect(nobody.written).toEqual([]);
	});
});
