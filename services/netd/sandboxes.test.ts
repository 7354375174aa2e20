import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import { type Bench, call, modelBench, sandboxSpec } from "./test-support/netd.ts";

let it: Bench<ModelKernel, ModelAllocator>;
beforeEach(async () => {
	it = await modelBench();
});
afterEach(() => it[Symbol.asyncDispose]());

const states = () =>
	it.netd.sandboxes
		.list({ holder: undefined, owner: undefined }, { after: 0, limit: 100 })
		.items.map(({ status }) => status.state);

test("one whose namespace can neither be made nor removed is taken back by itself, and can be made then", async () => {
	it.kernel.fail("namespaces.create");
	it.kernel.fail("namespaces.remove");
	await expect(it.netd.sandboxes.create(sandboxSpec("alice"), call())).rejects.toMatchObject({
		reason: "KERNEL_REFUSED",
	});
	expect(states()).toEqual(["deleting"]);
	await vi.waitFor(() => it.netd.sandboxes.create(sandboxSpec("alice"), call()), 10_000);
	expect(states()).toEqual(["active"]);
}, 30_000);
