import { expect, test } from "vitest";
import { CONTAINER_FLAGS, specOf } from "./container-flags.ts";
import { command } from "./syntax/command.ts";
import { parse } from "./syntax/parse.ts";

const RUN = command({
	name: "run",
	summary: "Runs.",
	operands: "IMAGE",
	minOperands: 1,
	maxOperands: 1,
	flags: CONTAINER_FLAGS,
	run: async () => 0,
});

function networks(...args: string[]) {
	const parsed = parse(RUN, [...args, "host"]);
	if (parsed.help) throw new Error("help was asked for");
	return specOf(parsed.flags, parsed.operands, { env: {}, cwd: "/" }).networks;
}

test("what is said of a network without naming it is for the first one", () => {
	const flags = ["--network-alias", "www", "--ip", "10.0.0.9", "--link", "db:store", "--link", "kv"];
	const links = [
		{ container: "db", alias: "store" },
		{ container: "kv", alias: "" },
	];
	expect(networks("--network", "front", "--network", "back", ...flags)).toEqual([
		{ network: "front", addresses: ["10.0.0.9"], aliases: ["www"], gatewayPriority: 0, links },
		{ network: "back", addresses: [], aliases: [], gatewayPriority: 0, links: [] },
	]);
	expect(networks("--link", "kv")).toMatchObject([{ network: "bridge", links: [{ container: "kv" }] }]);
});
