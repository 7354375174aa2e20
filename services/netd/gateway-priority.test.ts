/** Which of a sandbox's endpoints has its default routes. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ModelKernel } from "./kernel/model/model.ts";
import type { ModelAllocator } from "./peers/model-allocator.ts";
import type { Sandbox } from "./sandbox.ts";
import {
	type Bench,
	BOTH_FAMILIES,
	call,
	connectSpec,
	modelBench,
	networkSpec,
	sandboxSpec,
	tcp,
} from "./test-support/netd.ts";

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
beforeEach(async () => {
	it = await modelBench();
	for (const name of ["one", "two", "three"]) await it.netd.networks.create(networkSpec(name), call());
	await it.netd.networks.create(networkSpec("dual", { subnets: BOTH_FAMILIES }), call());
	await it.netd.networks.create(networkSpec("vault", { internal: true }), call());
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
});
afterEach(() => it[Symbol.asyncDispose]());

async function connect(network: string, gatewayPriority = 0) {
	const { view } = await it.netd.endpoints.connect(
		connectSpec(network, alice, { gatewayPriority, ports: network === "vault" ? [] : [tcp(0, 80)] }),
		call(),
	);
	return view;
}

const routes = (): (string | undefined)[] => {
	const { routes: present } = it.kernel.state.sandbox(alice.netnsPath);
	return [present[4]?.toString(), present[6]?.toString()];
};
const leads = () =>
	it.netd.endpoints
		.list({ network: undefined, sandboxId: alice.id }, { after: 0, limit: 100 })
		.items.map(({ network, leads: families }) => [network.name, families]);

test("the highest leads, then the oldest; its end moves the route on", async () => {
	await connect("one");
	await connect("two", -1);
	expect(routes()).toEqual(["10.61.2.1", undefined]);
	const third = await connect("three", 7);
	expect(third.leads).toEqual([4]);
	expect(third.endpoint.gatewayPriority).toBe(7);
	expect(routes()).toEqual(["10.61.4.1", undefined]);
	expect(leads()).toEqual([
		["one", []],
		["two", []],
		["three", [4]],
	]);
	await it.netd.endpoints.disconnect(third.endpoint.id, call());
	expect(routes()).toEqual(["10.61.2.1", undefined]);
	await it.restart();
	expect(leads()).toEqual([
		["one", [4]],
		["two", []],
	]);
});

test("those that do not lead answer by their own gateways; in a namespace that stays nothing is left", async () => {
	const theirs = "/proc/4711/ns/net";
	const aside = () => it.kernel.state.sandbox(theirs).sourceRoutes.map(({ gateway }) => gateway.toString());
	it.kernel.addForeignNamespace(theirs);
	alice = await it.netd.sandboxes.create(sandboxSpec("bob", { adoptPath: theirs }), call());
	await connect("one");
	expect(aside()).toEqual([]);
	await connect("vault");
	await connect("two");
	expect(aside()).toEqual(["10.61.3.1"]);
	const { endpoint } = await connect("three", 1);
	expect(aside()).toEqual(["10.61.2.1", "10.61.3.1"]);
	await it.netd.endpoints.disconnect(endpoint.id, call());
	expect(aside()).toEqual(["10.61.3.1"]);
	it.kernel.fail("firewall.ensurePublished");
	await expect(connect("three", 1)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
	expect(aside()).toEqual(["10.61.3.1"]);
	await it.netd.sandboxes.delete(alice.id, call());
	expect(aside()).toEqual([]);
});

test("each family has its own", async () => {
	await connect("dual");
	const [, six] = routes();
	await connect("one", 1);
	expect(routes()).toEqual(["10.61.2.1", six]);
	expect(leads()).toEqual([
		["dual", [6]],
		["one", [4]],
	]);
});

test("a second highest is refused before anything has changed; a lower one, 0, and a network without a gateway are not", async () => {
	await connect("one", 5);
	const before = it.kernel.snapshot();
	await expect(connect("two", 5)).rejects.toMatchObject({
		reason: "GATEWAY_PRIORITY_TAKEN",
		field: "gateway_priority",
		message: "The default route leads through one, whose gateway priority is 5 too.",
	});
	expect(it.kernel.snapshot()).toEqual(before);
	await connect("vault", 5);
	await connect("three", 9);
	await connect("two", 5);
	expect(leads().filter(([, families]) => families?.length)).toEqual([["three", [4]]]);
});

test("what fails after the route has moved moves it back", async () => {
	await connect("one");
	const before = it.kernel.snapshot();
	it.kernel.fail("firewall.ensurePublished");
	await expect(connect("two", 1)).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
	expect(it.kernel.snapshot()).toEqual(before);
	expect(routes()).toEqual(["10.61.2.1", undefined]);
});
