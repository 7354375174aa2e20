/** Times and sizes as a person says them; Docker's words (go-units). */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `Less than a second`, `5 seconds`, `About a minute`, `3 hours`, `2 weeks`. */
export function duration(ms: number): string {
	const seconds = Math.floor(ms / 1000);
	if (seconds < 1) return "Less than a second";
	if (seconds === 1) return "1 second";
	if (seconds < MINUTE) return `${seconds} seconds`;
	const minutes = Math.floor(seconds / MINUTE);
	if (minutes === 1) return "About a minute";
	if (minutes < 60) return `${minutes} minutes`;
	const hours = Math.round(seconds / HOUR);
	if (hours === 1) return "About an hour";
	if (hours < 48) return `${hours} hours`;
	const days = Math.floor(seconds / DAY);
	if (days < 14) return `${days} days`;
	if (days < 60) return `${Math.floor(days / 7)} weeks`;
	if (days < 730) return `${Math.floor(days / 30)} months`;
	return `${Math.floor(days / 365)} years`;
}

export function ago(then: Date, now: Date): string {
	return `${duration(now.getTime() - then.getTime())} ago`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `482B`, `1.5kB`, `27.3MB`: powers of 1000, at most four digits. */
export function size(bytes: bigint | number): string {
	let value = Number(bytes);
	let unit = 0;
	while (value >= 1000 && unit < UNITS.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit === 0 ? value : Number(value.toPrecision(4))}${UNITS[unit] ?? ""}`;
}

/** `1 volume`, `2 volumes`. */
export function count(number: number, noun: string, several = `${noun}s`): string {
	return `${number} ${number === 1 ? noun : several}`;
}

/** Of an archive, or of what was in a volume. */
export function entriesText(entries: bigint): string {
	return count(Number(entries), "entry", "entries");
}

/** `312 ms`, `2.1 s`. */
export function elapsed(ms: number): string {
	return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
