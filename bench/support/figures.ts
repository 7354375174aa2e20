/** Times of a round, the rows that they become, and the table that is printed. */

/** One figure: what it is, what we have, what is to be reached, and what a peer or the bare kernel has in the same run. */
export interface Row {
	readonly figure: string;
	readonly ours: string;
	readonly aim: string;
	readonly beside: string;
}

export type Report = (row: Row) => void;

export class Times {
	readonly #values: number[] = [];

	/** Runs the body; its milliseconds are kept when it succeeds. */
	async of<T>(body: () => Promise<T> | T): Promise<T> {
		const begin = performance.now();
		const result = await body();
		this.#values.push(performance.now() - begin);
		return result;
	}

	/** Times that somebody else took. */
	add(milliseconds: readonly number[]): void {
		for (const one of milliseconds) this.#values.push(one);
	}

	get count(): number {
		return this.#values.length;
	}

	quantile(part: number): number {
		return quantile(this.#values, part);
	}

	get median(): number {
		return median(this.#values);
	}

	/** As `6.10 ms, p99 12.4 ms`. */
	toString(): string {
		return `${this.median.toFixed(2)} ms, p99 ${this.quantile(0.99).toFixed(1)} ms`;
	}
}

export function median(values: readonly number[]): number {
	return quantile(values, 0.5);
}

/** Not a number where there are no values. */
function quantile(values: readonly number[], part: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function times(count: number, body: (index: number) => Promise<void>): Promise<void> {
	return inLanes(count, 1, body);
}

/** Calls the body `count` times, `lanes` at a time. */
export async function inLanes(count: number, lanes: number, body: (index: number) => Promise<void>): Promise<void> {
	let next = 0;
	const lane = async (): Promise<void> => {
		while (next < count) await body(next++);
	};
	await Promise.all(Array.from({ length: lanes }, lane));
}

export type Part = (report: Report) => Promise<void>;

/**
 * Each part, or those that WHARF_BENCH_ROWS names, tells its rows, which are printed as they come and in the end as a table.
 * `name`: whose figures these are.
 */
export async function printParts(name: string, parts: Readonly<Record<string, Part>>): Promise<void> {
	// What was started ends with this process: exec sees to it at an exit, and a signal alone is none.
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
	const rows: Row[] = [];
	for (const part of wanted(parts)) {
		await part((row) => {
			rows.push(row);
			console.log(`${row.figure}: ${row.ours} (aim ${row.aim}) ${row.beside}`);
		});
	}
	console.log(`\n| figure | ${name} | aim | beside, in the same run |\n|---|---|---|---|`);
	for (const { figure, ours, aim, beside } of rows) console.log(`| ${figure} | ${ours} | ${aim} | ${beside} |`);
}

function wanted(parts: Readonly<Record<string, Part>>): Part[] {
	const names = process.env["WHARF_BENCH_ROWS"]?.split(",") ?? Object.keys(parts);
	return names.map((one) => {
		const part = parts[one];
		if (part === undefined) throw new Error(`there is no part ${one}; there are ${Object.keys(parts).join(", ")}`);
		return part;
	});
}
