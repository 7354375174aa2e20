import { afterEach, beforeEach, expect, test } from "vitest";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { neighbourTables } from "./neighbour-tables.ts";

let scratch: ScratchNetns;
beforeEach(() => {
	scratch = new ScratchNetns();
});
afterEach(() => scratch[Symbol.dispose]());

test("the tables of both families are as ip(8) shows them, and grow with what is added", () => {
	const netns = scratch.create("a");
	runIn(netns, "ip", "link", "add", "p", "type", "veth", "peer", "name", "q");
	runIn(netns, "ip", "link", "set", "p", "up");
	const many = Array.from(
		{ length: 30 },
		(_, index) => `neigh add 192.0.2.${index + 1} lladdr 02:00:00:00:00:01 nud reachable dev p`,
	);
	runIn(netns, "sh", "-c", `printf '%s\\n' "$@" | ip -batch -`, "sh", ...many);
	const tables = neighbourTables(netns);
	expect(tables.map(({ family }) => family).sort()).toEqual([4, 6]);
	expect(tables.find(({ family }) => family === 4)?.entries).toBeGreaterThanOrEqual(many.length);
	const shown = runIn(netns, "ip", "ntable", "show", "name", "arp_cache");
	const limit = /thresh3 (\d+)/.exec(shown)?.[1];
	expect(tables.find(({ family }) => family === 4)?.limit).toBe(Number(limit));
});
