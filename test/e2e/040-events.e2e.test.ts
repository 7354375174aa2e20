/** NATS dies under load: nothing fails meanwhile, and when it is back a consumer has every event once, in order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventsSoFar, namesOf } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { NatsServer } from "../support/nats-server.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;
let nats: NatsServer;

beforeAll(async () => {
	host = await Host.boot();
	nats = await NatsServer.start(host, 4333);
	await host.wharfOk("up");
});

afterAll(async () => {
	await nats.kill();
	await takeDown(host);
});

test("every event once though the server was dead for a while", async () => {
	await host.wharfOk("network", "create", "before");
	await nats.kill();
	const created: string[] = [];
	for (let index = 0; index < 20; index++) {
		await host.wharfOk("network", "create", `during${index}`);
		await host.wharfOk("run", "--rm", "--name", `c${index}`, "--network", `during${index}`, "host", "true");
		created.push(`during${index}`);
	}
	expect(await audit(host)).toEqual([]);
	await nats.restart();
	await host.wharfOk("network", "create", "after");

	const events = await eventually(async () => {
		const seen = await eventsSoFar(host);
		// Each service finds the server again by itself.
		expect(namesOf(seen, "network", "created")).toContain("after");
		expect(namesOf(seen, "container", "exited")).toContain("c19");
		return seen;
	}, 30_000);
	const own = namesOf(events, "network", "created").filter((name) => !["bridge", "host", "none"].includes(name ?? ""));
	expect(own).toEqual(["before", ...created, "after"]);
	expect(namesOf(events, "container", "exited")).toEqual(created.map((_, index) => `c${index}`));
	expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
});
