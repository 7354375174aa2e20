/** Several names on one command line: each is done, errors are told as they come, and the exit status says whether there were any. */
import { isFault } from "#lib/fault/fault.ts";
import { sentence } from "./run-command-line.ts";
import type { Terminal } from "./terminal.ts";

export async function each(
	names: readonly string[],
	terminal: Terminal,
	body: (name: string) => Promise<void>,
	{
		missingIsFine = false,
	}: {
		/** What is not there is told and counts as done, as with Docker's `-f`. */ readonly missingIsFine?: boolean;
	} = {},
): Promise<number> {
	let status = 0;
	for (const name of names) {
		try {
			await body(name);
		} catch (error) {
			if (!(missingIsFine && isFault(error) && error.code === "NOT_FOUND")) status = 1;
			await terminal.err(sentence(error));
		}
	}
	return status;
}
