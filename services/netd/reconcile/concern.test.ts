import { afterEach, beforeEach, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import type { Endpoint } from "../endpoint.ts";
import type { ModelKernel } from "../kernel/model/model.ts";
import type { ModelAllocator } from "../peers/model-allocator.ts";
import { Records } from "../records.ts";
import type { Sandbox } from "../sandbox.ts";
import { type Bench, call, connectSpec, modelBench, networkSpec, sandboxSpec } from "../test-support/netd.ts";
import { concerns } from "./concern.ts";

let it: Bench<ModelKernel, ModelAllocator>;
let alice: Sandbox;
let endpoint: Endpoint;
let bridge: string;

beforeEach(async () => {
	it = await modelBench();
	const { network } = await it.netd.networks.create(networkSpec("web"), call());
	bridge = network.interface ?? "";
	alice = await it.netd.sandboxes.create(sandboxSpec("alice"), call());
	endpoint = (await it.netd.endpoints.connect(connectSpec("web", alice), call())).view.endpoint;
});
afterEach(() => it[Symbol.asyncDispose]());

function concerned(...links: readonly string[]): boolean {
	const parts = { records: new Records(it.store), kernel: it.kernel };
	return concerns(parts, { everything: false, links: new Set(links), apart: new Set() });
}

test("others' links do not, and everything does", () => {
	expect(concerned("eth7", "veth1234", "wv-000000000000")).toBe(false);
	const parts = { records: new Records(it.store), kernel: it.kernel };
	expect(concerns(parts, { everything: true, links: new Set(), apart: new Set() })).toBe(true);
});

test("a bridge of ours does, and a leg that is gone, down, or elsewhere; one that is where it should be does not", () => {
	expect(concerned("eth7", bridge)).toBe(true);
	expect(concerned(endpoint.hostInterface)).toBe(false);
	const leg = it.kernel.state.legs.get(endpoint.hostInterface)!;
	leg.up = false;
	expect(concerned(endpoint.hostInterface)).toBe(true);
	Object.assign(leg, { up: true, bridge: "wharf0" });
	expect(concerned("eth7", endpoint.hostInterface)).toBe(true);
	it.kernel.state.removeLeg(endpoint.hostInterface);
	expect(concerned(endpoint.hostInterface)).toBe(true);
});

test("an uplink that is no port does, and another's link or a bridge of ours that is none does not", async () => {
	it.kernel.state.foreign.add(parseIfName("eth1"));
	await it.netd.networks.create(networkSpec("lan", { options: { "wharf.bridge.uplink": "eth1" } }), call());
	const parts = { records: new Records(it.store), kernel: it.kernel };
	const seenApart = (...apart: string[]): boolean =>
		concerns(parts, { everything: false, links: new Set(), apart: new Set(apart) });
	expect(seenApart("eth7", bridge)).toBe(false);
	expect(seenApart("eth7", "eth1")).toBe(true);
});

test("what our own operations take away does not", async () => {
	const { hostInterface } = endpoint;
	await it.netd.endpoints.disconnect(endpoint.id, call());
	await it.netd.networks.delete("web", call());
	expect(concerned(hostInterface, bridge)).toBe(false);
});

test("an endpoint that has failed does not: it would be tried again for each trace of trying", async () => {
	it.kernel.state.removeSandbox(alice.netnsPath);
	expect(concerned(endpoint.hostInterface)).toBe(true);
	await it.netd.reconcile.run();
	expect(concerned(endpoint.hostInterface)).toBe(false);
});
