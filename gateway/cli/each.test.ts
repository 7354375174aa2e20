import { expect, test } from "vitest";
import { each } from "./each.ts";

test("together: the last one is begun before the first one has ended, and a failure of one is told and is the status", async () => {
	const said: string[] = [];
	const err = async (text: string | Uint8Array): Promise<void> => void said.push(String(text));
	const begun = Promise.withResolvers<void>();
	const body = async (name: string): Promise<void> => {
		if (name === "b") begun.resolve();
		await begun.promise;
		if (name === "a") throw new Error("a is stuck");
	};
	expect(await each(["a", "b"], { err }, body, { together: true })).toBe(1);
	expect(said.join("")).toContain("a is stuck");
});
