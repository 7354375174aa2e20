import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { type Attempt, race } from "./race.ts";
import { type Server, serverAt } from "./server.ts";

const [one, two, three] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((text) => serverAt(Ip.parse(text))) as [
	Server,
	Server,
	Server,
];
const pace = { hedgeMs: 20, againMs: 40, overallMs: 2_000 };

type Behaviour = "good" | "bad" | "silent";

/** Servers that behave so, and the order in which they were asked. */
function servers(behaviour: ReadonlyMap<Server, Behaviour | readonly Behaviour[]>): {
	asked: Server[];
	attempt: Attempt;
} {
	const asked: Server[] = [];
	const attempt: Attempt = (server, signal) => {
		const before = asked.filter((other) => other === server).length;
		asked.push(server);
		const all = [behaviour.get(server) ?? "silent"].flat();
		switch (all[before] ?? all.at(-1)) {
			case "good":
				return Promise.resolve(Buffer.from(server.address));
			case "bad":
				return Promise.reject(new Error("bad"));
			case "silent":
			case undefined:
				return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
		}
	};
	return { asked, attempt };
}

describe("race", () => {
	it("asks one server when that one answers", async () => {
		const { asked, attempt } = servers(new Map([[one, "good"]]));
		expect(String(await race([one, two], attempt, pace))).toBe(one.address);
		expect(asked).toEqual([one]);
	});

	it("goes on to the next when one fails or keeps silent", async () => {
		const { asked, attempt } = servers(
			new Map([
				[one, "bad"],
				[two, "silent"],
				[three, "good"],
			]),
		);
		expect(String(await race([one, two, three], attempt, pace))).toBe(three.address);
		expect(asked).toEqual([one, two, three]);
	});

	it("is over when everybody has failed, each asked once", async () => {
		const { asked, attempt } = servers(
			new Map([
				[one, "bad"],
				[two, "bad"],
			]),
		);
		expect(await race([one, two], attempt, { ...pace, overallMs: 60_000 })).toBeUndefined();
		expect(asked).toEqual([one, two]);
	});

	it("asks those that kept silent once more, and not those that failed", async () => {
		const { asked, attempt } = servers(
			new Map([
				[one, ["silent", "good"]],
				[two, ["bad"]],
			]),
		);
		expect(String(await race([one, two], attempt, pace))).toBe(one.address);
		expect(asked).toEqual([one, two, one]);
	});

	it("gives up in bounded time and stops what it began", async () => {
		const signals: AbortSignal[] = [];
		const attempt: Attempt = (_, signal) => {
			signals.push(signal);
			return new Promise(() => undefined);
		};
		expect(await race([one], attempt, { ...pace, overallMs: 100 })).toBeUndefined();
		expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
	});

	it("has nobody to ask without servers", async () => {
		expect(await race([], servers(new Map()).attempt, pace)).toBeUndefined();
	});
});
