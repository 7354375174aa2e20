/**
 * Which of a volume's dated archives stay and which go.
 *
 * Each rule keeps the newest archive of each of so many periods, the newest periods first; a period without an archive is not
 * counted, so that a pause in the backups takes nothing away. What any rule keeps stays. Periods are UTC's; weeks are ISO 8601's.
 */

/** Each archive is a period of its own under `last`. */
const RULES = ["last", "hourly", "daily", "weekly", "monthly"] as const;
export type RetentionRule = (typeof RULES)[number];

/** How many periods each rule keeps; zero, as none at all, is no rule. */
export type RetentionRules = Readonly<Partial<Record<RetentionRule, number>>>;

export interface DatedArchive {
	readonly name: string;
	readonly time: Date;
	/** Its place among those of the same second. */
	readonly sequence: number;
}

export interface RetentionReason {
	readonly rule: RetentionRule | "made";
	/** As `2026-11-22T09`, `2026-11-22`, `2026-W47`, `2026-11`; under `last` its place from the newest; empty for what was just made. */
	readonly period: string;
}

export interface KeptArchive<A> {
	readonly archive: A;
	/** Empty: there is no rule. */
	readonly reasons: readonly RetentionReason[];
}

/** Both newest first; together they are what was asked about. */
export interface Retained<A> {
	readonly keep: readonly KeptArchive<A>[];
	readonly remove: readonly A[];
}

/**
 * Pure; the order of `archives` is no matter. Without a rule everything stays, and the newest does under every rule.
 *
 * `made` names the archive that was just made, which stays whatever is there: after a clock was ahead it is not the newest.
 */
export function retained<A extends DatedArchive>(
	archives: readonly A[],
	rules: RetentionRules,
	made?: string,
): Retained<A> {
	const newestFirst = archives.toSorted(newerFirst);
	const active = RULES.map((rule) => ({ rule, count: rules[rule] ?? 0 })).filter(({ count }) => count > 0);
	if (active.length === 0) return { keep: newestFirst.map((archive) => ({ archive, reasons: [] })), remove: [] };
	const reasons = new Map<A, RetentionReason[]>(newestFirst.map((archive) => [archive, []]));
	for (const { rule, count } of active) {
		for (const [period, archive] of newestOf(newestFirst, rule, count)) reasons.get(archive)?.push({ rule, period });
	}
	for (const archive of newestFirst)
		if (archive.name === made) reasons.get(archive)?.push({ rule: "made", period: "" });
	const judged = [...reasons].map(([archive, why]) => ({ archive, reasons: why }));
	return {
		keep: judged.filter((one) => one.reasons.length > 0),
		remove: judged.filter((one) => one.reasons.length === 0).map(({ archive }) => archive),
	};
}

/** The newest `count` periods that have archives, each with its newest one. */
function newestOf<A extends DatedArchive>(newestFirst: readonly A[], rule: RetentionRule, count: number) {
	const found = new Map<string, A>();
	for (const [index, archive] of newestFirst.entries()) {
		if (found.size >= count) break;
		const period = periodOf(rule, archive.time, index);
		if (!found.has(period)) found.set(period, archive);
	}
	return found;
}

function periodOf(rule: RetentionRule, time: Date, index: number): string {
	switch (rule) {
		case "last":
			return String(index + 1);
		case "hourly":
			return time.toISOString().slice(0, "YYYY-MM-DDTHH".length);
		case "daily":
			return time.toISOString().slice(0, "YYYY-MM-DD".length);
		case "weekly":
			return isoWeekOf(time);
		case "monthly":
			return time.toISOString().slice(0, "YYYY-MM".length);
	}
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A week belongs to the year that has its Thursday. */
function isoWeekOf(time: Date): string {
	const daysSinceMonday = (time.getUTCDay() + 6) % 7;
	const thursday = new Date(time.getTime() + (3 - daysSinceMonday) * DAY_MS);
	const year = thursday.getUTCFullYear();
	const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
	return `${year}-W${String(week).padStart(2, "0")}`;
}

/** Of equal times the later one in its second; names decide what is left, so that the answer is always the same. */
export function newerFirst(a: DatedArchive, b: DatedArchive): number {
	const byTime = b.time.getTime() - a.time.getTime() || b.sequence - a.sequence;
	if (byTime !== 0) return byTime;
	if (a.name === b.name) return 0;
	return a.name < b.name ? 1 : -1;
}
