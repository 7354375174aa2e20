import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventEntry } from "./entry.ts";
import { entry, names, Scene, until } from "./testing/scene.ts";

const LIMIT_MS = 60_000;

let scene: Scene;
beforeEach(() => {
	scene = new Scene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe("consume", { timeout: LIMIT_MS }, () => {
	test("gives what the filter takes, and `new` nothing of before", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		await store.write([entry("before")]);
		await until(() => store.outbox.size() === 0);
		const networks = await scene.reader(server, { filter: "wharf.v1.network.>" });
		const sandboxes = await scene.reader(server, { filter: "wharf.v1.sandbox.>" });
		await store.write([
			entry("n0"),
			eventEntry({ $case: "sandbox", value: { action: "ACTION_DELETED", sandboxId: "s0", name: "web" } }),
			entry("n1"),
		]);
		await until(() => networks.events.length >= 2 && sandboxes.events.length > 0);
		expect(networks.names()).toEqual(["n0", "n1"]);
		expect(sandboxes.events.map(({ payload }) => payload?.$case)).toEqual(["sandbox"]);
	});

	test("a durable reader goes on where the last one of its name was", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		const first = await scene.reader(server, { durable: "observer", since: "all" });
		await store.write(names(5).map(entry));
		await until(() => first.events.length >= 5);
		await first.stop();
		await store.write(names(5, 5).map(entry));
		const second = await scene.reader(server, { durable: "observer", since: "all" });
		await until(() => second.names().at(-1) === "n9");
		// The event that was being worked on when the first one stopped may come again, and none is left out.
		expect(names(10).slice(-second.events.length)).toEqual(second.names());
		expect(second.events.length).toBeLessThanOrEqual(6);
	});

	test("begins before there is a server, and reads a stream that was made anew from its start", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		const read = await scene.reader(server);
		await store.write(names(3).map(entry));
		await until(() => read.events.length >= 3 && store.outbox.size() === 0);
		const connection = await connect({ servers: [...server.settings.servers] });
		await (await connection.jetstreamManager()).streams.delete("WHARF_EVENTS");
		await connection.close();
		await store.write([entry("n3")]);
		await until(() => read.events.length >= 4);
		expect(read.names()).toEqual(names(4));
	});
});
