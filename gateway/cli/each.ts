/** Several names on one command line: each is done, errors are told as they come, and the exit status says whether there were any. */
import { isFault } from "#lib/fault/fault.ts";
import { sentence } from "./run-command-line.ts";
import type { Terminal } from "./terminal.ts";

interface EachOptions {
	/** What is not there is told and counts as done, as with Docker's `-f`. */
	readonly missingIsFine?: boolean;
	/** All at once: each may take long, and they do not mind each other. They are told as they are done. */
	readonly together?: boolean;
}

export async function each(
	names: readonly string[],
	terminal: Pick<Terminal, "err">,
	body: (name: string) => Promise<void>,
	{ missingIsFine = false, together = false }: EachOptions = {},
): Promise<number> {
	let status = 0;
	const one = async (name: string): Promise<void> => {
		try {
			await body(name);
		} catch (error) {
			if (!(missingIsFine && isFault(error) && error.code === "NOT_FOUND")) status = 1;
			await terminal.err(sentence(error));
		}
	};
	if (together) await Promise.all(names.map(one));
	else for (const name of names) await one(name);
	return status;
}
