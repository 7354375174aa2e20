/** A mutation happens once per request id: against a real server and a real store. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { catalogue } from "#lib/fault/catalogue.ts";
import { Store } from "#lib/store/store.ts";
import type { Mutation } from "./handler.ts";
import { caught, change, type Place, place, WAYS } from "./testing/echo.ts";

const faults = catalogue("echod", {
	NO: { code: "ABORTED", message: (m: { count: string }) => `No, for the time number ${m.count}.` },
});

describe.each(WAYS)("%s", (_, options) => {
	let here: Place;
	let store: Store;
	let runs: number;
	beforeEach(async () => {
		here = place(options);
		store = await open();
		runs = 0;
	});
	afterEach(async () => {
		await here[Symbol.asyncDispose]();
		await store.close();
	});

	const open = () =>
		Store.open({ path: join(here.directory, "echod.db"), migrations: ["CREATE TABLE said (text TEXT) STRICT"] });
	const said = () => store.all<{ text: string }>("SELECT text FROM said ORDER BY rowid").map(({ text }) => text);
	const insert = (text: string) => ({ sql: "INSERT INTO said VALUES (?)", params: [text] });

	/** Its answer says how often it ran; text and answer are stored together. */
	async function counting(text: string, call: Mutation<string>): Promise<string> {
		runs += 1;
		const result = `${text} ${runs}`;
		await store.write([insert(text), ...call.answer(result)]);
		return result;
	}

	describe("the same request id", () => {
		test("and body: the stored answer, and nothing runs", async () => {
			await here.serve({ change: counting }, { store });
			const c = here.client();
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1" });
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1" });
			expect(said()).toEqual(["a"]);
		});

		test("and body: what was returned in the end, where something else was kept with the result", async () => {
			const changeLater = async (text: string, call: Mutation<string>) => `${await counting(text, call)} in the end`;
			await here.serve({ change: changeLater }, { store });
			const c = here.client();
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1 in the end" });
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1 in the end" });
			expect(said()).toEqual(["a"]);
		});

		test("after a restart of server and store", async () => {
			const server = await here.serve({ change: counting }, { store });
			await here.client().change(change("a", "id-1"));
			await server.close();
			await store.close();
			store = await open();
			await here.serve({ change: counting }, { store });
			expect(await here.client().change(change("a", "id-1"))).toEqual({ text: "a 1" });
			expect(said()).toEqual(["a"]);
		});

		test("with its map in another order is the same body", async () => {
			await here.serve({ change: counting }, { store });
			const c = here.client();
			await c.change(change("a", "id-1", { x: "1", y: "2" }));
			expect(await c.change(change("a", "id-1", { y: "2", x: "1" }))).toEqual({ text: "a 1" });
		});

		test("and another body is refused, before and after a restart", async () => {
			const server = await here.serve({ change: counting }, { store });
			await here.client().change(change("a", "id-1"));
			const refusal = { code: "INVALID_ARGUMENT", reason: "REQUEST_ID_REUSED", field: "request_id" };
			expect(await caught(here.client().change(change("b", "id-1")))).toMatchObject({
				...refusal,
				message: "The request id id-1 was used for another Change before.",
			});
			await server.close();
			await here.serve({ change: counting }, { store });
			expect(await caught(here.client().change(change("b", "id-1")))).toMatchObject(refusal);
			expect(said()).toEqual(["a"]);
		});

		test("in flight: both get the one answer; another body is refused at once", async () => {
			const go = Promise.withResolvers<void>();
			const begun = Promise.withResolvers<void>();
			const slow = async (text: string, call: Mutation<string>) => {
				begun.resolve();
				await go.promise;
				return counting(text, call);
			};
			await here.serve({ change: slow }, { store });
			const c = here.client();
			const first = c.change(change("a", "id-1"));
			await begun.promise;
			const second = c.change(change("a", "id-1"));
			expect(await caught(c.change(change("b", "id-1")))).toMatchObject({ reason: "REQUEST_ID_REUSED" });
			go.resolve();
			expect(await Promise.all([first, second])).toEqual([{ text: "a 1" }, { text: "a 1" }]);
			expect(said()).toEqual(["a"]);
		});

		test("a failure is shared by who waits, and not kept", async () => {
			const go = Promise.withResolvers<void>();
			const refuse = async () => {
				runs += 1;
				await go.promise;
				throw faults.NO({ count: String(runs) });
			};
			await here.serve({ change: refuse }, { store });
			const c = here.client();
			const both = [caught(c.change(change("a", "id-1"))), caught(c.change(change("a", "id-1")))];
			await caught(c.say({ text: "both have arrived: one connection keeps the order" }));
			go.resolve();
			const first = { metadata: { count: "1" } };
			expect(await Promise.all(both)).toEqual([expect.objectContaining(first), expect.objectContaining(first)]);
			expect(await caught(c.change(change("a", "id-1")))).toMatchObject({ metadata: { count: "2" } });
		});

		test("is kept afterwards where the use case does not keep it itself", async () => {
			const forgetful = async (text: string) => `${text} ${(runs += 1)}`;
			await here.serve({ change: forgetful }, { store });
			const c = here.client();
			await c.change(change("a", "id-1"));
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1" });
			expect(store.replays.find("/wharf.test.v1.EchoService/Change", "id-1")?.answer).toBeDefined();
		});
	});

	describe("callers who leave", () => {
		/** Runs until told to go on or aborted, and says which. */
		function patient() {
			const begun = Promise.withResolvers<void>();
			const aborted = Promise.withResolvers<void>();
			const go = Promise.withResolvers<void>();
			const ends: string[] = [];
			const run = async (text: string, call: Mutation<string>) => {
				begun.resolve();
				const left = new Promise<string>((resolve) => {
					call.signal.addEventListener("abort", () => resolve("aborted"), { once: true });
				});
				void left.then(() => aborted.resolve());
				ends.push(await Promise.race([left, go.promise.then(() => "done")]));
				call.signal.throwIfAborted();
				return counting(text, call);
			};
			return { run, begun: begun.promise, aborted: aborted.promise, go: go.resolve, ends };
		}

		test("one of two: the work goes on for the other", async () => {
			const { run, begun, go, ends } = patient();
			await here.serve({ change: run }, { store });
			const c = here.client();
			const leave = new AbortController();
			const first = caught(c.change(change("a", "id-1"), { signal: leave.signal }));
			await begun;
			const second = c.change(change("a", "id-1"));
			await c.say({ text: "the second has arrived" });
			leave.abort();
			expect(await first).toMatchObject({ reason: "CANCELLED" });
			await c.say({ text: "the first has left" });
			go();
			expect(await second).toEqual({ text: "a 1" });
			expect(ends).toEqual(["done"]);
		});

		test("the last: the work is aborted, and a later attempt starts anew after its undoing", async () => {
			const { run, begun, aborted, go, ends } = patient();
			await here.serve({ change: run }, { store });
			const c = here.client();
			const leave = new AbortController();
			const first = caught(c.change(change("a", "id-1"), { signal: leave.signal }));
			await begun;
			leave.abort();
			await first;
			await aborted;
			go();
			expect(await c.change(change("a", "id-1"))).toEqual({ text: "a 1" });
			expect(ends).toEqual(["aborted", "done"]);
			expect(said()).toEqual(["a"]);
		});
	});

	describe("request ids", () => {
		test("none: each request runs, nothing is kept", async () => {
			await here.serve({ change: counting }, { store });
			const c = here.client();
			expect(await c.change(change("a", ""))).toEqual({ text: "a 1" });
			expect(await c.change(change("a", ""))).toEqual({ text: "a 2" });
			expect(store.all("SELECT * FROM replay")).toEqual([]);
		});

		test("too long or not printable: refused, and not written to the log", async () => {
			await here.serve({ change: counting }, { store });
			for (const id of ["x".repeat(129), "a\nb", "ü"]) {
				expect(await caught(here.client().change(change("a", id)))).toMatchObject({
					code: "INVALID_ARGUMENT",
					reason: "INVALID_REQUEST_ID",
					field: "request_id",
				});
			}
			expect(JSON.stringify(here.lines)).not.toContain("xxx");
			expect(await here.client().change(change("a", "x".repeat(128)))).toEqual({ text: "a 1" });
		});

		test("are in the log line of the request", async () => {
			await here.serve({ change: counting }, { store });
			await here.client().change(change("a", "id-1"));
			await here.client().say({ text: "" });
			const [first, second] = here.lines.filter(({ message }) => message === "request");
			expect(first).toMatchObject({ method: "/wharf.test.v1.EchoService/Change", requestId: "id-1", code: "OK" });
			expect(first?.["ms"]).toBeTypeOf("number");
			expect(second?.["requestId"]).toMatch(/^[0-9a-f-]{36}$/);
		});
	});
});
