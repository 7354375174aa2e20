/** IPv6 as packets meet it: what is published, what leaves, and what a segment may tell a sandbox. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandbox } from "../../sandbox.ts";
import { call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
	const automatic = { cidr: undefined, ipRange: undefined, gateway: undefined, auxiliary: {} };
	const subnets = ([4, 6] as const).map((family) => ({ ...automatic, family }));
	await t.it.netd.networks.create(networkSpec("dual", { subnets }), call());
	await t.it.netd.networks.create(networkSpec("plain"), call());
});
afterEach(() => t[Symbol.asyncDispose]());

const sandbox = (name: string): Promise<Sandbox> => t.it.netd.sandboxes.create(sandboxSpec(name), call());

/** Its IPv6 address on the network, or "". */
async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}): Promise<string> {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	return view.endpoint.addresses.find(({ ip }) => ip.family === 6)?.ip.toString() ?? "";
}

const REFUSED = `
import socket, sys
client = socket.socket(socket.AF_INET6, getattr(socket, "SOCK_" + sys.argv[1]))
client.settimeout(5)
try:
    client.connect(("::1", 8080))
    client.send(b"x")
    print(client.recv(1))
except (ConnectionRefusedError, PermissionError): print("refused")
`;

test.each([true, false])("published at [::], and beside it at one address; bridged frames shown: %s", async (shown) => {
	showBridged(t.host, shown);
	const [web, near] = [await sandbox("web"), await sandbox("near")];
	const own = await connect(web, "dual", {
		ports: [tcp(8080, 80, "::"), tcp(8080, 81, HOST6), { ...tcp(8080, 80, "::"), protocol: "udp" }],
	});
	await connect(near, "dual");
	const gateway = own.replace(/[^:]+$/, "1");
	await t.serve(web.netnsPath, 80, "::");
	expect(await t.ask(t.outside, HOST6, 8080)).toBe("");
	expect(await t.ask(near.netnsPath, gateway, 8080)).toBe(gateway);
	await t.serve(web.netnsPath, 81, "::");
	expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
	// Round the bridge: to a neighbour, and to itself.
	expect(await t.ask(near.netnsPath, HOST6, 8080)).toBe(gateway);
	expect(await t.ask(web.netnsPath, HOST6, 8080)).toBe(gateway);
	expect(await t.ask(web.netnsPath, gateway, 8080)).toBe(gateway);
	expect(await t.ask(t.host, HOST6, 8080)).toBe(gateway);
	// Only what is published, and only of the family.
	expect(await t.ask(t.outside, own, 81)).toBe("");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	// Refused at once, and not left waiting: whoever tries ::1 first then tries 127.0.0.1.
	for (const transport of ["STREAM", "DGRAM"])
		expect(t.run(t.host, "python3", "-c", REFUSED, transport)).toBe("refused\n");
});
