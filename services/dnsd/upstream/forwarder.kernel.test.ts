/** Real sockets on loopback ports of this process's own namespace; nothing of it needs root. */
import { createSocket } from "node:dgram";
import { readdirSync } from "node:fs";
import { once } from "node:events";
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { RCODE } from "../protocol.ts";
import { parseQuery } from "../query.ts";
import { ask, calm, deadServer, failure, settings, truth } from "../test-support/forwarding.ts";
import { query } from "../test-support/messages.ts";
import { Upstream } from "../test-support/upstream.ts";
import { Forwarder } from "./forwarder.ts";
import type { Server } from "./server.ts";

const keeping = { ...settings, cacheBytes: 100_000 };

describe("forwarding", () => {
	it("gives what the upstream says", async () => {
		await using upstream = await Upstream.start("answers");
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual(truth);
		upstream.conduct = "NXDOMAIN";
		const absent = { ...failure, rcode: RCODE.NXDOMAIN };
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual(absent);
		upstream.conduct = "alias loop";
		const loop = await ask(new Forwarder(settings), "example.com", [upstream.server]);
		expect(loop).toEqual({ ...truth, addresses: [undefined, undefined] });
	});

	it("asks from another port with another id each time", async () => {
		await using upstream = await Upstream.start("answers");
		const forwarder = new Forwarder(settings);
		for (let i = 0; i < 20; i++) await ask(forwarder, `n${i}.example`, [upstream.server]);
		expect(new Set(upstream.senders.map(({ port }) => port)).size).toBeGreaterThan(15);
		expect(new Set(upstream.senders.map(({ id }) => id)).size).toBeGreaterThan(15);
	});

	it.each(["SERVFAIL", "REFUSED", "silent", "malformed"] as const)("goes on after %s", async (conduct) => {
		await using first = await Upstream.start(conduct);
		await using second = await Upstream.start("answers");
		const forwarder = new Forwarder({ ...calm, pace: { ...calm.pace, hedgeMs: 50 } });
		expect(await ask(forwarder, "example.com", [first.server, second.server])).toEqual(truth);
		expect(first.asked).toEqual(["example.com"]);
	});

	it.each(["SERVFAIL", "REFUSED", "silent"] as const)("is SERVFAIL when everybody ends with %s", async (conduct) => {
		await using one = await Upstream.start(conduct);
		await using two = await Upstream.start(conduct);
		expect(await ask(new Forwarder(settings), "example.com", [one.server, two.server])).toEqual(failure);
	});

	it("is SERVFAIL at once with nobody to ask", () => {
		expect(Buffer.isBuffer(new Forwarder(settings).forward(query("example.com"), "udp", [], "s"))).toBe(true);
	});

	it("is SERVFAIL without a wait when nobody listens anywhere", async () => {
		const servers = [await deadServer(), await deadServer()];
		expect(await ask(new Forwarder(calm), "a.example", servers)).toEqual(failure);
	});

	it("takes a cut answer over TCP, and cuts it again for a client over UDP", async () => {
		await using upstream = await Upstream.start("truncates");
		const forwarder = new Forwarder(keeping);
		const cut = await ask(forwarder, "example.com", [upstream.server]);
		expect([cut.tc, cut.addresses.length]).toEqual([1, Math.floor((512 - 29) / 16)]);
		const whole = await ask(forwarder, "example.com", [upstream.server], { transport: "tcp" });
		expect([whole.tc, whole.addresses.length]).toEqual([0, 60]);
		expect(upstream.asked).toEqual(["example.com", "tcp:example.com"]);
	});

	it("asks once what several ask, and gives each its own id", async () => {
		await using upstream = await Upstream.start("answers");
		upstream.delayMs = 100;
		const forwarder = new Forwarder(calm);
		const ids = [1, 2, 3];
		const answers = await Promise.all(ids.map((id) => ask(forwarder, "example.com", [upstream.server], { id })));
		expect(answers).toEqual(ids.map((id) => ({ ...truth, id })));
		expect(upstream.asked).toEqual(["example.com"]);
	});

	it("has read the query when it returns: the buffer may be used again", async () => {
		// The request over TCP is made long after that.
		await using upstream = await Upstream.start("truncates");
		const forwarder = new Forwarder(calm);
		const asked = query("example.com", { id: 7 });
		const later = forwarder.forward(asked, "tcp", [upstream.server], "s");
		asked.packet.fill(0xff);
		const { header, questions, answers } = Packet.parse(await later);
		expect([header.id, header.rcode]).toEqual([7, RCODE.NOERROR]);
		expect([questions[0]?.name, answers[0]?.address]).toEqual(["example.com", "198.51.100.1"]);
		expect(upstream.asked).toEqual(["example.com", "tcp:example.com"]);
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
		expect(forwarder.status().inFlight).toBe(6);
		const all = await Promise.all([...greedy, ...modest]);
		expect(all.map((packet) => Packet.parse(packet).header.rcode)).toEqual(all.map(() => RCODE.SERVFAIL));
		expect(forwarder.status().inFlight).toBe(0);
		expect(Buffer.isBuffer(forward("later.example", "greedy"))).toBe(false);
	});

	it("ends when the upstream asks us in turn", async () => {
		const forwarder = new Forwarder(settings);
		await using loop = new AsyncDisposableStack();
		const socket = createSocket("udp4").bind(0, "127.0.0.1");
		loop.defer(() => new Promise<void>((resolve) => socket.close(() => resolve())));
		await once(socket, "listening");
		const server: Server = { family: 4, address: "127.0.0.1", port: socket.address().port };
		socket.on("message", (packet, { port, address }) => {
			const asked = parseQuery(packet);
			if (asked === undefined) return;
			void Promise.resolve(forwarder.forward(asked, "udp", [server], "loop")).then((answer) =>
				socket.send(answer, port, address),
			);
		});
		expect(await ask(forwarder, "example.com", [server])).toEqual(failure);
		expect(await ask(forwarder, "example.com", [server], { edns: true })).toMatchObject({ rcode: RCODE.SERVFAIL });
		expect(forwarder.status().inFlight).toBe(0);
	});

	it("gives back every descriptor", async () => {
		await using good = await Upstream.start("answers");
		await using cut = await Upstream.start("truncates");
		await using silent = await Upstream.start("silent");
		await using closes = await Upstream.start("closes");
		const dead = await deadServer();
		const forwarder = new Forwarder({ ...settings, inFlight: 64, inFlightPerSandbox: 64 });
		const descriptors = (): number => readdirSync("/proc/self/fd").length;
		const before = descriptors();
		for (let round = 0; round < 10; round++) {
			const lists = [[good], [dead, good], [silent, cut], [closes, good], [cut]].map((list) =>
				list.map((one) => ("server" in one ? one.server : one)),
			);
			await Promise.all(
				Array.from({ length: 50 }, (_, i) => ask(forwarder, `r${round}-${i}.example`, lists[i % lists.length] ?? [])),
			);
		}
		await expect.poll(descriptors, { timeout: 10_000 }).toBe(before);
	});
});

describe("an upstream that lies, or is broken", () => {
	it("is not believed: wrong id, other question, other sender, garbage", async () => {
		await using upstream = await Upstream.start("lies");
		expect(await ask(new Forwarder(settings), "example.com", [upstream.server])).toEqual(truth);
	});

	it.each(["truncates forever", "closes", "lies over TCP", "silent over TCP", "dribbles", "malformed"] as const)(
		"ends in SERVFAIL when it is alone and %s, and in an answer when another one has it",
		async (conduct) => {
			await using bad = await Upstream.start(conduct);
			await using good = await Upstream.start("answers");
			const forwarder = new Forwarder(settings);
			expect(await ask(forwarder, "one.example", [bad.server])).toEqual(failure);
			expect(await ask(forwarder, "two.example", [bad.server, good.server])).toEqual(truth);
			expect(bad.asked).toContain("two.example");
			expect(forwarder.status().inFlight).toBe(0);
		},
	);

	it("is asked without EDNS where it does not know that (RFC 6891 §6.2.2), and the client has EDNS nevertheless", async () => {
		await using upstream = await Upstream.start("FORMERR to EDNS");
		const forwarder = new Forwarder(settings);
		const answer = { ...truth, extended: true };
		expect(await ask(forwarder, "one.example", [upstream.server], { edns: true })).toEqual(answer);
		expect(upstream.senders.map(({ edns }) => edns)).toEqual([true, false]);
		expect(await ask(forwarder, "two.example", [upstream.server], { edns: true })).toEqual(answer);
		expect(upstream.senders.map(({ edns }) => edns)).toEqual([true, false, false]);
	});
});

describe("names in random case", () => {
	it("believe no answer in other letters, and come back as the client wrote them", async () => {
		await using upstream = await Upstream.start("spells wrong");
		const name = "Some-Long.Name.Example.Com";
		const forwarder = new Forwarder({ ...settings, randomCase: true });
		const reply = Packet.parse(await forwarder.forward(query(name), "udp", [upstream.server], "s"));
		expect([reply.questions[0]?.name, reply.answers[0]?.address]).toEqual([name, "192.0.2.1"]);
		for (let i = 0; i < 4; i++) await ask(forwarder, name, [upstream.server]);
		expect(new Set(upstream.asked).size).toBeGreaterThan(3);
		expect(new Set(upstream.asked.map((asked) => asked.toLowerCase()))).toEqual(new Set([name.toLowerCase()]));
		upstream.conduct = "truncates";
		expect(await ask(forwarder, name, [upstream.server], { transport: "tcp" })).toMatchObject({ rcode: 0, tc: 0 });
	});

	it("are not what is asked unless that is set", async () => {
		await using upstream = await Upstream.start("answers");
		await ask(new Forwarder(settings), "Some-Long.Name.Example.Com", [upstream.server]);
		expect(upstream.asked).toEqual(["Some-Long.Name.Example.Com"]);
	});
});
