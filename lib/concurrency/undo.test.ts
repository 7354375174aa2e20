import { describe, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { Undo } from "./undo.ts";

const log = createLog({ service: "test", level: "silent" });

describe("undo", () => {
	async function undone(fail: readonly string[], done = false): Promise<string[]> {
		const steps: string[] = [];
		const step = (name: string) => async (): Promise<void> => {
			steps.push(name);
			if (fail.includes(name)) throw new Error(name);
		};
		{
			await using undo = new Undo({ discard: step("clean"), park: step("parked") }, log);
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
