import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Publisher } from "./publisher.ts";
import { entry, names, Scene, until } from "./testing/scene.ts";

const LIMIT_MS = 60_000;

let scene: Scene;
beforeEach(() => {
	scene = new Scene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe("the publisher", { timeout: LIMIT_MS }, () => {
	test("closes in bounded time whatever NATS does, and keeps what was not published", async () => {
		const server = await scene.server();
		const store = await scene.store();
		const closing = async (publisher: Publisher): Promise<number> => {
			const begun = performance.now();
			await publisher.close();
			return performance.now() - begun;
		};
		const frozen = scene.publisher(store, server.settings);
		await store.write([entry("n0")]);
		await until(() => store.outbox.size() === 0);
		server.freeze();
		await store.write([entry("n1")]);
		// Its own bound, which the supervisor's patience depends on; with room for a busy machine.
		expect(await closing(frozen)).toBeLessThan(3_000);
		const connecting = scene.publisher(store, server.settings);
		await sleep(50);
		expect(await closing(connecting)).toBeLessThan(3_000);
		await server.kill();
		const refused = scene.publisher(store, server.settings);
		await sleep(50);
		expect(await closing(refused)).toBeLessThan(3_000);
		expect(store.outbox.size()).toBe(1);
	});

	test("publishes what was just written before it closes", async () => {
		const server = await scene.server();
		const store = await scene.store();
		const publisher = scene.publisher(store, server.settings);
		const read = await scene.reader(server);
		await store.write(names(30).map(entry));
		await until(() => read.events.length > 0);
		await publisher.close();
		expect(store.outbox.size()).toBe(0);
		await until(() => read.events.length >= 30);
	});

	test("waits for a server without JetStream, and says why", async () => {
		const server = await scene.absentServer();
		await server.start({ jetstream: false });
		const store = await scene.store();
		scene.publisher(store, server.settings);
		await store.write([entry("n0")]);
		await until(() => scene.lines.some((line) => line.includes("events are kept")));
		await server.kill();
		await server.start();
		await until(() => store.outbox.size() === 0);
		expect(scene.lines.some((line) => line.includes("NATS is back"))).toBe(true);
	});

	test("waits for a server that does not know it, and says why; with the right password it publishes", async () => {
		const server = await scene.absentServer();
		await server.start({ user: "wharf", pass: "right" });
		const store = await scene.store();
		const publish = (pass: string): Publisher => scene.publisher(store, { ...server.settings, user: "wharf", pass });
		await store.write([entry("n0")]);
		const stranger = publish("not-right");
		await until(() => scene.lines.some((line) => /authorization violation/i.test(line)));
		await stranger.close();
		expect(store.outbox.size()).toBe(1);
		publish("right");
		await until(() => store.outbox.size() === 0);
		expect(scene.lines.join()).not.toContain("not-right");
	});

	test("without any NATS keeps events, and closes", async () => {
		const store = await scene.store();
		const publisher = scene.publisher(store, undefined);
		await store.write([entry("n0")]);
		await publisher.close();
		expect(store.outbox.size()).toBe(1);
	});
});
