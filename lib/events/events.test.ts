import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { start } from "#lib/exec/run.ts";
import { Store } from "#lib/store/store.ts";
import { identified } from "./entry.ts";
import { entry, names, Scene, streamMessages, until } from "./testing/scene.ts";

const LIMIT_MS = 60_000;

let scene: Scene;
beforeEach(() => {
	scene = new Scene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe("from the outbox to a consumer", { timeout: LIMIT_MS }, () => {
	test("events come in the order of their commits, with their identity, and leave the outbox", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		const read = await scene.reader(server);
		for (const name of names(20)) await store.write([entry(name)]);
		await until(() => read.events.length >= 20 && store.outbox.size() === 0);
		expect(read.names()).toEqual(names(20));
		expect(read.events.map(({ row }) => row)).toEqual(names(20).map((_, index) => BigInt(index + 1)));
		expect(read.events[4]).toMatchObject({ id: `h1/netd/${store.epoch}/5`, host: "h1", service: "netd" });
	});

	test("a backlog written before there is a server arrives whole, and what is new behind it", async () => {
		const server = await scene.absentServer();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		await store.write(names(600).map(entry));
		await sleep(300);
		expect(scene.lines.filter((line) => line.includes("events are kept"))).toHaveLength(1);
		await server.start();
		const read = await scene.reader(server, { since: "all" });
		await store.write([entry("n600")]);
		await until(() => read.events.length >= 601 && store.outbox.size() === 0);
		expect(read.names()).toEqual(names(601));
	});

	test("each comes once and in order though the server is killed under load and stays away for a while", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		const read = await scene.reader(server);
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
		const server = await scene.server();
		const program = `
			import { createLog } from ${JSON.stringify(new URL("../log/log.ts", import.meta.url).href)};
			import { Store } from ${JSON.stringify(new URL("../store/store.ts", import.meta.url).href)};
			import { Publisher } from ${JSON.stringify(new URL("./publisher.ts", import.meta.url).href)};
			const store = await Store.open({ path: process.env.STORE, migrations: [] });
			const nats = { servers: process.env.SERVERS.split(",") };
			Publisher.start({ store, service: "netd", host: "h1", nats, log: createLog({ service: "netd", level: "silent" }) });
		`;
		const before = await Store.open({ path: scene.path, migrations: [] });
		await before.write(names(10).map(entry));
		await before.close();
		for (const pass of [1, 3]) {
			const child = start(process.execPath, ["--input-type=module", "-e", program], {
				stdout: "ignore",
				env: {
					STORE: scene.path,
					SERVERS: server.settings.servers.join(","),
					WHARF_KILL_POINT: `events.publish#${pass}`,
				},
			});
			expect(await child.done).toMatchObject({ signal: "SIGKILL", stderr: "" });
			expect(await streamMessages(server)).toBe(pass);
		}
		const store = await scene.store();
		expect(store.outbox.size()).toBe(10);
		const read = await scene.reader(server, { since: "all" });
		scene.publisher(store, server.settings);
		await until(() => store.outbox.size() === 0 && read.events.length >= 10);
		expect(read.names()).toEqual(names(10));
		expect(await streamMessages(server)).toBe(10);
	});

	test("a repeat that the server has forgotten is dropped by the consumer", async () => {
		const server = await scene.server();
		const store = await scene.store();
		scene.publisher(store, server.settings);
		const read = await scene.reader(server);
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
