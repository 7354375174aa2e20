/** Programs that speak gRPC and nothing else: the example, and a client that knows no contract and finds it by reflection. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConnectRequest, EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateSandboxRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { client } from "#lib/rpc/client.ts";
import { audit } from "../support/audit/audit.ts";
import { fingerprint } from "../support/audit/fingerprint.ts";
import { eventually } from "../support/eventually.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";
import { webServer } from "../support/web.ts";

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

test("a runtime's own process is connected by its pid: it finds others by name and they it; its end changes nothing until it is let go", async () => {
	const socket = { unix: join(host.root, "run/netd.sock") };
	using sandboxes = client(SandboxServiceService, socket);
	using endpoints = client(EndpointServiceService, socket);
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("run", "-d", "--name", "web", "--network", "front", "host", ...webServer(80, "web"));
	const guest = host.start("unshare", ["--net", "sh", "-c", "echo $$; exec sleep 100"]);
	const said = await new Promise<unknown>((resolve) => void guest.stdout.once("data", resolve).resume());
	const adoptPid = Number(String(said));
	const asked = { requestId: "adopt", holder: "test", owner: "guest", name: "guest", adoptPid };
	const { sandbox } = await sandboxes.createSandbox(CreateSandboxRequest.fromPartial(asked));
	const { id = "", netnsPath = "" } = sandbox ?? {};
	const inside = (...args: string[]): Promise<string> => host.ok("nsenter", [`--net=${netnsPath}`, "--", ...args]);
	const wish = { requestId: "connect", network: "front", sandboxId: id };
	const { endpoint } = await endpoints.connect(ConnectRequest.fromPartial(wish));
	const asContainer =
		'echo "nameserver 127.0.0.11" >/run/guest && mount --bind /run/guest /etc/resolv.conf && exec "$@"';
	const fetched = ["sh", "-c", asContainer, "sh", "curl", "-s", "--max-time", "5", "http://web/"];
	expect(await inside("unshare", "--mount", "--propagation", "private", ...fetched)).toBe("web");
	const address = endpoint?.addresses[0]?.split("/")[0] ?? "";
	expect(await host.wharfOk("exec", "web", "getent", "hosts", "guest")).toContain(address);
	await host.ok("kill", ["-KILL", String(adoptPid)]);
	await guest.done;
	expect(await host.ok("ping", ["-c1", "-W2", address])).toContain("1 received");
	expect(await audit(host)).toEqual([]);
	await sandboxes.deleteSandbox({ requestId: "let go", id });
	await host.wharfOk("rm", "-f", "web");
	await host.wharfOk("network", "rm", "front");
	await eventually(async () => expect(await audit(host)).toEqual([]));
});
