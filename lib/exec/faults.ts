/** How a program can disappoint. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const execFaults = catalogue("exec", {
	PROGRAM_MISSING: {
		code: "FAILED_PRECONDITION",
		message: (m: { program: string; package: string }) => `The program ${m.program} is not installed.`,
		help: (m) => `Install it with \`apt-get install ${m.package}\`.`,
	},
	PROGRAM_NOT_STARTED: {
		code: "INTERNAL",
		message: (m: { program: string; problem: string }) => `${m.program} could not be started: ${m.problem}.`,
	},
	/** `status` is "exit status 2" or "signal SIGKILL"; `stderr` is the end of what it wrote there. */
	PROGRAM_FAILED: {
		code: "INTERNAL",
		message: (m: { program: string; status: string; stderr: string }) =>
			`${m.program} ended with ${m.status}${lastLine(m.stderr)}`,
	},
	PROGRAM_TIMED_OUT: {
		code: "DEADLINE_EXCEEDED",
		message: (m: { program: string; timeoutMs: string }) =>
			`${m.program} took longer than ${m.timeoutMs} ms and was ended.`,
	},
	PROGRAM_OUTPUT_TOO_LARGE: {
		code: "INTERNAL",
		message: (m: { program: string; limitBytes: string }) =>
			`${m.program} wrote more than ${m.limitBytes} bytes to its output and was ended.`,
	},
});

function lastLine(stderr: string): string {
	const line = stderr.trimEnd().split("\n").at(-1) ?? "";
	return line === "" ? " and said nothing." : `: ${line.replace(/\.?$/, ".")}`;
}
