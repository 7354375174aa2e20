/** Requests of all four kinds from end to end: answers and errors. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { catalogue } from "#lib/fault/catalogue.ts";
import type { Fault } from "#lib/fault/fault.ts";
import { client } from "./client.ts";
import { caught, change, EchoService, type Place, place, type Text, WAYS } from "./testing/echo.ts";

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

	async function* texts(...items: string[]): AsyncGenerator<Text> {
		for (const text of items) yield { text };
	}

	const collected = async (items: AsyncIterable<Text>) => (await Array.fromAsync(items)).map(({ text }) => text);

	/** Waits until the signal is aborted, and gives the reason. */
	const untilAborted = (signal: AbortSignal) =>
		new Promise<unknown>((resolve) => {
			const done = () => resolve(signal.reason);
			if (signal.aborted) done();
			else signal.addEventListener("abort", done, { once: true });
		});

	describe("answers", () => {
		test("of each kind", async () => {
			await here.serve({
				watch: async function* (text) {
					yield* [`${text}1`, `${text}2`];
				},
				talk: async function* (inputs) {
					for await (const input of inputs) yield input.toUpperCase();
				},
			});
			const c = here.client();
			expect(await c.say({ text: "hello" })).toEqual({ text: "hello" });
			expect(await c.change(change("new", ""))).toEqual({ text: "new" });
			expect(await collected(c.watch({ text: "w" }))).toEqual(["w1", "w2"]);
			expect(await collected(c.talk(texts("a", "b")))).toEqual(["A", "B"]);
			expect(await c.collect(texts("a", "b"))).toEqual({ text: "b" });
		});

		test("a conversation: each answer before the next request", async () => {
			await here.serve();
			const heard: string[] = [];
			let answered = Promise.withResolvers<void>();
			async function* asking(): AsyncGenerator<Text> {
				for (const text of ["1", "2", "3"]) {
					answered = Promise.withResolvers();
					yield { text };
					await answered.promise;
				}
			}
			for await (const { text } of here.client().talk(asking())) {
				heard.push(text);
				answered.resolve();
			}
			expect(heard).toEqual(["1", "2", "3"]);
		});
	});

	describe("errors", () => {
		test("a fault arrives whole, from each kind", async () => {
			const refuse = () => {
				throw faults.REFUSED({ what: "this" }, { field: "text" });
			};
			await here.serve({
				say: refuse,
				change: async () => refuse(),
				watch: async function* () {
					yield "first";
					refuse();
				},
				talk: async function* (inputs) {
					for await (const input of inputs) yield input;
					refuse();
				},
				collect: async function* () {
					yield "not this one";
					refuse();
				},
			});
			const c = here.client();
			const all = [
				() => c.say({ text: "" }),
				() => c.change(change("", "id")),
				() => collected(c.watch({ text: "" })),
				() => collected(c.talk(texts("a"))),
				() => c.collect(texts("a")),
			];
			for (const call of all) {
				expect(await caught(call())).toMatchObject({
					name: "Fault",
					code: "FAILED_PRECONDITION",
					reason: "REFUSED",
					domain: "echod",
					message: "this is refused.",
					help: "Ask for something else.",
					field: "text",
					metadata: { what: "this" },
				});
			}
		});

		test("what came before the error of a stream is delivered", async () => {
			await here.serve({
				watch: async function* () {
					yield* ["1", "2"];
					throw faults.REFUSED({ what: "3" });
				},
			});
			const heard: string[] = [];
			const watching = async () => {
				for await (const { text } of here.client().watch({ text: "" })) heard.push(text);
			};
			expect(await caught(watching())).toMatchObject({ reason: "REFUSED" });
			expect(heard).toEqual(["1", "2"]);
		});

		test("an unknown error says an incident id, and the log alone has its stack", async () => {
			await here.serve({
				say: () => {
					throw new Error("the password is 1234");
				},
			});
			const error = await caught(here.client().say({ text: "" }));
			expect(error).toMatchObject({ code: "INTERNAL", reason: "INTERNAL", domain: "rpc" });
			const { message, help, metadata, cause } = error as Fault;
			expect(JSON.stringify([message, help, metadata, String(cause)])).not.toMatch(/1234|calls\.test/);
			const line = here.lines.find(({ incident }) => incident === metadata["incident"]);
			expect(JSON.stringify(line)).toMatch(/password is 1234.*calls\.test/);
			expect(here.lines.find(({ message }) => message === "request")).toMatchObject({ code: "INTERNAL" });
		});

		test("bytes that are no message are a refusal from each kind, and the next request is answered", async () => {
			await here.serve();
			const requestSerialize = ({ text }: Text) => Buffer.from(text);
			const { say, change: alter, watch, talk, collect } = EchoService;
			const garbled = {
				say: { ...say, requestSerialize },
				change: { ...alter, requestSerialize },
				watch: { ...watch, requestSerialize },
				talk: { ...talk, requestSerialize },
				collect: { ...collect, requestSerialize },
			};
			using c = client(garbled, { unix: here.socket }, options);
			const all = [
				() => c.say({ text: "{" }),
				() => c.change(change("{", "id")),
				() => collected(c.watch({ text: "{" })),
				() => collected(c.talk(texts('{"text":"a"}', "{"))),
				() => c.collect(texts("{")),
			];
			for (const call of all) {
				expect(await caught(call())).toMatchObject({
					code: "INVALID_ARGUMENT",
					reason: "INVALID_MESSAGE",
					domain: "rpc",
				});
			}
			expect(await c.say({ text: '{"text":"whole"}' })).toEqual({ text: "whole" });
			expect(here.lines.filter(({ incident }) => incident !== undefined)).toEqual([]);
		});

		test("a response that cannot be serialized is an incident too", async () => {
			await here.serve({ say: () => 1n as unknown as string }); // JSON has no bigint
			expect(await caught(here.client().say({ text: "" }))).toMatchObject({ reason: "INTERNAL", domain: "rpc" });
		});

		test("an error of the requests' source is thrown to who reads the answers, and cancels the call", async () => {
			const ended = Promise.withResolvers<unknown>();
			await here.serve({
				talk: async function* (inputs, { signal }) {
					void untilAborted(signal).then(ended.resolve);
					yield* inputs;
				},
			});
			const answered = Promise.withResolvers<void>();
			async function* broken(): AsyncGenerator<Text> {
				yield { text: "a" };
				await answered.promise;
				throw new Error("the source is dry");
			}
			const talking = async () => {
				for await (const _ of here.client().talk(broken())) answered.resolve();
			};
			expect(await caught(talking())).toMatchObject({ message: "the source is dry" });
			expect(await ended.promise).toMatchObject({ reason: "CANCELLED" });
		});
	});
});
