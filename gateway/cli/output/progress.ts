/** The answers of a backup, a restore and their like: progress on a person's terminal, an archive's bytes on standard output, and the result at the end. */
import type { Progress } from "#gen/wharf/volume/v1/volume.ts";
import type { Terminal } from "../terminal.ts";
import { ProgressLine } from "./progress-line.ts";
import { progressText } from "./progress-text.ts";

interface Answer<R> {
	readonly part:
		| { readonly $case: "progress"; readonly value: Progress }
		| { readonly $case: "result"; readonly value: R }
		| { readonly $case: "chunk"; readonly value: Uint8Array }
		| undefined;
}

/** An answer without a result is not to be trusted: it throws. */
export async function follow<R>(answers: AsyncIterable<Answer<R>>, terminal: Terminal): Promise<R> {
	const line = new ProgressLine(terminal);
	try {
		for await (const { part } of answers) {
			if (part?.$case === "result") return part.value;
			if (part?.$case === "chunk") await terminal.out(part.value);
			if (part?.$case === "progress") await line.draw(progressText(part.value));
		}
	} finally {
		await line.clear();
	}
	throw new Error("volumed ended the stream without a result");
}
