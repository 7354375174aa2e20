/** From arguments to an exit status: finds the command, parses, runs, and says in one sentence what went wrong. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Paths } from "#lib/config/paths.ts";
import { Fault } from "#lib/fault/fault.ts";
import { suggestion } from "#lib/text/nearest.ts";
import { COMMANDS, find } from "./catalog.ts";
import { overview } from "./overview.ts";
import { packageRoot } from "../package-root.ts";
import { processTerminal } from "./process-terminal.ts";
import type { Command } from "./syntax/command.ts";
import { syntaxFaults } from "./syntax/faults.ts";
import { helpOf } from "./syntax/help.ts";
import { parse } from "./syntax/parse.ts";
import type { Terminal } from "./terminal.ts";

/** `run`, `create` and `exec` have this status for wharf's own failures; their program's status is its own. */
const DEFAULT_FAILURE = 1;

export async function runCommandLine(args: readonly string[]): Promise<number> {
	let paths: Paths | undefined;
	const terminal = processTerminal(() => (paths ??= Paths.fromEnv(process.env)));
	let failureStatus = DEFAULT_FAILURE;
	try {
		if (["--version", "-v", "version"].includes(args[0] ?? ""))
			return await say(terminal, `wharf version ${version()}\n`);
		const found = find(args);
		if (found.kind === "list") return await say(terminal, overview(found.prefix));
		if (found.kind === "unknown") throw unknown(found.words);
		// oxlint-disable-next-line typescript/no-explicit-any -- its own flags are its own affair; `parse` and `run` agree on them.
		const command: Command<any> = (await found.entry.load()).default;
		failureStatus = command.failureStatus ?? DEFAULT_FAILURE;
		const parsed = parse(command, found.args);
		if (parsed.help) return await say(terminal, helpOf(command));
		return await command.run({ flags: parsed.flags, operands: parsed.operands, terminal });
	} catch (error) {
		await terminal.err(sentence(error));
		return failureStatus;
	}
}

async function say(terminal: Terminal, text: string): Promise<number> {
	await terminal.out(text);
	return 0;
}

/** Of two words the first may be a mistyped group, or a whole command. */
function unknown(words: readonly string[]): Fault {
	const names = Object.keys(COMMANDS);
	const [first = "", second = ""] = words;
	const groups = new Set(names.filter((name) => name.includes(" ")).map((name) => name.split(" ")[0] ?? ""));
	const isGroup = groups.has(first);
	const near = isGroup
		? nearestOf(first, second, names)
		: (suggestion(words.join(" "), names) ?? suggestion(first, [...names, ...groups]));
	return syntaxFaults.UNKNOWN_COMMAND({
		command: isGroup || near?.includes(" ") ? words.join(" ") : first,
		nearest: near ?? "",
	});
}

/** Of a group's commands, by the second word alone: the first one is no likeness. */
function nearestOf(group: string, word: string, names: readonly string[]): string | undefined {
	const own = names.filter((name) => name.startsWith(`${group} `)).map((name) => name.slice(group.length + 1));
	const near = suggestion(word, own);
	return near && `${group} ${near}`;
}

/** One sentence and what to do. A bug is said to be one; its stack is shown only when it is asked for. */
export function sentence(error: unknown): string {
	if (error instanceof Fault) {
		return `wharf: ${error.message}\n${error.help === undefined ? "" : `${error.help}\n`}`;
	}
	if (process.env["WHARF_DEBUG"] === "1") console.error(error);
	const incident = crypto.randomUUID().slice(0, 8);
	const words = error instanceof Error ? error.message.split("\n")[0] : String(error);
	return `wharf: This is a bug of the command line (${incident}): ${words}\nRepeat it with WHARF_DEBUG=1 for the details, and report it.\n`;
}

function version(): string {
	const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
	return version;
}
