/** A pipeline by itself: order, cancellation, refusals, its end, and services that have none. What a call is by it the other tests say. */
import { once } from "node:events";
import { Client, credentials, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type PipelineRequest, type PipelineResponse, PipelineServiceService } from "#gen/wharf/rpc/v1/pipeline.ts";
import { caught, change, EchoService, type Place, place } from "./testing/echo.ts";

let here: Place;
beforeEach(() => {
	here = place({ pipeline: true });
});
afterEach(() => here[Symbol.asyncDispose]());

const SAY = EchoService.say.path;

/** What a client of another library would send and get. */
function byHand() {
	const grpc = new Client(`unix:${here.socket}`, credentials.createInsecure());
	const { path, requestSerialize, responseDeserialize } = PipelineServiceService.pipeline;
	const stream = grpc.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
	const request = (id: number, method: string, text = ""): PipelineRequest => ({
		id,
		method,
		request: EchoService.say.requestSerialize({ text }),
		timeoutMs: 0,
		cancel: false,
		also: [],
		gathers: false,
	});
	return {
		send: (id: number, method: string, text?: string) => stream.write(request(id, method, text)),
		/** All in one message. */
		sendTogether: (ids: readonly number[], gathers: boolean) => {
			const [first, ...also] = ids.map((id) => request(id, SAY, `${id}`));
			if (first !== undefined) stream.write({ ...first, also, gathers });
		},
		cancel: (id: number) => stream.write({ ...request(id, ""), cancel: true }),
		next: async (): Promise<PipelineResponse> => (await once(stream, "data"))[0],
		end: async () => {
			stream.end();
			await once(stream, "end");
			grpc.close();
		},
	};
}

test("a slow call holds nobody up, and answers come as they are there", async () => {
	const slow = Promise.withResolvers<void>();
	await here.serve({
		say: async (text) => {
			if (text === "slow") await slow.promise;
			return text;
		},
	});
	const c = here.client();
	const order: string[] = [];
	const asked = ["slow", "one", "two"].map(async (text) => order.push((await c.say({ text })).text));
	await Promise.all(asked.slice(1));
	slow.resolve();
	await Promise.all(asked);
	expect(order).toEqual(["one", "two", "slow"]);
});

test("a thousand at once have their own answers", async () => {
	await here.serve();
	const c = here.client();
	const texts = Array.from({ length: 1_000 }, (_, index) => `${index}`);
	const answers = await Promise.all(texts.map((text) => c.say({ text })));
	expect(answers.map(({ text }) => text)).toEqual(texts);
});

test("one that is cancelled has no outcome, and the others theirs", async () => {
	const ended = Promise.withResolvers<unknown>();
	await here.serve({
		say: (text, { signal }) => {
			if (text !== "long") return text;
			return new Promise((_, reject) => {
				signal.addEventListener("abort", () => {
					ended.resolve(signal.reason);
					reject(signal.reason as Error);
				});
			});
		},
	});
	const lane = byHand();
	lane.send(1, SAY, "long");
	lane.cancel(1);
	expect(await ended.promise).toMatchObject({ reason: "CANCELLED" });
	lane.send(2, SAY, "short");
	expect(await lane.next()).toMatchObject({ id: 2, status: undefined });
	await lane.end();
});

test("calls of one message are each a call, and their outcomes one message where the client gathers", async () => {
	await here.serve();
	const apart = byHand();
	apart.sendTogether([1, 2, 3], false);
	for (const id of [1, 2, 3]) expect(await apart.next()).toMatchObject({ id, also: [] });
	await apart.end();
	const together = byHand();
	together.sendTogether([1, 2, 3], true);
	expect(await together.next()).toMatchObject({ id: 1, also: [{ id: 2 }, { id: 3 }] });
	await together.end();
});

test("what is more than a message takes is several, each within its bound, and in order", async () => {
	await here.serve();
	const c = here.client();
	const texts = Array.from({ length: 30 }, (_, index) => `${index} ${"x".repeat(300_000)}`);
	const answers = await Promise.all(texts.map((text) => c.say({ text })));
	expect(answers.map(({ text }) => text)).toEqual(texts);
});

test("an id that is in use, and a method that is none of the service's unary ones, are refused by themselves", async () => {
	const first = Promise.withResolvers<string>();
	await here.serve({ say: () => first.promise });
	const lane = byHand();
	lane.send(7, SAY);
	lane.send(7, SAY);
	expect(await lane.next()).toMatchObject({ id: 7, status: { code: status.INVALID_ARGUMENT } });
	for (const method of [EchoService.watch.path, "/wharf.test.v1.EchoService/Shout", ""]) {
		lane.send(8, method);
		expect(await lane.next()).toMatchObject({ id: 8, status: { code: status.UNIMPLEMENTED } });
	}
	first.resolve("x");
	expect(await lane.next()).toMatchObject({ id: 7, status: undefined });
	await lane.end();
});

test("what is under way when the client has said everything is still answered", async () => {
	const begun = Promise.withResolvers<void>();
	const go = Promise.withResolvers<void>();
	await here.serve({
		say: async (text) => {
			begun.resolve();
			await go.promise;
			return text;
		},
	});
	const c = here.client();
	const asking = c.say({ text: "last" });
	await begun.promise;
	c.close();
	go.resolve();
	expect(await asking).toEqual({ text: "last" });
	// The client opens another when it is used again.
	expect(await c.say({ text: "again" })).toEqual({ text: "again" });
});

test("the next call after a restart goes by a new one", async () => {
	const server = await here.serve();
	const c = here.client();
	expect(await c.say({ text: "a" })).toEqual({ text: "a" });
	await server.close();
	expect(await caught(c.say({ text: "b" }))).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
	await here.serve();
	expect(await c.say({ text: "c" })).toEqual({ text: "c" });
	expect(await c.change(change("d", "id"))).toEqual({ text: "d" });
});

test("a service that has none is called as ever", async () => {
	const other = new Server();
	const { say } = EchoService;
	other.addService(
		{ say },
		{ say: (call: { request: unknown }, callback: (e: null, m: unknown) => void) => callback(null, call.request) },
	);
	await new Promise((resolve) => other.bindAsync(`unix:${here.socket}`, ServerCredentials.createInsecure(), resolve));
	const c = here.client();
	const answers = await Promise.all(["a", "b"].map((text) => c.say({ text })));
	expect(answers).toEqual([{ text: "a" }, { text: "b" }]);
	expect(await c.say({ text: "c" })).toEqual({ text: "c" });
	other.forceShutdown();
});
