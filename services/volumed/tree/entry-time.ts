/** When a file's content was changed: as the kernel has it, and as archives say it (`Entry.mtime`). */

/** As the kernel has it: nanoseconds count up, from the second before when it is before 1970. */
export type Time = readonly [seconds: number, nanoseconds: number];

export function timeOf(mtime: string): Time {
	const seconds = Number(mtime.slice(0, -10));
	const nanoseconds = Number(mtime.slice(-9));
	if (!mtime.startsWith("-") || nanoseconds === 0) return [seconds, nanoseconds];
	return [seconds - 1, 1_000_000_000 - nanoseconds];
}

export function timeText([seconds, nanoseconds]: Time): string {
	if (seconds >= 0 || nanoseconds === 0) return `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
	// The kernel counts up from the second before.
	const whole = seconds + 1;
	return `${whole === 0 ? "-0" : whole}.${String(1_000_000_000 - nanoseconds).padStart(9, "0")}`;
}
