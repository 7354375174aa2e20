import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HOST_NAMESPACE } from "./kernel/model/state.ts";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Bench, call, connectSpec, modelBench, networkSpec, sandboxSpec, tcp } from "./test-support/netd.ts";

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

const everything = () => ({ kernel: it.kernel.snapshot(), leases: it.allocator.snapshot(), states: states() });

describe("one that shares another's", () => {
	let alice: Sandbox;
	beforeEach(async () => {
		await it.netd.networks.create(networkSpec("web"), call());
		alice = await it.netd.sandboxes.create(sandboxSpec("alice", { hostname: "a1" }), call());
		await it.netd.endpoints.connect(connectSpec("web", alice, { ports: [tcp(8080, 80)] }), call());
	});

	const join = (name: string, to: Sandbox) => it.netd.sandboxes.create(sandboxSpec(name, { join: to.id }), call());

	test("has its namespace and its host name, shows it, and adds nothing to the kernel", async () => {
		const before = it.kernel.snapshot();
		const bob = await join("bob", alice);
		const { netnsPath } = alice;
		expect(it.netd.sandboxes.get(bob.id)).toMatchObject({
			netnsPath,
			hostname: "a1",
			joined: alice.id,
			adopted: false,
		});
		expect(await join("carol", bob)).toMatchObject({ netnsPath, joined: alice.id });
		expect(it.kernel.snapshot()).toEqual(before);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.kernel.snapshot()).toEqual(before);
		await it.restart();
		expect(it.kernel.snapshot()).toEqual(before);
		expect(states()).toEqual(["active", "active", "active"]);
	});

	test("is not connected by itself, and whose it is, is named", async () => {
		const bob = await join("bob", alice);
		await expect(it.netd.endpoints.connect(connectSpec("bridge", bob), call())).rejects.toMatchObject({
			reason: "SANDBOX_IS_JOINED",
			message: "bob has no network of its own: it shares the network namespace of alice.",
			field: "sandbox_id",
		});
	});

	test("goes and leaves the other's as it was", async () => {
		const before = everything();
		const bob = await join("bob", alice);
		expect(await it.netd.sandboxes.delete(bob.id, call())).toBe(true);
		expect(await it.netd.sandboxes.delete(bob.id, call())).toBe(false);
		expect(everything()).toEqual(before);
	});

	test("fails when the other goes, which leaves nothing of itself to it, and can be deleted then", async () => {
		const bob = await join("bob", alice);
		const held = it.kernel.namespaces.open({ path: alice.netnsPath });
		held.pin("/proc/99/ns/net"); // bob's process
		await it.netd.sandboxes.delete(alice.id, call());
		const failed = { state: "failed", reason: "the sandbox alice whose network it shared is gone" };
		expect(it.netd.sandboxes.get(bob.id).status).toEqual(failed);
		await vi.waitFor(() => expect(it.kernel.links.observe().legs).toEqual([]));
		expect(it.kernel.links.interfaces("/proc/99/ns/net")).toEqual(["lo"]);
		expect(it.kernel.resolver.observe("/proc/99/ns/net")).toBeUndefined();
		expect(it.kernel.firewall.observe().publications).toEqual([]);
		expect(it.allocator.snapshot().leases).toEqual([]);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.sandboxes.get(bob.id).status).toEqual(failed);
		await expect(join("carol", bob)).rejects.toMatchObject({ reason: "SANDBOX_NOT_READY" });
		await it.netd.sandboxes.delete(bob.id, call());
		expect(states()).toEqual([]);
	});

	test("fails with the other, and is mended with it", async () => {
		const bob = await join("bob", alice);
		it.kernel.state.removeSandbox(alice.netnsPath);
		await it.netd.reconcile.run();
		expect(it.netd.sandboxes.get(bob.id).status).toEqual({ state: "failed", reason: "its network namespace is gone" });
		it.kernel.namespaces.create(alice.netnsPath);
		await it.netd.reconcile.run();
		expect(it.netd.sandboxes.get(bob.id).status).toEqual({ state: "active" });
	});

	test.each([
		["nobody's", () => sandboxSpec("x", { join: "f".repeat(64) }), "SANDBOX_NOT_FOUND"],
		["with an owner that has one", () => sandboxSpec("alice", { join: alice.id }), "SANDBOX_EXISTS"],
	])("%s is refused, and nothing has changed", async (_, spec, reason) => {
		const before = everything();
		await expect(it.netd.sandboxes.create(spec(), call())).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
	});

	test("a join and a removal at once: whoever is second finds out", async () => {
		for (let round = 0; round < 10; round += 1) {
			const owner = await it.netd.sandboxes.create(sandboxSpec(`owner${round}`), call());
			const [joined, removed] = await Promise.allSettled([
				join(`guest${round}`, owner),
				it.netd.sandboxes.delete(owner.id, call()),
			]);
			const outcome =
				joined.status === "rejected"
					? (joined.reason as { reason: string }).reason
					: it.netd.sandboxes.get(joined.value.id).status.state;
			expect(removed.status).toBe("fulfilled");
			expect(["SANDBOX_NOT_READY", "SANDBOX_NOT_FOUND", "failed"]).toContain(outcome);
		}
	});
});

describe("one that is taken in", () => {
	const PID = 4711;
	const THEIRS = "/proc/4711/ns/net";
	beforeEach(() => it.kernel.addProcess(PID, THEIRS));

	test.each([
		["by pid", { adoptPid: PID }],
		["by path", { adoptPath: THEIRS }],
	])("%s is held at a place of its own, whatever becomes of the process, and let go as it was", async (_, spec) => {
		await it.netd.networks.create(networkSpec("web"), call());
		const before = everything();
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob", spec), call());
		expect(bob).toMatchObject({ netnsPath: `/netns/${bob.id}`, adopted: true });
		const { view } = await it.netd.endpoints.connect(connectSpec("web", bob), call());
		expect(it.kernel.links.interfaces(THEIRS)).toEqual(["lo", "eth0"]);
		await it.netd.endpoints.disconnect(view.endpoint.id, call());
		await it.netd.endpoints.connect(connectSpec("web", bob), call());
		await it.netd.sandboxes.delete(bob.id, call());
		await vi.waitFor(() => expect(everything()).toEqual(before));
	});

	test("outlives its process, and another one of its pid is another one", async () => {
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob", { adoptPid: PID }), call());
		await it.netd.endpoints.connect(connectSpec("bridge", bob), call());
		it.kernel.endProcess(PID);
		it.kernel.addProcess(PID, THEIRS);
		expect(await it.netd.reconcile.run()).toBe(0);
		expect(it.netd.sandboxes.get(bob.id).status).toEqual({ state: "active" });
		expect(it.kernel.links.interfaces(bob.netnsPath)).toEqual(["lo", "eth0"]);
		expect(it.kernel.links.interfaces(THEIRS)).toEqual(["lo"]);
		const carol = await it.netd.sandboxes.create(sandboxSpec("carol", { adoptPid: PID }), call());
		await it.netd.sandboxes.delete(bob.id, call());
		expect(it.netd.sandboxes.get(carol.id).status).toEqual({ state: "active" });
	});

	test.each([
		["no process", { adoptPid: 4712 }, "PROCESS_NOT_FOUND"],
		["the host's own", { adoptPath: HOST_NAMESPACE }, "HOST_NAMESPACE"],
		["what is no namespace", { adoptPath: "/etc/passwd" }, "NOT_A_NAMESPACE"],
		["another sandbox's", { adoptPath: THEIRS }, "NAMESPACE_TAKEN"],
		["another sandbox's by pid", { adoptPid: PID }, "NAMESPACE_TAKEN"],
	])("%s is refused, and nothing has changed", async (_, spec, reason) => {
		await it.netd.sandboxes.create(sandboxSpec("alice", { adoptPid: PID }), call());
		const before = everything();
		await expect(it.netd.sandboxes.create(sandboxSpec("x", spec), call())).rejects.toMatchObject({ reason });
		expect(everything()).toEqual(before);
	});

	test("is shared, and goes without what was ours when its owner goes", async () => {
		const bob = await it.netd.sandboxes.create(sandboxSpec("bob", { adoptPid: PID }), call());
		await it.netd.endpoints.connect(connectSpec("bridge", bob), call());
		const carol = await it.netd.sandboxes.create(sandboxSpec("carol", { join: bob.id }), call());
		await it.netd.sandboxes.delete(bob.id, call());
		expect(it.netd.sandboxes.get(carol.id).status.state).toBe("failed");
		await vi.waitFor(() => expect(it.kernel.links.interfaces(THEIRS)).toEqual(["lo"]));
	});
});
