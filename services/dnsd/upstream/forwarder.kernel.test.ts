/** Real sockets on loopback ports of this process's own namespace; nothing of it needs root. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import type { Transport } from "../answer.ts";
import { encodeQuery } from "../codec.ts";
import { RCODE, TYPE } from "../protocol.ts";
import { parseQuery, type Query } from "../query.ts";
import { Upstream } from "../test-support/upstream.ts";
import { Forwarder, type ForwarderSettings } from "./forwarder.ts";
import type { Server } from "./server.ts";

const settings: ForwarderSettings = {
	pace: { hedgeMs: 50, againMs: 200, overallMs: 1_000 },
	inFlightPerSandbox: 4,
	inFlight: 6,
	cacheBytes: 0,
};

function query(name: string, id = 7): Query {
	const parsed = parseQuery(encodeQuery(id, name, TYPE.A));
	if (parsed === undefined) throw new Error("not a query");
	return parsed;
}

interface Asked {
	readonly transport?: Transport;
	readonly sandbox?: string;
	readonly id?: number;
}

async function ask(forwarder: Forwarder, name: string, servers: readonly Server[], asked: Asked = {}) {
	const { transport = "udp", sandbox = "s", id = 7 } = asked;
	const packet = Packet.parse(await forwarder.forward(query(name, id), transport, servers, sandbox));
	const { rcode, tc } = packet.header;
	return { id: packet.header.id, rcode, tc, addresses: packet.answers.map(({ address }) => address) };
}

/** A port at which nobody listens: the kernel says so. */
async function deadServer(): Promise<Server> {
	const socket = createSocket("udp4").bind(0, "127.0.0.1");
	await once(socket, "listening");
	const { port } = socket.address();
	socket.close();
	await once(socket, "close");
	return { family: 4, address: "127.0.0.1", port };
}

const truth = { id: 7, rcode: RCODE.NOERROR, tc: 0, addresses: ["192.0.2.1"] };
const failure = { id: 7, rcode: RCODE.SERVFAIL, tc: 0, addresses: [] };

describe("forwarding", () => {
	it("gives what the upstream says", async () => {
		await using upstream = await Upstream.start("answers");
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual(truth);
		upstream.conduct = "NXDOMAIN";
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual({
			...failure,
			rcode: RCODE.NXDOMAIN,
		});
	});

	it("asks from another port with another id each time", async () => {
		await using upstream = await Upstream.start("answers");
		const forwarder = new Forwarder(settings);
		for (let i = 0; i < 20; i++) await ask(forwarder, `n${i}.example`, [upstream.server]);
		expect(new Set(upstream.senders.map(({ port }) => port)).size).toBeGreaterThan(15);
		expect(new Set(upstream.senders.map(({ id }) => id)).size).toBeGreaterThan(15);
	});

	it("believes no wrong id, no other question, no other sender, no garbage", async () => {
		await using upstream = await Upstream.start("lies");
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual(truth);
	});

	it.each(["SERVFAIL", "REFUSED", "silent", "malformed"] as const)("goes on after %s", async (conduct) => {
		await using first = await Upstream.start(conduct);
		await using second = await Upstream.start("answers");
		expect(await ask(new Forwarder(settings), "example.com", [first.server, second.server])).toEqual(truth);
		expect(first.asked).toEqual(["example.com"]);
	});

	it("goes on after a server that is dead, and remembers", async () => {
		await using second = await Upstream.start("answers");
		const dead = await deadServer();
		const forwarder = new Forwarder(settings);
		expect(await ask(forwarder, "one.example", [dead, second.server])).toEqual(truth);
		await using first = await Upstream.start("silent");
		expect(await ask(forwarder, "two.example", [first.server, second.server])).toEqual(truth);
		expect(await ask(forwarder, "three.example", [first.server, second.server])).toEqual(truth);
		expect(first.asked).toEqual(["two.example"]);
	});

	it.each(["SERVFAIL", "REFUSED", "silent"] as const)("is SERVFAIL when everybody ends with %s", async (conduct) => {
		await using one = await Upstream.start(conduct);
		await using two = await Upstream.start(conduct);
		expect(await ask(new Forwarder(settings), "example.com", [one.server, two.server])).toEqual(failure);
	});

	it("is SERVFAIL at once with nobody to ask", () => {
		expect(Buffer.isBuffer(new Forwarder(settings).forward(query("example.com"), "udp", [], "s"))).toBe(true);
	});

	it("takes a cut answer over TCP, and cuts it again for a client over UDP", async () => {
		await using upstream = await Upstream.start("truncates");
		const forwarder = new Forwarder({ ...settings, cacheBytes: 100_000 });
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual({ ...truth, tc: 1, addresses: [] });
		const whole = await ask(forwarder, "example.com", [upstream.server], { transport: "tcp" });
		expect(whole.addresses).toHaveLength(60);
		expect(upstream.asked).toEqual(["example.com", "tcp:example.com"]);
	});

	it("asks once what several ask, and gives each its own id", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.delayMs = 100;
		const forwarder = new Forwarder({ ...settings, pace: { ...settings.pace, hedgeMs: 5_000, againMs: 5_000 } });
		const ids = [1, 2, 3];
		const answers = await Promise.all(ids.map((id) => ask(forwarder, "example.com", [upstream.server], { id })));
		expect(answers).toEqual(ids.map((id) => ({ ...truth, id })));
		expect(upstream.asked).toEqual(["example.com"]);
	});

	it("keeps what may be kept", async () => {
		await using upstream = await Upstream.start("answers");
		const forwarder = new Forwarder({ ...settings, cacheBytes: 100_000 });
		expect(await ask(forwarder, "example.com", [upstream.server])).toEqual(truth);
		expect(await ask(forwarder, "EXAMPLE.com", [upstream.server], { id: 9 })).toEqual({ ...truth, id: 9 });
		expect(upstream.asked).toEqual(["example.com"]);
	});

	it("lets no sandbox have more than its share, and all together no more than the whole", async () => {
		await using upstream = await Upstream.start("silent");
		const forwarder = new Forwarder({ ...settings, pace: { ...settings.pace, overallMs: 300 } });
		const forward = (name: string, sandbox: string) =>
			forwarder.forward(query(name), "udp", [upstream.server], sandbox);
		const greedy = Array.from({ length: 6 }, (_, i) => forward(`g${i}.example`, "greedy"));
		const modest = Array.from({ length: 4 }, (_, i) => forward(`m${i}.example`, "modest"));
		expect(greedy.map((answer) => Buffer.isBuffer(answer))).toEqual([false, false, false, false, true, true]);
		expect(modest.map((answer) => Buffer.isBuffer(answer))).toEqual([false, false, true, true]);
		const all = await Promise.all([...greedy, ...modest]);
		expect(all.map((packet) => Packet.parse(packet).header.rcode)).toEqual(all.map(() => RCODE.SERVFAIL));
		expect(Buffer.isBuffer(forward("later.example", "greedy"))).toBe(false);
	});
});
