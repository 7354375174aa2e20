import { describe, expect, test } from "vitest";
import { Endings } from "./endings.ts";

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
