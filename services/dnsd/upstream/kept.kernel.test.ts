/** What a forwarder keeps, between real sockets: for how long it is given, and what is given when nobody answers any more. */
import { setTimeout as delay } from "node:timers/promises";
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { ask, failure, settings, truth } from "../test-support/forwarding.ts";
import { query } from "../test-support/messages.ts";
import { Upstream } from "../test-support/upstream.ts";
import { Forwarder } from "./forwarder.ts";

const keeping = { ...settings, cacheBytes: 100_000 };
const stale = { ...keeping, serveStaleMs: 60_000 };
/** Longer than the second that an answer with a TTL of 1 holds. */
const expiry = (): Promise<void> => delay(1_100);

describe("what may be kept", () => {
	it("is kept, for clients that write the name in other letters as well", async () => {
		await using upstream = await Upstream.start("answers");
		const forwarder = new Forwarder(keeping);
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(await ask(forwarder, "EXAMPLE.com", [upstream.server], { id: 9 })).toEqual({ ...truth, id: 9 });
		expect(upstream.asked).toEqual(["example.com"]);
		expect(forwarder.status().cache).toMatchObject({ entries: 1, hits: 1, misses: 1, stale: 0 });
	});

	it("is not given for other servers, nor after it was forgotten", async () => {
		await using upstream = await Upstream.start("answers");
		await using other = await Upstream.start("answers");
		const forwarder = new Forwarder(keeping);
		await ask(forwarder, "example.com", [upstream.server]);
		await ask(forwarder, "example.com", [other.server]);
		expect([upstream.asked.length, other.asked.length]).toEqual([1, 1]);
		expect(forwarder.flush()).toBe(2);
		expect(forwarder.status().cache).toMatchObject({ entries: 0, bytes: 0 });
		await ask(forwarder, "example.com", [upstream.server]);
		expect(upstream.asked.length).toBe(2);
	});

	it("is not what was asked before everything was forgotten, and nobody new waits for that", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.delayMs = 100;
		const forwarder = new Forwarder({ ...keeping, pace: { ...keeping.pace, hedgeMs: 1_000 } });
		const before = ask(forwarder, "example.com", [upstream.server]);
		await expect.poll(() => forwarder.status().inFlight).toBe(1);
		forwarder.flush();
		const after = ask(forwarder, "example.com", [upstream.server]);
		expect(forwarder.status().inFlight).toBe(2);
		expect(await before).toEqual(truth);
		expect(forwarder.status().cache).toMatchObject({ entries: 0 });
		expect(await after).toEqual(truth);
		expect(forwarder.status()).toMatchObject({ inFlight: 0, cache: { entries: 1 } });
	});

	it("is no absence that may end here: that is told and kept for the shorter time", async () => {
		await using upstream = await Upstream.start("NXDOMAIN");
		const forwarder = new Forwarder(keeping);
		const soa = async (most?: number) => {
			const reply = await forwarder.forward(query("web"), "udp", [upstream.server], "s", most);
			return Packet.parse(reply).authorities[0]?.ttl ?? Number.NaN;
		};
		expect(await soa(1)).toBe(1);
		await expiry();
		expect(upstream.asked).toEqual(["web"]);
		expect(await soa(1)).toBe(1);
		expect(upstream.asked).toEqual(["web", "web"]);
		expect(await soa()).toBeGreaterThan(30);
		expect(upstream.asked).toEqual(["web", "web"]);
	});
});

describe("what does not hold any more (RFC 8767)", () => {
	it("is not given unless that is set", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.ttl = 1;
		const forwarder = new Forwarder(keeping);
		await ask(forwarder, "example.com", [upstream.server]);
		await expiry();
		upstream.conduct = "SERVFAIL";
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(failure);
	});

	it("is given when everybody fails, and then for a while without asking", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.ttl = 1;
		const forwarder = new Forwarder(stale);
		await ask(forwarder, "example.com", [upstream.server]);
		await expiry();
		upstream.conduct = "SERVFAIL";
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(upstream.asked.length).toBe(2);
		expect(forwarder.status().cache).toMatchObject({ entries: 1, stale: 2 });
	});

	it("is given before the upstream has answered, which is waited for all the same", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.ttl = 1;
		const forwarder = new Forwarder({ ...stale, pace: { hedgeMs: 5_000, againMs: 9_000, overallMs: 10_000 } });
		await ask(forwarder, "example.com", [upstream.server]);
		await expiry();
		upstream.delayMs = 2_500;
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(forwarder.status()).toMatchObject({ inFlight: 1, cache: { stale: 1 } });
		await expect.poll(() => forwarder.status().inFlight, { timeout: 10_000 }).toBe(0);
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(forwarder.status().cache).toMatchObject({ hits: 1, stale: 1 });
		expect(upstream.asked.length).toBe(2);
	});

	it("is given to a sandbox that has nothing left in flight", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.ttl = 1;
		const forwarder = new Forwarder({ ...stale, inFlightPerSandbox: 1 });
		await ask(forwarder, "example.com", [upstream.server]);
		await expiry();
		upstream.conduct = "silent";
		const blocked = ask(forwarder, "other.example", [upstream.server]);
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(await blocked).toEqual(failure);
	});
});
