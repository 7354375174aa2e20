import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type DatedArchive, type RetentionRule, type RetentionRules, retained } from "./retention.ts";

const at = (time: string, sequence = 1, name = `${time} ${sequence}`): DatedArchive => ({
	name,
	time: new Date(time),
	sequence,
});
const HOUR_MS = 3_600_000;

/** What is kept, as `name: rule period, …`, and what goes. */
function decided(archives: readonly DatedArchive[], rules: RetentionRules, made?: string) {
	const { keep, remove } = retained(archives, rules, made);
	const told = keep.map(({ archive, reasons }) => {
		const why = reasons.map(({ rule, period }) => `${rule} ${period}`.trim()).join(", ");
		return `${archive.name}: ${why}`;
	});
	return { keep: told, remove: remove.map(({ name }) => name) };
}

afterEach(() => {
	vi.unstubAllEnvs();
});

describe("a rule alone", () => {
	test("last: the newest so many, whenever they were made", () => {
		const archives = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2024-01-01T00:00:00Z"].map((time) => at(time));
		expect(decided(archives, { last: 2 })).toEqual({
			keep: ["2026-01-01T00:00:01Z 1: last 1", "2026-01-01T00:00:00Z 1: last 2"],
			remove: ["2024-01-01T00:00:00Z 1"],
		});
	});

	test.each<[RetentionRule, string[], string[]]>([
		[
			"hourly",
			["2026-03-01T10:00:00Z", "2026-03-01T10:59:59Z", "2026-03-01T09:59:59Z"],
			["2026-03-01T10", "2026-03-01T09"],
		],
		["daily", ["2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "2026-02-28T23:59:59Z"], ["2026-03-01", "2026-02-28"]],
		["weekly", ["2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z", "2026-11-15T23:59:59Z"], ["2026-W47", "2026-W46"]],
		["monthly", ["2026-03-01T00:00:00Z", "2026-03-31T23:59:59Z", "2026-02-28T23:59:59Z"], ["2026-03", "2026-02"]],
	])("%s: the newest of each period", (rule, [early = "", late = "", before = ""], [period, previous]) => {
		expect(
			decided(
				[early, before, late].map((time) => at(time)),
				{ [rule]: 2 },
			),
		).toEqual({
			keep: [`${late} 1: ${rule} ${period}`, `${before} 1: ${rule} ${previous}`],
			remove: [`${early} 1`],
		});
	});

	// As `date -u +%G-W%V` has them.
	test.each([
		["2020-12-31T12:00:00Z", "2020-W53"],
		["2021-01-03T23:59:59Z", "2020-W53"],
		["2021-01-04T00:00:00Z", "2021-W01"],
		["2024-12-30T00:00:00Z", "2025-W01"],
		["2026-01-01T00:00:00Z", "2026-W01"],
		["2027-01-01T00:00:00Z", "2026-W53"],
	])("%s is in the week %s", (time, week) => {
		expect(decided([at(time)], { weekly: 1 }).keep).toEqual([`${time} 1: weekly ${week}`]);
	});

	test("periods without archives are not counted", () => {
		const archives = ["2026-11-22T00:00:00Z", "2023-05-05T00:00:00Z", "2020-01-01T00:00:00Z"].map((time) => at(time));
		expect(decided(archives, { daily: 2 }).remove).toEqual(["2020-01-01T00:00:00Z 1"]);
	});

	test("periods are UTC's wherever the host is", () => {
		vi.stubEnv("TZ", "America/Los_Angeles");
		const monday = at("2026-06-01T03:30:00Z");
		expect([monday.time.getMonth(), monday.time.getDay()]).toEqual([4, 0]); // it is still Sunday, the last of May there
		const rules = { hourly: 1, daily: 1, weekly: 1, monthly: 1 };
		expect(decided([monday], rules).keep).toEqual([
			`${monday.name}: hourly 2026-06-01T03, daily 2026-06-01, weekly 2026-W23, monthly 2026-06`,
		]);
	});
});

test("an archive says every rule that keeps it", () => {
	const archives = [at("2026-11-22T10:00:00Z"), at("2026-11-21T10:00:00Z"), at("2026-10-01T10:00:00Z")];
	expect(decided(archives, { last: 1, hourly: 1, daily: 2, weekly: 1, monthly: 2 })).toEqual({
		keep: [
			"2026-11-22T10:00:00Z 1: last 1, hourly 2026-11-22T10, daily 2026-11-22, weekly 2026-W47, monthly 2026-11",
			"2026-11-21T10:00:00Z 1: daily 2026-11-21",
			"2026-10-01T10:00:00Z 1: monthly 2026-10",
		],
		remove: [],
	});
});

test.each<[RetentionRules]>([[{}], [{ last: 0, daily: 0 }]])("without a rule (%j) everything stays", (rules) => {
	const archives = [at("2026-11-22T10:00:00Z"), at("2026-11-22T10:00:00Z", 2), at("1999-01-01T00:00:00Z")];
	expect(decided(archives, rules)).toEqual({
		keep: ["2026-11-22T10:00:00Z 2: ", "2026-11-22T10:00:00Z 1: ", "1999-01-01T00:00:00Z 1: "],
		remove: [],
	});
});

test("of one second the later one counts as newer, beyond nine too; of one place in it the name decides", () => {
	const second = "2026-11-22T10:00:00Z";
	expect(decided([at(second, 9), at(second, 10), at(second)], { daily: 1 }).keep[0]).toMatch(`${second} 10: daily`);
	const [gz, zst] = [at(second, 1, "a.gz"), at(second, 1, "a.zst")];
	for (const pair of [
		[gz, zst],
		[zst, gz],
	])
		expect(decided(pair, { last: 1 }).remove).toEqual(["a.gz"]);
});

test("what was just made stays, though the clock was ahead before", () => {
	const archives = [at("2031-01-01T00:00:00Z"), at("2026-11-22T10:00:00Z"), at("2026-11-21T10:00:00Z")];
	expect(decided(archives, { last: 1 }, "2026-11-22T10:00:00Z 1")).toEqual({
		keep: ["2031-01-01T00:00:00Z 1: last 1", "2026-11-22T10:00:00Z 1: made"],
		remove: ["2026-11-21T10:00:00Z 1"],
	});
});

test("two years of nightly backups, pruned after each, leave the days, the week's ends and the month's ends", () => {
	let there: DatedArchive[] = [];
	for (let day = Date.UTC(2024, 10, 23, 3); day <= Date.UTC(2026, 10, 22, 3); day += 24 * HOUR_MS) {
		const made = at(new Date(day).toISOString().slice(0, 10));
		there = retained([...there, made], { daily: 7, weekly: 4, monthly: 3 }, made.name).keep.map(
			({ archive }) => archive,
		);
	}
	expect(there.map(({ time }) => time.toISOString().slice(0, 10))).toEqual([
		...["2026-11-22", "2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17", "2026-11-16"],
		...["2026-11-15", "2026-11-08", "2026-11-01"], // Sundays; the fourth is the 22nd
		...["2026-10-31", "2026-09-30"], // the third is the 22nd
	]);
});

describe("whatever is there and whatever the rules are", () => {
	const START = Date.UTC(2025, 11, 20);
	const archives = array(
		record({
			quarters: integer({ min: 0, max: 60 * 24 * 4 }),
			sequence: constantFrom(1, 2, 3),
			name: constantFrom("a", "b"),
		}),
		{ maxLength: 60 },
	).map((all) =>
		all.map(
			({ quarters, sequence, name }): DatedArchive => ({
				name,
				time: new Date(START + quarters * (HOUR_MS / 4)),
				sequence,
			}),
		),
	);
	const count = integer({ min: 0, max: 5 });
	const rules = record(
		{ last: count, hourly: count, daily: count, weekly: count, monthly: count },
		{ requiredKeys: [] },
	);

	/** Numbers that are equal within a period and nowhere else, by arithmetic instead of text. */
	const PERIODS: Readonly<Record<Exclude<RetentionRule, "last">, (time: Date) => number>> = {
		hourly: (time) => Math.floor(time.getTime() / HOUR_MS),
		daily: (time) => Math.floor(time.getTime() / (24 * HOUR_MS)),
		weekly: (time) => Math.floor((time.getTime() / (24 * HOUR_MS) + 3) / 7), // 1970 began on a Thursday
		monthly: (time) => time.getUTCFullYear() * 12 + time.getUTCMonth(),
	};
	const isNewer = (a: DatedArchive, b: DatedArchive): boolean =>
		Number(a.time) - Number(b.time) > 0 || (Number(a.time) === Number(b.time) && a.sequence > b.sequence);

	/** The rule itself, said of one archive: nothing newer in its period, and fewer newer periods than are kept. */
	function isKept(archive: DatedArchive, all: readonly DatedArchive[], wanted: RetentionRules): boolean {
		const newer = all.filter((one) => isNewer(one, archive));
		if (newer.length < (wanted.last ?? 0)) return true;
		return (Object.keys(PERIODS) as (keyof typeof PERIODS)[]).some((rule) => {
			const newerPeriods = new Set(newer.map(({ time }) => PERIODS[rule](time)));
			return !newerPeriods.has(PERIODS[rule](archive.time)) && newerPeriods.size < (wanted[rule] ?? 0);
		});
	}

	test("each archive is kept or goes as the rule says of it, and the newest is kept", () => {
		assert(
			property(archives, rules, (drawn, wanted) => {
				// One of each place in a second: the rule above says nothing of what is equally new.
				const all = [...new Map(drawn.map((one) => [`${Number(one.time)} ${one.sequence}`, one])).values()];
				const { keep, remove } = retained(all, wanted);
				const isRuled = Object.values(wanted).some((one) => one > 0);
				const kept = keep.map(({ archive }) => archive);
				expect(new Set([...kept, ...remove])).toEqual(new Set(all));
				expect(kept.length + remove.length).toBe(all.length);
				for (const archive of kept) expect(!isRuled || isKept(archive, all, wanted)).toBe(true);
				for (const archive of remove) expect(isRuled && !isKept(archive, all, wanted)).toBe(true);
				expect(remove.some((one) => !all.some((other) => isNewer(other, one)))).toBe(false);
			}),
		);
	});

	test("the order that they come in is no matter, and what was kept is kept again", () => {
		assert(
			property(archives, rules, (all, wanted) => {
				const decision = decided(all, wanted);
				expect(decided(all.toReversed(), wanted)).toEqual(decided(all, wanted));
				const kept = retained(all, wanted).keep.map(({ archive }) => archive);
				expect(decided(kept, wanted)).toEqual({ keep: decision.keep, remove: [] });
			}),
		);
	});
});
