/** Programs that speak gRPC and nothing else: the example, and a client that knows no contract and finds it by reflection. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { fingerprint } from "../support/audit/fingerprint.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
});

afterAll(() => takeDown(host));

test("examples/sandbox.ts does what it says and leaves nothing", async () => {
	const before = await fingerprint(host);
	const out = await host.ok(process.execPath, [join(CHECKOUT, "examples/sandbox.ts")]);
	expect(out).toMatch(/http/);
	expect(await audit(host)).toEqual([]);
	expect(await fingerprint(host)).toEqual(before);
});

test("a client that knows no contract finds every service and calls one", async () => {
	const socket = join(host.root, "run/netd.sock");
	const out = await host.ok(process.execPath, [join(CHECKOUT, "test/support/reflect.ts"), socket]);
	const { services, networks } = JSON.parse(out) as { services: string[]; networks: string[] };
	expect(services).toEqual(
		expect.arrayContaining([
			"grpc.health.v1.Health",
			"wharf.network.v1.NetworkService",
			"wharf.network.v1.EndpointService",
		]),
	);
	expect(networks.sort()).toEqual(["bridge", "host", "none"]);
});
