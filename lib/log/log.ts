/**
 * The log of a process: JSON, one object a line, on stderr; the only importer of pino.
 *
 * Lines are written synchronously, so the last line before a SIGKILL is there. Nothing secret is passed in, so nothing is redacted.
 * A disk that is full ends no process: lines are kept, up to a bound, and written when there is room again.
 */
import pino, { type DestinationStream, type Logger } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values of one line. An `err` that is an Error is written with its type, message, stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What is kept while it cannot be written; what comes then is dropped. */
const KEPT_BYTES = 1024 * 1024;

export interface LogOptions {
	readonly service: string;
	/** `info` unless given. */
	readonly level?: LogLevel;
	/** Takes each line, newline included; stderr unless given. */
	readonly sink?: { write(line: string): void };
}

export interface Log {
	debug(message: string, fields?: LogFields): void;
	info(message: string, fields?: LogFields): void;
	warn(message: string, fields?: LogFields): void;
	error(message: string, fields?: LogFields): void;
	/** The one line that each change to the kernel leaves: `log.change("link.add", { name })`. */
	change(what: string, fields?: LogFields): void;
	/** A log whose every line carries these fields as well. */
	child(fields: LogFields): Log;
}

export function createLog({ service, level = "info", sink }: LogOptions): Log {
	// fd 2 is opened by nobody here: pino writes to it and never closes it.
	return logOf(
		pino(
			{
				level,
				base: { service, pid: process.pid },
				messageKey: "message",
				timestamp: pino.stdTimeFunctions.isoTime,
				formatters: { level: (label) => ({ level: label }) },
			},
			sink ?? standardError(),
		),
	);
}

function standardError(): DestinationStream {
	const destination = pino.destination({ fd: 2, sync: true, maxLength: KEPT_BYTES });
	destination.on("error", () => undefined); // there is nowhere to tell it; without a listener it would end the process
	return destination;
}

function logOf(logger: Logger): Log {
	return {
		debug: (message, fields = {}) => logger.debug(fields, message),
		info: (message, fields = {}) => logger.info(fields, message),
		warn: (message, fields = {}) => logger.warn(fields, message),
		error: (message, fields = {}) => logger.error(fields, message),
		change: (what, fields = {}) => logger.info({ ...fields, change: what }, "change"),
		child: (fields) => logOf(logger.child(fields)),
	};
}
