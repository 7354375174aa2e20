import { setTimeout as sleep } from "node:timers/promises";
import { readdirSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { filtered } from "./filter.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

async function* given(...parts: readonly Buffer[]): AsyncGenerator<Buffer> {
	yield* parts;
}

/** What came, and what was returned. A buffer is looked at when the next one is there, and not later. */
async function collected(output: AsyncGenerator<Buffer, string | undefined>) {
	const parts: Buffer[] = [];
	let last: Buffer | undefined;
	for (;;) {
		const next = await output.next();
		if (last !== undefined) parts.push(Buffer.from(last));
		if (next.done === true) return { bytes: Buffer.concat(parts), words: next.value };
		last = next.value;
	}
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

describe("a program as a filter", () => {
	test.each([0, 1, 65_536, MIB, 5 * MIB + 17])("gives back %d bytes as they are", async (length) => {
		const sent = randomBytes(length);
		const parts = [sent.subarray(0, length / 3), sent.subarray(length / 3)].filter((part) => part.length > 0);
		const { bytes, words } = await collected(filtered(given(...parts), "cat", [], never));
		expect(bytes.equals(sent)).toBe(true);
		expect(words).toBeUndefined();
	});

	test("takes more than pipes hold while nobody reads, and goes on when somebody does", async () => {
		const sent = randomBytes(8 * MIB);
		const output = filtered(given(sent), "cat", [], never);
		const first = await output.next();
		await sleep(200);
		const begun = Buffer.from(first.value as Buffer); // it has not ended
		const { bytes } = await collected(output);
		expect(Buffer.concat([begun, bytes]).equals(sent)).toBe(true);
	});

	test("that fails says why, though it was given more than it read", async () => {
		const script = "head -c 10 >/dev/null; echo no more >&2; exit 3";
		const source = given(...Array.from({ length: 20 }, () => Buffer.alloc(MIB)));
		expect((await collected(filtered(source, "sh", ["-c", script], never))).words).toBe("no more");
		expect((await collected(filtered(given(), "sh", ["-c", "kill -9 $$"], never))).words).toBe("it was ended.");
	});

	test("that is not there is told", async () => {
		const missing = collected(filtered(given(Buffer.alloc(10)), "wharf-no-such-program", [], never));
		await expect(missing).rejects.toMatchObject({ reason: "PROGRAM_MISSING" });
	});

	test("is ended by its source's error, which is thrown", async () => {
		const source = async function* (): AsyncGenerator<Buffer> {
			yield Buffer.from("some");
			await sleep(10);
			throw new Error("the source broke");
		};
		await expect(collected(filtered(source(), "cat", [], never))).rejects.toThrow("the source broke");
	});

	test("leaves nothing open, however it ends", async () => {
		const before = openDescriptors();
		const over = new AbortController();
		for (let round = 0; round < 5; round++) {
			await collected(filtered(given(Buffer.alloc(MIB)), "cat", [], never));
			const left = filtered(given(Buffer.alloc(8 * MIB)), "cat", [], never);
			await left.next();
			await left.return(undefined);
			await collected(filtered(given(), "wharf-no-such-program", [], never)).catch(() => undefined);
		}
		const aborted = collected(filtered(given(Buffer.alloc(MIB)), "sleep", ["60"], over.signal));
		over.abort(new Error("enough"));
		await expect(aborted).rejects.toThrow("enough");
		await expect(collected(filtered(given(), "cat", [], over.signal))).rejects.toThrow("enough");
		await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
	});
});
