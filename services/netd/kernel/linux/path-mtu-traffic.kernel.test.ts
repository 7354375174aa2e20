/**
 * Ways on which less fits than both ends believe: what routers say of it (fragmentation needed, packet too big) reaches whoever has
 * to know, through the translations, and what is sent gets there.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Child, run, start } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import type { Sandbox } from "../../sandbox.ts";
import { call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, settleAtOnce, type Town, town } from "../../test-support/town.ts";

const FITS = 1400;
const BYTES = "300000";
/** Beyond the router outside. */
const FAR = "198.51.100.9";
const FAR6 = "2001:db8:9::9";

/** Answers `get` with so many bytes, and takes so many after `put`. */
const SERVER = `
import socket, threading
def handle(connection):
    verb, count = connection.makefile("r").readline().split()
    if verb == "get": connection.sendall(b"x" * int(count))
    else:
        connection.sendall(b"go")
        seen = 0
        while seen < int(count): seen += len(connection.recv(65536))
        connection.sendall(b"x" * seen)
    connection.close()
server = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True: threading.Thread(target=handle, args=[server.accept()[0]], daemon=True).start()
`;

/** Says how many bytes have made the way, or that it came to nothing in ten seconds. */
const CLIENT = `
import socket, sys
address, port, verb, count = sys.argv[1:]
try:
    client = socket.create_connection((address, int(port)), timeout=10)
    client.sendall(f"{verb} {count}\\n".encode())
    if verb == "put":
        client.recv(2)
        client.sendall(b"x" * int(count))
    seen = 0
    while more := client.recv(65536): seen += len(more)
    print(seen)
except OSError as error: print(error)
`;

let t: Town;
let far: string;
let server: Child | undefined;
beforeEach(async () => {
	t = await town();
	far = `${t.outside}-far`;
	createNetns(far);
});
afterEach(async () => {
	server?.kill("SIGKILL");
	await server?.done;
	removeNetns(far);
	await t[Symbol.asyncDispose]();
});

async function serve(netns: string): Promise<void> {
	const child = start("nsenter", [`--net=${netns}`, "--", "python3", "-c", SERVER]);
	server = child;
	await new Promise<void>((resolve, reject) => {
		void child.done.then(({ stderr }) => reject(new Error(stderr)), reject);
		child.stdout.once("data", () => resolve()).resume();
	});
}

/** As many as were asked for, or why not. */
async function transfer(netns: string, address: string, port: number, verb: "get" | "put"): Promise<string> {
	const program = ["python3", "-c", CLIENT, address, String(port), verb, BYTES];
	return (await run("nsenter", [`--net=${netns}`, "--", ...program])).stdout.trim();
}

/** What fits on the way there, as a sender has been told; "" when it has not. */
const told = (netns: string, address: string): string =>
	/mtu (\d+)/.exec(t.run(netns, "ip", "route", "get", address))?.[1] ?? "";

async function web(options: Record<string, string> = {}): Promise<Sandbox> {
	const automatic = { cidr: undefined, ipRange: undefined, gateway: undefined, auxiliary: {} };
	const subnets = ([4, 6] as const).map((family) => ({ ...automatic, family }));
	await t.it.netd.networks.create(networkSpec("dual", { subnets, options }), call());
	const sandbox = await t.it.netd.sandboxes.create(sandboxSpec("web"), call());
	await t.it.netd.endpoints.connect(connectSpec("dual", sandbox, { ports: [tcp(8080, 80)] }), call());
	return sandbox;
}

/** The router outside has less room towards `far` than anybody knows. */
function settleFar(): void {
	t.run(t.outside, "ip", "link", "add", "narrow", "type", "veth", "peer", "name", "eth0", "netns", far);
	settleAtOnce(t.outside, "narrow");
	settleAtOnce(far, "eth0");
	t.run(t.outside, "ip", "link", "set", "narrow", "mtu", String(FITS), "up");
	t.run(far, "ip", "link", "set", "eth0", "up");
	for (const [router, own, net] of [
		["198.51.100.1", FAR, 24],
		["2001:db8:9::1", FAR6, 64],
	] as const) {
		const nodad = own.includes(":") ? ["nodad"] : [];
		t.run(t.outside, "ip", "address", "add", `${router}/${net}`, "dev", "narrow", ...nodad);
		t.run(far, "ip", "address", "add", `${own}/${net}`, "dev", "eth0", ...nodad);
		t.run(far, "ip", "route", "add", "default", "via", router);
		t.run(t.host, "ip", "route", "add", own, "via", own === FAR ? OUTSIDE : OUTSIDE6);
	}
	for (const name of ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"])
		t.run(t.outside, "sh", "-c", `echo 1 > /proc/sys/${name}`);
}

describe.each([
	["IPv4", HOST, FAR, OUTSIDE],
	["IPv6", HOST6, FAR6, OUTSIDE6],
])("%s", (_, host, beyond, outside) => {
	test("a client beyond a narrow way gets what a published port sends", async () => {
		const { netnsPath } = await web();
		settleFar();
		await serve(netnsPath);
		expect(await transfer(far, host, 8080, "get")).toBe(BYTES);
		expect(told(netnsPath, beyond)).toBe(String(FITS));
	});

	test("so does a server beyond it what a container sends", async () => {
		const { netnsPath } = await web();
		settleFar();
		await serve(far);
		expect(await transfer(netnsPath, beyond, 80, "put")).toBe(BYTES);
		expect(told(netnsPath, beyond)).toBe(String(FITS));
	});

	test("a client is told what fits on the network behind a published port", async () => {
		const { netnsPath } = await web({ "com.docker.network.driver.mtu": String(FITS) });
		// Otherwise the container's end says from the start what it takes.
		const [, gateway = ""] = /via (\S+)/.exec(t.run(netnsPath, "ip", "route", "get", outside)) ?? [];
		t.run(netnsPath, "ip", "route", "replace", "default", "via", gateway, "advmss", "1440");
		await serve(netnsPath);
		expect(await transfer(t.outside, host, 8080, "put")).toBe(BYTES);
		expect(told(t.outside, host)).toBe(String(FITS));
	});
});
