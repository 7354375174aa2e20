/** Which server is asked, and what is told of it, between real sockets. */
import { describe, expect, it } from "vitest";
import { ask, calm, deadServer, failure, settings, truth } from "../test-support/forwarding.ts";
import { Upstream } from "../test-support/upstream.ts";
import { Forwarder } from "./forwarder.ts";
import { serverText } from "./server.ts";

/** A forwarder that has found out that this one is silent, and asks no second one only because the machine is busy. */
async function knowingSilence(first: Upstream): Promise<Forwarder> {
	const pace = { hedgeMs: 60_000, againMs: 200, overallMs: 1_000 };
	const forwarder = new Forwarder({ ...settings, pace, inFlight: 64, inFlightPerSandbox: 64 });
	expect(await ask(forwarder, "first.example", [first.server])).toEqual(failure);
	await expect.poll(() => forwarder.status().upstreams[0]?.backOffUntil).toBeInstanceOf(Date);
	return forwarder;
}

describe("a server that keeps silent", () => {
	it("is asked last, even before it is known that it will not answer", async () => {
		await using first = await Upstream.start("silent");
		await using second = await Upstream.start("answers");
		// A busy machine takes no second for an answer.
		const pace = { hedgeMs: 1_000, againMs: 60_000, overallMs: 60_000 };
		const forwarder = new Forwarder({ ...settings, pace });
		for (const name of ["one.example", "two.example", "three.example"]) {
			expect(await ask(forwarder, name, [first.server, second.server])).toEqual(truth);
		}
		expect([first.asked, second.asked.length]).toEqual([["one.example"], 3]);
	});

	it("is tried by one question when its time has come, and asked first again when it has answered", async () => {
		await using first = await Upstream.start("silent");
		await using second = await Upstream.start("answers");
		const forwarder = await knowingSilence(first);
		const servers = [first.server, second.server];
		await expect.poll(() => forwarder.status().upstreams[0]?.backOffUntil, { timeout: 5_000 }).toBeUndefined();
		first.conduct = "answers";
		first.delayMs = 50;
		const asked = first.asked.length;
		const questions = (): number => forwarder.status().upstreams[0]?.queries ?? 0;
		const questionsBefore = questions();
		const crowd = Array.from({ length: 20 }, (_, i) => ask(forwarder, `crowd${i}.example`, servers));
		expect(await Promise.all(crowd)).toEqual(crowd.map(() => truth));
		await expect.poll(() => forwarder.status().upstreams[0]?.smoothedRttMs).toBeDefined();
		expect([first.asked.length, questions()]).toEqual([asked + 1, questionsBefore + 1]);
		const before = second.asked.length;
		first.delayMs = 0;
		expect(await ask(forwarder, "last.example", servers)).toEqual(truth);
		expect([first.asked.at(-1), second.asked.length]).toEqual(["last.example", before]);
	});

	it("is asked when nobody else has an answer", async () => {
		await using first = await Upstream.start("silent");
		await using second = await Upstream.start("answers");
		const forwarder = await knowingSilence(first);
		first.conduct = "answers";
		second.conduct = "SERVFAIL";
		expect(await ask(forwarder, "other.example", [first.server, second.server])).toEqual(truth);
		expect(forwarder.status().upstreams[0]?.backOffUntil).toBeUndefined();
	});

	it("is only slow when it answers after another one has: it stays the first", async () => {
		await using first = await Upstream.start("answers");
		await using second = await Upstream.start("answers");
		first.delayMs = 150;
		const forwarder = new Forwarder({ ...settings, pace: { ...settings.pace, againMs: 5_000 } });
		const servers = [first.server, second.server];
		expect(await ask(forwarder, "one.example", servers)).toEqual(truth);
		await expect.poll(() => forwarder.status().upstreams[0]?.answers).toBe(1);
		first.delayMs = 0;
		expect(await ask(forwarder, "two.example", servers)).toEqual(truth);
		expect(first.asked).toEqual(["one.example", "two.example"]);
		expect(forwarder.status().upstreams[0]).toMatchObject({ timeouts: 0, backOffUntil: undefined });
	});
});

describe("a server at which nobody listens", () => {
	it("is refused by the kernel, backed off, and no reason to wait", async () => {
		await using second = await Upstream.start("answers");
		const dead = await deadServer();
		const forwarder = new Forwarder(calm);
		expect(await ask(forwarder, "one.example", [dead, second.server])).toEqual(truth);
		expect(await ask(forwarder, "two.example", [dead, second.server])).toEqual(truth);
		expect(forwarder.status().upstreams).toMatchObject([
			{ server: serverText(dead), queries: 1, answers: 0, failures: 1, timeouts: 0, backOffUntil: expect.any(Date) },
			{ server: serverText(second.server), queries: 2, answers: 2, failures: 0, backOffUntil: undefined },
		]);
	});
});

describe("what is counted", () => {
	it("is what each server was asked, and how it ended", async () => {
		await using first = await Upstream.start("SERVFAIL");
		await using second = await Upstream.start("truncates");
		const forwarder = new Forwarder(calm);
		await ask(forwarder, "one.example", [first.server, second.server]);
		first.conduct = "malformed";
		second.conduct = "closes";
		await ask(forwarder, "two.example", [first.server, second.server]);
		const rtt = expect.any(Number);
		expect(forwarder.status().upstreams).toEqual([
			{
				server: serverText(first.server),
				...{ queries: 2, answers: 0, failures: 2, timeouts: 0, tcpRetries: 0 },
				...{ smoothedRttMs: rtt, backOffUntil: undefined },
			},
			{
				server: serverText(second.server),
				...{ queries: 4, answers: 1, failures: 1, timeouts: 0, tcpRetries: 2 },
				...{ smoothedRttMs: rtt, backOffUntil: undefined },
			},
		]);
	});

	it("is one time-out of many questions that are open at once", async () => {
		await using upstream = await Upstream.start("silent");
		const forwarder = new Forwarder({ ...settings, pace: { hedgeMs: 50, againMs: 200, overallMs: 350 } });
		await Promise.all(Array.from({ length: 4 }, (_, i) => ask(forwarder, `n${i}.example`, [upstream.server])));
		await expect.poll(() => forwarder.status().upstreams[0]?.backOffUntil).toBeInstanceOf(Date);
		expect(forwarder.status().upstreams[0]).toMatchObject({
			queries: 8,
			answers: 0,
			failures: 0,
			smoothedRttMs: undefined,
		});
		expect(forwarder.status().upstreams[0]?.timeouts).toBeGreaterThanOrEqual(1);
		expect(forwarder.status().upstreams[0]?.timeouts).toBeLessThanOrEqual(2);
	});
});
