import { describe, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { Endings } from "./endings.ts";
import { Locks } from "./locks.ts";
import { Undo } from "./undo.ts";

const log = createLog({ service: "test", level: "silent" });

describe("endings", () => {
	test("both moments are told to everybody who waits, once", async () => {
		const endings = new Endings();
		const told: string[] = [];
		const waiting = [
			endings.exited("a").then(() => told.push("exited")),
			endings.settled("a").then((status) => told.push(`settled ${status}`)),
			endings.settled("a").then((status) => told.push(`settled ${status}`)),
		];
		endings.tellExited("a");
		await waiting[0];
		expect(told).toEqual(["exited"]);
		endings.tellSettled("a", 7);
		await Promise.all(waiting);
		expect(told).toEqual(["exited", "settled 7", "settled 7"]);
	});

	test("the next end is another one", async () => {
		const endings = new Endings();
		const first = endings.settled("a");
		endings.tellSettled("a", 0);
		const second = endings.settled("a");
		endings.tellSettled("a", 1);
		expect(await Promise.all([first, second])).toEqual([0, 1]);
	});
});

describe("locks", () => {
	test("one at a time on a container, in the order of asking; others are not held up", async () => {
		const locks = new Locks();
		const steps: string[] = [];
		const work = async (id: string, name: string): Promise<void> => {
			using _ = await locks.take(id);
			steps.push(`${name} begins`);
			await new Promise((resolve) => setImmediate(resolve));
			steps.push(`${name} ends`);
		};
		await Promise.all([work("a", "first"), work("a", "second"), work("b", "other")]);
		const ofA = steps.filter((step) => !step.startsWith("other"));
		expect(ofA).toEqual(["first begins", "first ends", "second begins", "second ends"]);
		expect(steps.indexOf("other begins")).toBeLessThan(steps.indexOf("first ends"));
	});
});

describe("undo", () => {
	async function undone(fail: readonly string[], done = false): Promise<string[]> {
		const steps: string[] = [];
		const step = (name: string) => (): void => {
			steps.push(name);
			if (fail.includes(name)) throw new Error(name);
		};
		{
			await using undo = new Undo(log, async (clean) => void steps.push(clean ? "clean" : "parked"));
			undo.defer(step("one"));
			undo.defer(step("two"));
			if (done) undo.done();
		}
		return steps;
	}

	test("runs backwards, and says so when all went well", async () => {
		expect(await undone([])).toEqual(["two", "one", "clean"]);
	});

	test("goes on after a failure, and says that something is left", async () => {
		expect(await undone(["two"])).toEqual(["two", "one", "parked"]);
	});

	test("does nothing when it is done", async () => expect(await undone([], true)).toEqual([]));
});
