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

	test("an end that cannot be stored is told to those who wait and to who mends it; the next one is told again", async () => {
		const endings = new Endings();
		let told = 0;
		endings.onUndone(() => told++);
		const [exited, settled] = [endings.exited("a"), endings.settled("a")];
		endings.tellUnstored("a", new Error("full"));
		await exited;
		await expect(settled).rejects.toThrow("full");
		expect(told).toBe(1);
		const again = endings.settled("a");
		endings.tellSettled("a", 3);
		expect(await again).toBe(3);
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
