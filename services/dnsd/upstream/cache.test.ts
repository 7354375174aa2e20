import { Packet } from "dns2";
import { expect, it } from "vitest";
import { TYPE } from "../protocol.ts";
import { Cache } from "./cache.ts";

function response(ttl: number, address = "192.0.2.1"): Buffer {
	const packet = new Packet();
	packet.header = new Packet.Header({ id: 1, qr: 1 });
	packet.questions = [new Packet.Question("example.com", TYPE.A, 1)];
	packet.answers.push(new Packet.Resource({ name: "example.com", type: TYPE.A, class: 1, ttl, address }));
	return packet.toBuffer();
}

function ttlOf(packet: Buffer | undefined): number | undefined {
	return packet === undefined ? undefined : Packet.parse(packet).answers[0]?.ttl;
}

it("gives what is left of the TTL, then nothing", () => {
	let now = 1_000;
	const cache = new Cache(10_000, () => now);
	cache.keep("a", response(60));
	now += 12_500;
	expect(ttlOf(cache.find("a"))).toBe(48);
	expect(ttlOf(cache.find("a"))).toBe(48);
	now += 47_500;
	expect(cache.find("a")).toBeUndefined();
	expect(cache.bytes).toBe(0);
});

it("keeps nothing that says 0, and what says more than an hour for an hour", () => {
	let now = 0;
	const cache = new Cache(10_000, () => now);
	cache.keep("a", response(0));
	expect(cache.find("a")).toBeUndefined();
	cache.keep("b", response(1_000_000));
	now = 3_599_000;
	expect(ttlOf(cache.find("b"))).toBe(1_000_000 - 3_599);
	now = 3_600_000;
	expect(cache.find("b")).toBeUndefined();
});

it("stays within its bytes: what was not used for longest goes", () => {
	const cache = new Cache(1_000, () => 0);
	for (const key of ["a", "b", "c"]) cache.keep(key, response(60));
	expect(cache.find("a")).toBeDefined();
	cache.keep("d", response(60));
	expect(["a", "b", "c", "d"].filter((key) => cache.find(key) !== undefined)).toEqual(["a", "d", "c"].toSorted());
	expect(cache.bytes).toBeLessThanOrEqual(1_000);
	for (let i = 0; i < 500; i++) cache.keep(`k${i}`, response(60));
	expect(cache.bytes).toBeLessThanOrEqual(1_000);
});

it("replaces, and gives copies", () => {
	const cache = new Cache(1_000, () => 0);
	cache.keep("a", response(60, "192.0.2.1"));
	const bytes = cache.bytes;
	cache.keep("a", response(60, "192.0.2.2"));
	expect(cache.bytes).toBe(bytes);
	cache.find("a")?.fill(0);
	expect(Packet.parse(cache.find("a") ?? Buffer.alloc(0)).answers[0]?.address).toBe("192.0.2.2");
});
