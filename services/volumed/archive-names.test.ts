import {
	array,
	assert,
	constantFrom,
	date,
	integer,
	oneof,
	property,
	record,
	string,
	stringMatching,
} from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArchiveName, archiveName, findArchiveName, newArchiveName } from "./archive-names.ts";
import { parseVolumeName } from "./volume.ts";

const of = (
	volume: string,
	time: string,
	sequence = 1,
	compression: ArchiveName["compression"] = "none",
): ArchiveName => ({
	volume: parseVolumeName(volume),
	time: new Date(time),
	sequence,
	compression,
});

/** What is like a part of an archive's name, and may be one of a volume's. */
const TRAPS = ["20260101T000000Z", "-", "-2", ".tar", ".tar.gz", ".zst", "aa", "7", "Z", "T"];
const volumes = oneof(
	stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/),
	array(constantFrom(...TRAPS), { minLength: 1, maxLength: 6 }).map((parts) => `a${parts.join("")}`),
);
const names = record({
	volume: volumes.map(parseVolumeName),
	time: date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }).map(
		(time) => new Date(Math.floor(time.getTime() / 1_000) * 1_000),
	),
	sequence: oneof(constantFrom(1, 2, 9, 10, 11), integer({ min: 1, max: 999_999 })),
	compression: constantFrom<ArchiveName["compression"]>("none", "zstd", "gzip"),
});

describe("a name", () => {
	test.each([
		[of("data", "2026-01-02T03:04:05Z"), "data-20260102T030405Z.tar"],
		[of("data", "2026-01-02T03:04:05.999Z", 1, "zstd"), "data-20260102T030405Z.tar.zst"],
		[of("data", "2026-12-31T23:59:59Z", 2, "gzip"), "data-20261231T235959Z-2.tar.gz"],
		[of("my-data.v2_x", "2026-01-02T03:04:05Z", 12), "my-data.v2_x-20260102T030405Z-12.tar"],
	])("%j is %s", (parts, name) => {
		expect(archiveName(parts)).toBe(name);
	});

	test("is read back as what it was made of", () => {
		assert(
			property(names, (parts) => {
				expect(findArchiveName(archiveName(parts))).toEqual(parts);
			}),
		);
	});

	test("is no other one's", () => {
		assert(
			property(names, names, (a, b) => {
				expect(archiveName(a) === archiveName(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
			}),
		);
	});

	test("fits into a directory, however long the volume's is", () => {
		const name = archiveName(of("v".repeat(128), "2026-01-02T03:04:05Z", 999_999, "zstd"));
		expect(name.length).toBeLessThanOrEqual(255);
	});
});

test("a volume that is called like an archive's beginning has archives of its own", () => {
	expect(findArchiveName("aa-20260101T000000Z-20260202T000000Z.tar")).toEqual(
		of("aa-20260101T000000Z", "2026-02-02T00:00:00Z"),
	);
	expect(findArchiveName("aa-20260101T000000Z-2-20260202T000000Z-3.tar")).toEqual(
		of("aa-20260101T000000Z-2", "2026-02-02T00:00:00Z", 3),
	);
	expect(findArchiveName("aa.tar-20260101T000000Z.tar.gz")).toEqual(of("aa.tar", "2026-01-01T00:00:00Z", 1, "gzip"));
});

describe("no name of ours", () => {
	test.each([
		"",
		"data.tar",
		"data-20260102T030405Z",
		"data-20260102T030405Z.tar.bz2",
		"data-20260102T030405Z.tar.zst.partial",
		"data-20260102T030405.tar",
		"data-20260102t030405z.tar",
		"data20260102T030405Z.tar",
		"-20260102T030405Z.tar",
		"20260102T030405Z.tar",
		"d-20260102T030405Z.tar", // no volume has a name of one letter
		".data-20260102T030405Z.tar",
		"da ta-20260102T030405Z.tar",
		"../data-20260102T030405Z.tar",
		"data-20260102T030405Z.tar\n",
		"da\nta-20260102T030405Z.tar",
		`${"v".repeat(129)}-20260102T030405Z.tar`,
		"data-20260230T030405Z.tar",
		"data-20261302T030405Z.tar",
		"data-20260102T240000Z.tar",
		"data-20260102T036005Z.tar",
		"data-20260102T030460Z.tar",
		"data-20260102T030405Z-0.tar",
		"data-20260102T030405Z-1.tar",
		"data-20260102T030405Z-02.tar",
		"data-20260102T030405Z-.tar",
		"data-20260102T030405Z-1000000.tar",
		"data-٢٠٢٦٠١٠٢T030405Z.tar",
	])("%j", (name) => {
		expect(findArchiveName(name)).toBeUndefined();
	});

	test("whatever is read is written the same", () => {
		const near = names.map(archiveName).chain((name) =>
			record({
				at: integer({ min: 0, max: name.length }),
				cut: constantFrom(0, 1),
				put: oneof(string({ maxLength: 2 }), constantFrom(...TRAPS)),
			}).map(({ at, cut, put }) => name.slice(0, at) + put + name.slice(at + cut)),
		);
		assert(
			property(oneof(string(), near), (name) => {
				const read = findArchiveName(name);
				expect(read === undefined ? name : archiveName(read)).toBe(name);
			}),
			{ numRuns: 1_000 },
		);
	});
});

describe("a new one", () => {
	const wanted = {
		volume: parseVolumeName("data"),
		time: new Date("2026-01-02T03:04:05.250Z"),
		compression: "zstd",
	} as const;

	test("has no number where nothing else is of its second", () => {
		const others = [
			"data-20260102T030404Z-7.tar.zst",
			"other-20260102T030405Z.tar.zst",
			"data-20260102T030405Z-20260102T030405Z-5.tar",
			"data-20260102T030405Z.tar.zst.partial",
		];
		expect(newArchiveName(wanted, others)).toBe("data-20260102T030405Z.tar.zst");
	});

	test.each([
		[["data-20260102T030405Z.tar.zst"], 2],
		[["data-20260102T030405Z.tar"], 2],
		[["data-20260102T030405Z-9.tar.gz", "data-20260102T030405Z-10.tar"], 11],
		[["data-20260102T030405Z-10.tar.gz", "data-20260102T030405Z-9.tar"], 11],
		[["data-20260102T030405Z-3.tar.zst"], 4], // the first two were removed: it comes after the third all the same
	])("beside %j it is number %i", (others, sequence) => {
		expect(newArchiveName(wanted, others)).toBe(`data-20260102T030405Z-${sequence}.tar.zst`);
	});
});
