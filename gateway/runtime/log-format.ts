/**
 * conmon's log format (`k8s-file`): `2026-01-02T03:04:05.123456789+00:00 stdout F what was written`. Pure.
 *
 * `F` ends a line that the process ended; `P` is a part of one, without its end.
 */
export interface LogEntry {
	readonly time: Date;
	readonly output: "stdout" | "stderr";
	/** With the line's end where the process wrote one. */
	readonly data: Uint8Array;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Takes the bytes of a log in pieces of any size and gives whole entries. */
export class LogParser {
	#rest: Uint8Array = new Uint8Array();

	push(chunk: Uint8Array): LogEntry[] {
		const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
		const entries: LogEntry[] = [];
		let from = 0;
		for (let end = bytes.indexOf(NEWLINE, from); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
			const entry = parseEntry(bytes.subarray(from, end + 1));
			if (entry !== undefined) entries.push(entry);
			from = end + 1;
		}
		this.#rest = new Uint8Array(bytes.subarray(from));
		return entries;
	}
}

/** A line that is not conmon's is nobody's output. */
function parseEntry(line: Uint8Array): LogEntry | undefined {
	const afterTime = line.indexOf(SPACE);
	const afterOutput = line.indexOf(SPACE, afterTime + 1);
	const afterTag = line.indexOf(SPACE, afterOutput + 1);
	if (afterTime < 0 || afterOutput < 0 || afterTag < 0) return undefined;
	const text = (start: number, end: number): string => Buffer.from(line.subarray(start, end)).toString("latin1");
	const time = new Date(text(0, afterTime));
	const output = text(afterTime + 1, afterOutput);
	const tag = text(afterOutput + 1, afterTag);
	if (Number.isNaN(time.getTime()) || (output !== "stdout" && output !== "stderr")) return undefined;
	const isWhole = tag.split(":")[0] === "F";
	return { time, output, data: line.subarray(afterTag + 1, isWhole ? line.length : line.length - 1) };
}
