/** The answers of a backup, a restore and their like: progress on a person's terminal, an archive's bytes on standard output, and the result at the end. */
import type { Progress } from "#gen/wharf/volume/v1/volume.ts";
import type { Terminal } from "../terminal.ts";
import { size } from "./quantity.ts";

interface Answer<R> {
	readonly part:
		| { readonly $case: "progress"; readonly value: Progress }
		| { readonly $case: "result"; readonly value: R }
		| { readonly $case: "chunk"; readonly value: Uint8Array }
		| undefined;
}

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\u001b[K";

/** An answer without a result is not to be trusted: it throws. */
export async function follow<R>(answers: AsyncIterable<Answer<R>>, terminal: Terminal): Promise<R> {
	let drawnAt = 0;
	try {
		for await (const { part } of answers) {
			if (part?.$case === "result") return part.value;
			if (part?.$case === "chunk") await terminal.out(part.value);
			if (part?.$case !== "progress" || !terminal.errIsTty || Date.now() - drawnAt < REDRAW_MS) continue;
			drawnAt = Date.now();
			await terminal.err(`${CLEAR_LINE}${part.value.entries} entries, ${size(part.value.bytes)}`);
		}
	} finally {
		if (drawnAt > 0) await terminal.err(CLEAR_LINE);
	}
	throw new Error("volumed ended the stream without a result");
}
