/** Deadlines, callers who leave and slow readers, from end to end. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { catalogue } from "#lib/fault/catalogue.ts";
import type { Fault } from "#lib/fault/fault.ts";
import { caught, type Place, place, type Text, WAYS } from "./testing/echo.ts";

const faults = catalogue("echod", {
	REFUSED: {
		code: "FAILED_PRECONDITION",
		message: (m: { what: string }) => `${m.what} is refused.`,
		help: () => "Ask for something else.",
	},
});

describe.each(WAYS)("%s", (_, options) => {
	let here: Place;
	beforeEach(() => {
		here = place(options);
	});
	afterEach(() => here[Symbol.asyncDispose]());

	/** Long enough for a request to arrive on a busy machine: what is given up before that reaches no handler. */
	const DEADLINE_MS = 500;

	const collected = async (items: AsyncIterable<Text>) => (await Array.fromAsync(items)).map(({ text }) => text);

	/** Waits until the signal is aborted, and gives the reason. */
	const untilAborted = (signal: AbortSignal) =>
		new Promise<unknown>((resolve) => {
			const done = () => resolve(signal.reason);
			if (signal.aborted) done();
			else signal.addEventListener("abort", done, { once: true });
		});

	describe("one signal", () => {
		test("a deadline reaches the handler, and the caller hears of it", async () => {
			const seen = Promise.withResolvers<unknown>();
			await here.serve({
				say: async (text, { signal }) => {
					seen.resolve(await untilAborted(signal));
					return text;
				},
			});
			const error = await caught(here.client().say({ text: "" }, { timeoutMs: DEADLINE_MS }));
			expect(error).toMatchObject({
				code: "DEADLINE_EXCEEDED",
				reason: "DEADLINE_EXCEEDED",
				metadata: { method: "Say" },
			});
			expect(await seen.promise).toMatchObject({ name: "Fault", reason: "DEADLINE_EXCEEDED" });
		});

		test("a deadline ends a stream, also one that waits for its client", async () => {
			const ended = Promise.withResolvers<void>();
			await here.serve({
				talk: async function* (inputs) {
					try {
						yield* inputs;
					} finally {
						ended.resolve();
					}
				},
			});
			async function* silent(): AsyncGenerator<Text> {
				yield { text: "a" };
				await new Promise(() => undefined);
			}
			const talking = collected(here.client().talk(silent(), { timeoutMs: DEADLINE_MS }));
			expect(await caught(talking)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
			await ended.promise;
		});

		test("a caller who leaves is noticed, and its own reason is what it gets", async () => {
			const seen = Promise.withResolvers<unknown>();
			const begun = Promise.withResolvers<void>();
			await here.serve({
				say: async (text, { signal }) => {
					begun.resolve();
					seen.resolve(await untilAborted(signal));
					return text;
				},
			});
			const abort = new AbortController();
			const asking = caught(here.client().say({ text: "" }, { signal: abort.signal }));
			await begun.promise;
			abort.abort(faults.REFUSED({ what: "waiting" }));
			expect(await asking).toMatchObject({ reason: "REFUSED" });
			expect(await seen.promise).toMatchObject({ name: "Fault", reason: "CANCELLED" });
		});

		test("an aborted signal sends nothing", async () => {
			let asked = 0;
			await here.serve({ say: (text) => `${text}${(asked += 1)}` });
			const error = await caught(here.client().say({ text: "" }, { signal: AbortSignal.abort() }));
			expect(error).toMatchObject({ reason: "CANCELLED" });
			expect(asked).toBe(0);
		});

		test("a client stream that is cut off does not look complete", async () => {
			const ended = Promise.withResolvers<string>();
			const begun = Promise.withResolvers<void>();
			await here.serve({
				collect: async function* (inputs) {
					try {
						for await (const _ of inputs) begun.resolve();
						ended.resolve("complete");
					} catch (error) {
						ended.resolve((error as Fault).reason);
					}
					yield "";
				},
			});
			const leave = new AbortController();
			async function* endless(): AsyncGenerator<Text> {
				yield { text: "a" };
				await new Promise(() => undefined);
			}
			const sending = caught(here.client().collect(endless(), { signal: leave.signal }));
			await begun.promise;
			leave.abort();
			expect(await sending).toMatchObject({ reason: "CANCELLED" });
			expect(await ended.promise).toBe("CANCELLED");
		});

		test("a reader who stops ends the handler's iterator", async () => {
			const returned = Promise.withResolvers<void>();
			await here.serve({
				watch: async function* (text) {
					try {
						for (;;) {
							yield text;
							await turn();
						}
					} finally {
						returned.resolve();
					}
				},
			});
			for await (const { text } of here.client().watch({ text: "x" })) {
				expect(text).toBe("x");
				break;
			}
			await returned.promise;
		});
	});

	describe("back-pressure", () => {
		const kib = "x".repeat(1024);

		test("a server's stream waits for a slow reader", async () => {
			let made = 0;
			await here.serve({
				watch: async function* () {
					for (; made < 10_000; made += 1) yield kib;
				},
			});
			let read = 0;
			for await (const _ of here.client().watch({ text: "" })) {
				read += 1;
				for (let n = 0; n < 20; n += 1) await turn();
				if (read === 20) break;
			}
			// Buffers on both sides and the connection's window hold some hundred; the other thousands were never made.
			expect(made).toBeLessThan(2_000);
		});

		test("a client's stream waits for a slow handler", async () => {
			const enough = Promise.withResolvers<void>();
			await here.serve({
				collect: async function* (inputs) {
					let count = 0;
					for await (const _ of inputs) {
						count += 1;
						for (let n = 0; n < 20; n += 1) await turn();
						if (count === 20) break;
					}
					yield String(count);
					enough.resolve();
				},
			});
			let sent = 0;
			async function* sending(): AsyncGenerator<Text> {
				for (; sent < 10_000; sent += 1) yield { text: kib };
			}
			expect(await here.client().collect(sending())).toEqual({ text: "20" });
			await enough.promise;
			expect(sent).toBeLessThan(2_000);
		});
	});
});
