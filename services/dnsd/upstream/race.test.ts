import { describe, expect, it } from "vitest";
import { type Rules, race } from "./race.ts";

const [one, two, three] = ["one", "two", "three"] as const;
type Server = typeof one | typeof two | typeof three;
type Attempt = Rules<Server, string>["attempt"];
const pace = { hedgeMs: () => 20, againMs: 40, overallMs: 2_000 };

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
				return Promise.resolve(server);
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
		expect(await race([one, two], { ...pace, attempt })).toBe(one);
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
		expect(await race([one, two, three], { ...pace, attempt })).toBe(three);
		expect(asked).toEqual([one, two, three]);
	});

	it("is over when everybody has failed, each asked once", async () => {
		const { asked, attempt } = servers(
			new Map([
				[one, "bad"],
				[two, "bad"],
			]),
		);
		expect(await race([one, two], { ...pace, attempt, overallMs: 60_000 })).toBeUndefined();
		expect(asked).toEqual([one, two]);
	});

	it("asks those that kept silent once more, and not those that failed", async () => {
		const { asked, attempt } = servers(
			new Map([
				[one, ["silent", "good"]],
				[two, ["bad"]],
			]),
		);
		expect(await race([one, two], { ...pace, attempt })).toBe(one);
		expect(asked).toEqual([one, two, one]);
	});

	it("gives those that keep silent their time though the last one failed", async () => {
		const { asked, attempt } = servers(new Map([[two, "bad"]]));
		expect(await race([one, two], { ...pace, attempt, againMs: 60_000, overallMs: 200 })).toBeUndefined();
		expect(asked).toEqual([one, two]);
	});

	it("tells who let the time pass, and of none that failed", async () => {
		const late: Server[] = [];
		const { attempt } = servers(
			new Map([
				[one, ["silent", "good"]],
				[two, ["bad"]],
			]),
		);
		await race([one, two], { ...pace, attempt, onLate: (server) => late.push(server) });
		expect(late).toEqual([one]);
	});

	it("waits for each as long as that one deserves", async () => {
		const { asked, attempt } = servers(new Map([[three, "good"]]));
		const hedgeMs = (server: Server): number => (server === one ? 10 : 60_000);
		expect(await race([one, two, three], { ...pace, attempt, hedgeMs, overallMs: 300 })).toBeUndefined();
		expect(asked).toEqual([one, two]);
	});

	it("gives up in bounded time and stops what it began", async () => {
		const signals: AbortSignal[] = [];
		const attempt: Attempt = (_, signal) => {
			signals.push(signal);
			return new Promise(() => undefined);
		};
		expect(await race([one], { ...pace, attempt, overallMs: 100 })).toBeUndefined();
		expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
	});

	it("has nobody to ask without servers", async () => {
		expect(await race([], { ...pace, attempt: servers(new Map()).attempt })).toBeUndefined();
	});
});
