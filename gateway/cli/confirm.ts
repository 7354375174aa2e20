/** A question before something that cannot be undone. */
import type { Terminal } from "./terminal.ts";

/** Asks on standard error, as Docker does on its output. Anything but `y` is no, and so is the end of the input. */
export async function confirmed(question: string, { err, stdin }: Pick<Terminal, "err" | "stdin">): Promise<boolean> {
	await err(`${question} [y/N] `);
	let text = "";
	for await (const chunk of stdin) {
		text += Buffer.from(chunk).toString("utf8");
		if (text.includes("\n")) break;
	}
	return /^y(es)?$/i.test((text.split("\n")[0] ?? "").trim());
}
