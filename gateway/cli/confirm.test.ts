import { expect, test } from "vitest";
import { confirmed } from "./confirm.ts";

/** A terminal, which does not end after a line. */
async function* typed(...chunks: string[]): AsyncGenerator<Uint8Array> {
	for (const chunk of chunks) yield Buffer.from(chunk);
	throw new Error("read on after the line");
}

const answered = (...chunks: string[]) => confirmed("Go on?", { err: async () => undefined, stdin: typed(...chunks) });

test("a line is an answer, however it comes", async () => {
	expect(await answered("y\n")).toBe(true);
	expect(await answered("Y", "es", "\r\n")).toBe(true);
	expect(await answered("y\nn\n")).toBe(true);
	expect(await answered("n\n")).toBe(false);
	expect(await answered("\n")).toBe(false);
});
