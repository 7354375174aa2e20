/** Moments of the past as Docker's filters have them: so long ago, a date, or a Unix time. */
import { syntaxFaults } from "./faults.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };
const ALLOWED =
	"so long ago, as 90m, 1h30m or 7d, a date, as 2026-01-31 or 2026-01-31T12:00:00Z, or a Unix time in seconds";

/** A date without an offset is in the local time zone. Fault: INVALID_VALUE. */
export function parseMoment(what: string, text: string, now: Date): Date {
	const moment = durationBefore(text, now) ?? unixTime(text) ?? date(text);
	if (moment !== undefined && !Number.isNaN(moment.getTime())) return moment;
	throw syntaxFaults.INVALID_VALUE({ what, value: text, allowed: ALLOWED });
}

function durationBefore(text: string, now: Date): Date | undefined {
	if (!/^(\d{1,9}(\.\d{1,9})?(ms|[smhd]))+$/.test(text)) return undefined;
	const parts = [...text.matchAll(/([\d.]+)(ms|[smhd])/g)];
	const ms = parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (UNITS_MS[unit] ?? Number.NaN), 0);
	return new Date(now.getTime() - ms);
}

function unixTime(text: string): Date | undefined {
	return /^\d{5,12}(\.\d{1,9})?$/.test(text) ? new Date(Number(text) * 1000) : undefined;
}

function date(text: string): Date | undefined {
	const [, day, time = "T00:00:00"] =
		/^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
	return day === undefined ? undefined : new Date(`${day}${time}`);
}
