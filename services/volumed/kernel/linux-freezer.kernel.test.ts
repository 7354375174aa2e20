import { expect, test } from "vitest";
import { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { createLog } from "#lib/log/log.ts";
import { freezerContract } from "../test-support/freezer-contract.ts";
import { LinuxFreezer } from "./linux-freezer.ts";

const log = createLog({ service: "test", level: "silent" });

freezerContract(async () => {
	const group = new ScratchCgroup("volumed");
	const counter = await group.counter();
	return {
		freezer: new LinuxFreezer(log),
		cgroup: group.path,
		freeze: () => group.set("frozen"),
		stands: () => counter.stands(),
		goesOn: () => counter.goesOn(),
		[Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
	};
});

test("what cannot be frozen is said in words", async () => {
	const freezer = new LinuxFreezer(log);
	const refused = { problem: expect.stringContaining("no control group that could be frozen") };
	expect(await freezer.observe("/")).toEqual(refused);
	expect(await freezer.freeze("/", 1_000, new AbortController().signal)).toEqual(refused);
	await expect(freezer.thaw("/")).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
});
