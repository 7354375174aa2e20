/** Ports that come and go while their clients are there, UDP as well, and what else of the host can still be bound. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { openTcpListener, openUdp } from "#lib/linux/socket.ts";
import { closeSync } from "node:fs";
import type { Port } from "../../port.ts";
import type { Sandbox } from "../../sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, type Town, town } from "../../test-support/town.ts";

let t: Town;
const children: Child[] = [];
beforeEach(async () => {
	t = await town();
	await t.it.netd.networks.create(networkSpec("dual", { subnets: BOTH_FAMILIES }), call());
});
afterEach(async () => {
	for (const child of children.splice(0)) child.kill("SIGKILL");
	await t[Symbol.asyncDispose]();
});

const udp = (hostPort: number, containerPort: number, address?: string): Port => ({
	...tcp(hostPort, containerPort, address),
	protocol: "udp",
});

const publish = async (endpointId: string, ...ports: Port[]): Promise<readonly Port[]> =>
	(await t.it.netd.ports.publish({ endpointId, ports }, call())).endpoint.ports;

const unpublish = (endpointId: string, ...ports: Port[]): Promise<unknown> =>
	t.it.netd.ports.unpublish({ endpointId, ports }, call());

async function connect(name: string, ...ports: Port[]): Promise<{ of: Sandbox; id: string }> {
	const of = await t.it.netd.sandboxes.create(sandboxSpec(name), call());
	const { view } = await t.it.netd.endpoints.connect(connectSpec("dual", of, { ports }), call());
	return { of, id: view.endpoint.id };
}

/** Answers each datagram with its name and the address that it came from. */
const ECHO = `
import select, socket, sys
name, port = sys.argv[1], int(sys.argv[2])
def opened(family, address):
    server = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    return server
servers = [opened(socket.AF_INET, "0.0.0.0"), opened(socket.AF_INET6, "::")]
print("ready", flush=True)
while True:
    for server in select.select(servers, [], [])[0]:
        _, peer = server.recvfrom(100)
        server.sendto((name + " " + peer[0]).encode(), peer)
`;

/** One flow that never rests: a datagram every 20 ms from one and the same port. Says who answers whenever that changes. */
const TALK = `
import socket, sys, time
address, port = sys.argv[1], int(sys.argv[2])
client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
if ":" in address: client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
client.bind(("", 4000))
client.settimeout(0.02)
said, heard, last = None, "ready", time.monotonic()
while True:
    if heard != said: print(heard, flush=True)
    said = heard
    try:
        client.sendto(b"x", (address, port))
        heard, last = client.recv(100).decode(), time.monotonic()
    except OSError:
        if time.monotonic() - last > 0.4: heard = "nobody"
        time.sleep(0.01)
`;

/** What it has said last; resolves when it has said something. */
async function program(netns: string, source: string, ...args: readonly string[]): Promise<() => string> {
	const child = start("nsenter", [`--net=${netns}`, "--", "python3", "-c", source, ...args]);
	children.push(child);
	let said = "";
	await new Promise<void>((resolve, reject) => {
		void child.done.then(({ stderr }) => reject(new Error(stderr)), reject);
		const more = (data: unknown): void => {
			said += String(data);
			resolve();
		};
		child.stdout.on("data", more).resume();
	});
	return () => said.trim().split("\n").at(-1) ?? "";
}

test("a UDP client that never rests reaches who is published now, and nobody in between; both families", async () => {
	const [first, second] = [await connect("first"), await connect("second")];
	for (const [name, { of }] of Object.entries({ first, second })) await program(of.netnsPath, ECHO, name, "53");
	const four = await program(t.outside, TALK, HOST, "5353");
	const six = await program(t.outside, TALK, HOST6, "5353");
	const hears = async (who: string): Promise<void> => {
		const expected = [OUTSIDE, OUTSIDE6].map((own) => (who === "nobody" ? who : `${who} ${own}`));
		await expect.poll(() => [four(), six()], { timeout: 5_000 }).toEqual(expected);
	};
	await hears("nobody");
	await publish(first.id, udp(5353, 53));
	await hears("first");
	await unpublish(first.id, udp(5353, 0));
	await hears("nobody");
	await publish(second.id, udp(5353, 53));
	await hears("second");
	await t.it.netd.sandboxes.delete(second.of.id, call());
	await hears("nobody");
	const third = await connect("third", udp(5353, 53));
	await program(third.of.netnsPath, ECHO, "third", "53");
	await hears("third");
});

test("an established connection over IPv6 is cut at once, and another port's is not", async () => {
	const web = await connect("web", tcp(8080, 80), tcp(8081, 80));
	await t.serve(web.of.netnsPath, 80, "::");
	const doomed = await t.hold(t.outside, HOST6, 8080);
	const kept = await t.hold(t.outside, HOST6, 8081);
	await unpublish(web.id, tcp(8080, 0));
	expect(await doomed.cut).toBe(true);
	expect(await kept.cut).toBe(false);
});

test("one address goes before all addresses; either goes without the other, to the same port of the container as well", async () => {
	const web = await connect("web", tcp(8080, 80));
	const other = await connect("other", tcp(8080, 81, HOST));
	await t.serve(web.of.netnsPath, 80);
	await t.serve(other.of.netnsPath, 81);
	t.run(other.of.netnsPath, "ip", "route", "del", "default");
	// `other` has no way back: an answer is web's.
	const reached = async (address: string): Promise<boolean> => (await t.ask(t.outside, address, 8080)) !== "";
	t.run(t.host, "ip", "addr", "add", "192.0.2.77/32", "dev", "out0");
	expect([await reached(HOST), await reached("192.0.2.77")]).toEqual([false, true]);
	await unpublish(other.id, tcp(8080, 0, HOST));
	expect(await reached(HOST)).toBe(true);
	await publish(web.id, tcp(8080, 80, HOST));
	await unpublish(web.id, tcp(8080, 0));
	expect([await reached(HOST), await reached("192.0.2.77")]).toEqual([true, false]);
	await publish(web.id, tcp(8080, 80));
	await unpublish(web.id, tcp(8080, 0, HOST));
	expect([await reached(HOST), await reached("192.0.2.77")]).toEqual([true, true]);
	await t.it.restart();
	expect([await reached(HOST), await reached("192.0.2.77")]).toEqual([true, true]);
});

test("of a range of the host's ports the lowest free one leads to the container, and is kept until it is given back", async () => {
	await t.serve(t.host, 8000); // somebody else's
	const range = { ...tcp(8000, 80), hostPortEnd: 8003 };
	const [web, other] = [await connect("web", range), await connect("other")];
	for (const { of } of [web, other]) await t.serve(of.netnsPath, 80);
	const portsOf = (id: string) => t.it.netd.endpoints.get(id).endpoint.ports.map(({ hostPort }) => hostPort);
	expect(portsOf(web.id)).toEqual([8001]);
	await publish(other.id, range, range);
	expect(portsOf(other.id)).toEqual([8002, 8003]);
	for (const port of [8001, 8002, 8003]) expect(await t.ask(t.outside, HOST, port)).toBe(OUTSIDE);
	await expect(publish(web.id, range)).rejects.toMatchObject({ reason: "NO_PORT_OF_RANGE_FREE" });
	await t.it.restart();
	expect([portsOf(web.id), portsOf(other.id)]).toEqual([[8001], [8002, 8003]]);
	await unpublish(other.id, tcp(8002, 0));
	await publish(web.id, range);
	expect(portsOf(web.id)).toEqual([8001, 8002]);
	expect(await t.ask(t.outside, HOST, 8002)).toBe(OUTSIDE);
});

test.each([["nomaster"], ["del"]])(
	"a leg that somebody has taken off its bridge or away (%s) keeps nobody from its ports",
	async (harm) => {
		const web = await connect("web", tcp(8080, 80));
		await t.serve(web.of.netnsPath, 80);
		const { hostInterface } = t.it.netd.endpoints.get(web.id).endpoint;
		const words = harm === "del" ? ["del", hostInterface] : ["set", hostInterface, harm];
		t.run(t.host, "ip", "link", ...words);
		await unpublish(web.id, tcp(8080, 0));
		await publish(web.id, tcp(8081, 80));
		expect(await t.it.netd.reconcile.run()).toBe(0);
		expect(await t.ask(t.outside, HOST, 8080)).toBe("");
		// Its own container too: by a frame that leaves where it came in.
		for (const netns of [t.outside, web.of.netnsPath]) expect(await t.ask(netns, HOST, 8081)).not.toBe("");
	},
);

const EVERY = ["0.0.0.0", "127.0.0.1", "::", HOST6];

/** The addresses of the host at which somebody else could have the port. */
function bindable(protocol: "tcp" | "udp", port: number): string[] {
	const open = { tcp: openTcpListener, udp: openUdp }[protocol];
	return EVERY.filter((address) => {
		try {
			closeSync(open(t.host, Ip.parse(address), port));
			return true;
		} catch {
			return false;
		}
	});
}

test("free ports are chosen, each another; nobody else can bind them until they are given back", async () => {
	const asked = [tcp(0, 80), tcp(0, 80), tcp(0, 81, "127.0.0.1"), udp(0, 53), udp(0, 53, "::"), udp(0, 53, HOST6)];
	const web = await connect("web", ...asked.slice(0, 2));
	const ports = await publish(web.id, ...asked.slice(2));
	expect(ports.map(({ containerPort }) => containerPort)).toEqual([80, 80, 81, 53, 53, 53]);
	expect(new Set(ports.map(({ protocol, hostPort }) => `${protocol} ${hostPort}`)).size).toBe(ports.length);
	await t.serve(web.of.netnsPath, 80);
	for (const { protocol, hostPort, hostAddress } of ports) {
		const elsewhere = EVERY.filter(
			(address) => hostAddress !== undefined && address.includes(":") !== (hostAddress.family === 6),
		);
		expect(bindable(protocol === "tcp" ? "tcp" : "udp", hostPort)).toEqual(elsewhere);
	}
	for (const { hostPort } of ports.slice(0, 2)) expect(await t.ask(t.outside, HOST, hostPort)).toBe(OUTSIDE);
	await unpublish(web.id);
	for (const { protocol, hostPort } of ports)
		expect(bindable(protocol === "tcp" ? "tcp" : "udp", hostPort)).toEqual(EVERY);
});
