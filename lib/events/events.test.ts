import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Event } from "#gen/wharf/event/v1/event.ts";
import { start } from "#lib/exec/run.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import { consume, type ConsumeOptions } from "./consumer.ts";
import { eventEntry, identified } from "./entry.ts";
import { Publisher } from "./publisher.ts";
import { NatsServer } from "./testing/nats-server.ts";

const LIMIT_MS = 60_000;

let folder: string;
let path: string;
let resources: AsyncDisposableStack;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-events-"));
	path = join(folder, "netd.db");
	resources = new AsyncDisposableStack();
});
afterEach(async () => {
	await resources.disposeAsync();
	rmSync(folder, { recursive: true, force: true });
});

const openStore = () => Store.open({ path, migrations: [] });

async function usingStore(): Promise<Store> {
	return resources.use(await openStore());
}

function publisherOf(store: Store, server: NatsServer, lines: string[] = []): Publisher {
	const log = createLog({ service: "netd", sink: { write: (line) => void lines.push(line) } });
	return resources.use(Publisher.start({ store, service: "netd", host: "h1", nats: server.settings, log }));
}

function entry(name: string) {
	return eventEntry({ $case: "network", value: { action: "ACTION_CREATED", networkId: name, name, driver: "bridge" } });
}

const nameOf = ({ payload }: Event): string => (payload?.$case === "network" ? payload.value.name : "");
const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `n${from + n}`);

/** Reads in the background, from now on. */
async function reader(server: NatsServer, options: Partial<ConsumeOptions> = {}) {
	const abort = new AbortController();
	const events: Event[] = [];
	const ready = Promise.withResolvers<void>();
	const reading = (async () => {
		const all = consume({ nats: server.settings, signal: abort.signal, onReady: ready.resolve, ...options });
		for await (const event of all) events.push(event);
	})();
	const stop = async (): Promise<void> => {
		abort.abort();
		await reading;
	};
	resources.defer(stop);
	await ready.promise;
	return { events, names: () => events.map(nameOf), stop };
}

async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await sleep(20);
}

/** What is in the stream, by the server's own account. */
async function streamMessages(server: NatsServer): Promise<number> {
	const connection = await connect({ servers: [...server.settings.servers] });
	try {
		return (await (await connection.jetstreamManager()).streams.info("WHARF_EVENTS")).state.messages;
	} finally {
		await connection.close();
	}
}

describe("from the outbox to a consumer", { timeout: LIMIT_MS }, () => {
	test("events come in the order of their commits, with their identity, and leave the outbox", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		publisherOf(store, server);
		const read = await reader(server);
		for (const name of names(20)) await store.write([entry(name)]);
		await until(() => read.events.length >= 20 && store.outbox.size() === 0);
		expect(read.names()).toEqual(names(20));
		expect(read.events.map(({ row }) => row)).toEqual(names(20).map((_, index) => BigInt(index + 1)));
		expect(read.events[4]).toMatchObject({ id: `h1/netd/${store.epoch}/5`, host: "h1", service: "netd" });
	});

	test("a backlog written before there is a server arrives whole, and what is new behind it", async () => {
		const server = resources.use(await NatsServer.reserve());
		const store = await usingStore();
		const lines: string[] = [];
		publisherOf(store, server, lines);
		await store.write(names(600).map(entry));
		await sleep(300);
		expect(lines.filter((line) => line.includes("events are kept"))).toHaveLength(1);
		await server.start();
		const read = await reader(server, { since: "all" });
		await store.write([entry("n600")]);
		await until(() => read.events.length >= 601 && store.outbox.size() === 0);
		expect(read.names()).toEqual(names(601));
	});

	test("each comes once and in order though the server is killed under load and stays away for a while", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		publisherOf(store, server);
		const read = await reader(server);
		let written = 0;
		const enough = new AbortController();
		const load = (async () => {
			while (!enough.signal.aborted) {
				await store.write([entry(`n${written++}`)]);
				await sleep(2);
			}
		})();
		for (let round = 0; round < 3; round++) {
			await until(() => read.events.length > written - 50);
			await sleep(Math.random() * 100);
			await server.kill();
			await sleep(300);
			await server.start();
		}
		enough.abort();
		await load;
		await until(() => read.events.length >= written && store.outbox.size() === 0);
		expect(read.names()).toEqual(names(written));
	});

	test("a publisher killed between the server's answer and the delete sends again, and nobody sees it twice", async () => {
		const server = resources.use(await NatsServer.start());
		const program = `
			import { createLog } from ${JSON.stringify(new URL("../log/log.ts", import.meta.url).href)};
			import { Store } from ${JSON.stringify(new URL("../store/store.ts", import.meta.url).href)};
			import { Publisher } from ${JSON.stringify(new URL("./publisher.ts", import.meta.url).href)};
			const store = await Store.open({ path: process.env.STORE, migrations: [] });
			const nats = { servers: process.env.SERVERS.split(",") };
			Publisher.start({ store, service: "netd", host: "h1", nats, log: createLog({ service: "netd", level: "silent" }) });
		`;
		const before = await openStore();
		await before.write(names(10).map(entry));
		await before.close();
		for (const pass of [1, 3]) {
			const child = start(process.execPath, ["--input-type=module", "-e", program], {
				stdout: "ignore",
				env: {
					STORE: path,
					SERVERS: server.settings.servers.join(","),
					WHARF_KILL_POINT: `events.publish#${pass}`,
				},
			});
			expect(await child.done).toMatchObject({ signal: "SIGKILL", stderr: "" });
			expect(await streamMessages(server)).toBe(pass);
		}
		const store = await usingStore();
		expect(store.outbox.size()).toBe(10);
		const read = await reader(server, { since: "all" });
		publisherOf(store, server);
		await until(() => store.outbox.size() === 0 && read.events.length >= 10);
		expect(read.names()).toEqual(names(10));
		expect(await streamMessages(server)).toBe(10);
	});

	test("a repeat that the server has forgotten is dropped by the consumer", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		publisherOf(store, server);
		const read = await reader(server);
		await store.write(names(3).map(entry));
		await until(() => read.events.length >= 3);
		const connection = await connect({ servers: [...server.settings.servers] });
		const origin = { host: "h1", service: "netd", epoch: store.epoch };
		const payload = entry("n1").params?.[1] as Uint8Array;
		const again = identified(origin, { row: 2, subject: "", payload, occurredAt: new Date() });
		// Without a message id the server takes it as new, as it does when its window has passed.
		await connection.jetstream().publish("wharf.v1.network.created", again);
		await connection.jetstream().publish("wharf.v1.network.created", Buffer.from("not an event"));
		await connection.close();
		await store.write([entry("n3")]);
		await until(() => read.events.length >= 4);
		expect(read.names()).toEqual(names(4));
		expect(await streamMessages(server)).toBe(6);
	});
});

describe("the publisher", { timeout: LIMIT_MS }, () => {
	test("closes in bounded time whatever NATS does, and keeps what was not published", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		const closing = async (publisher: Publisher): Promise<number> => {
			const begun = performance.now();
			await publisher.close();
			return performance.now() - begun;
		};
		const frozen = publisherOf(store, server);
		await store.write([entry("n0")]);
		await until(() => store.outbox.size() === 0);
		server.freeze();
		await store.write([entry("n1")]);
		// Its own bound, which the supervisor's patience depends on; with room for a busy machine.
		expect(await closing(frozen)).toBeLessThan(3_000);
		const connecting = publisherOf(store, server);
		await sleep(50);
		expect(await closing(connecting)).toBeLessThan(3_000);
		await server.kill();
		const refused = publisherOf(store, server);
		await sleep(50);
		expect(await closing(refused)).toBeLessThan(3_000);
		expect(store.outbox.size()).toBe(1);
	});

	test("publishes what was just written before it closes", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		const publisher = publisherOf(store, server);
		const read = await reader(server);
		await store.write(names(30).map(entry));
		await until(() => read.events.length > 0);
		await publisher.close();
		expect(store.outbox.size()).toBe(0);
		await until(() => read.events.length >= 30);
	});

	test("waits for a server without JetStream, and says why", async () => {
		const server = resources.use(await NatsServer.reserve());
		await server.start({ jetstream: false });
		const store = await usingStore();
		const lines: string[] = [];
		publisherOf(store, server, lines);
		await store.write([entry("n0")]);
		await until(() => lines.some((line) => line.includes("events are kept")));
		await server.kill();
		await server.start();
		await until(() => store.outbox.size() === 0);
		expect(lines.some((line) => line.includes("NATS is back"))).toBe(true);
	});

	test("waits for a server that does not know it, and says why; with the right password it publishes", async () => {
		const server = resources.use(await NatsServer.reserve());
		await server.start({ user: "wharf", pass: "right" });
		const store = await usingStore();
		const lines: string[] = [];
		const log = createLog({ service: "netd", sink: { write: (line) => void lines.push(line) } });
		const publish = (pass: string): Publisher => {
			const nats = { ...server.settings, user: "wharf", pass };
			return resources.use(Publisher.start({ store, service: "netd", host: "h1", nats, log }));
		};
		await store.write([entry("n0")]);
		const stranger = publish("not-right");
		await until(() => lines.some((line) => /authorization violation/i.test(line)));
		await stranger.close();
		expect(store.outbox.size()).toBe(1);
		publish("right");
		await until(() => store.outbox.size() === 0);
		expect(lines.join()).not.toContain("not-right");
	});

	test("without any NATS keeps events, and closes", async () => {
		const store = await usingStore();
		const log = createLog({ service: "netd", level: "silent" });
		const publisher = Publisher.start({ store, service: "netd", host: "h1", nats: undefined, log });
		await store.write([entry("n0")]);
		await publisher.close();
		expect(store.outbox.size()).toBe(1);
	});
});

describe("consume", { timeout: LIMIT_MS }, () => {
	test("gives what the filter takes, and `new` nothing of before", async () => {
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		publisherOf(store, server);
		await store.write([entry("before")]);
		await until(() => store.outbox.size() === 0);
		const networks = await reader(server, { filter: "wharf.v1.network.>" });
		const sandboxes = await reader(server, { filter: "wharf.v1.sandbox.>" });
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
		const server = resources.use(await NatsServer.start());
		const store = await usingStore();
		publisherOf(store, server);
		const first = await reader(server, { durable: "observer", since: "all" });
		await store.write(names(5).map(entry));
		await until(() => first.events.length >= 5);
		await first.stop();
		await store.write(names(5, 5).map(entry));
		const second = await reader(server, { durable: "observer", since: "all" });
		await until(() => second.names().at(-1) === "n9");
		// The event that was being worked on when the first one stopped may come again, and none is left out.
		expect(names(10).slice(-second.events.length)).toEqual(second.names());
		expect(second.events.length).toBeLessThanOrEqual(6);
	});

	test("begins before there is a server, and reads a stream that was made anew from its start", async () => {
		const first = await NatsServer.start();
		const store = await usingStore();
		const publisher = publisherOf(store, first);
		const read = await reader(first);
		await store.write(names(3).map(entry));
		await until(() => read.events.length >= 3 && store.outbox.size() === 0);
		const connection = await connect({ servers: [...first.settings.servers] });
		await (await connection.jetstreamManager()).streams.delete("WHARF_EVENTS");
		await connection.close();
		await store.write([entry("n3")]);
		await until(() => read.events.length >= 4);
		expect(read.names()).toEqual(names(4));
		await publisher.close();
		await read.stop();
		await first[Symbol.asyncDispose]();
	});
});
