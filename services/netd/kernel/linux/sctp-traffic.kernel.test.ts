/**
 * SCTP through the rules, whether the kernel has sockets of it or not: packets made by hand, sent and read at raw sockets. Both sides
 * are programs in Python, which opens those; the checksum is right, since connection tracking looks.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { type Child, run, start } from "#lib/exec/run.ts";
import type { Publication } from "../firewall.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, type Town, town } from "../../test-support/town.ts";

let t: Town;
const children: Child[] = [];
beforeEach(async () => {
	t = await town();
});
afterEach(async () => {
	for (const child of children.splice(0)) child.kill("SIGKILL");
	await t[Symbol.asyncDispose]();
});

const COMMON = `
import socket, struct, sys
def checksum(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8): crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def packet(source, target, tag, kind):
    head = struct.pack(">HHI", source, target, tag)
    chunk = struct.pack(">BBHIIHHI", kind, 0, 20, 77, 65536, 1, 1, 1)
    return head + struct.pack("<I", checksum(head + bytes(4) + chunk)) + chunk
def opened(family):
    raw = socket.socket(family, socket.SOCK_RAW, 132)
    raw.settimeout(1.2)
    return raw
def received(raw):
    data, peer = raw.recvfrom(2000)
    if raw.family == socket.AF_INET: data = data[(data[0] & 15) * 4:]
    source, target, tag = struct.unpack(">HHI", data[:8])
    return peer[0], source, target, data[12]
`;

/** Answers INIT with INIT ACK, and says who asked and at which port. */
const SERVER = `${COMMON}
import threading
def serve(family):
    raw = opened(family)
    raw.settimeout(None)
    while True:
        peer, source, target, kind = received(raw)
        if kind != 1: continue
        raw.sendto(packet(target, source, 77, 2), (peer, 0))
        print(peer, target, flush=True)
threads = [threading.Thread(target=serve, args=(family,)) for family in (socket.AF_INET, socket.AF_INET6)]
for thread in threads: thread.start()
print("ready", flush=True)
for thread in threads: thread.join()
`;

/** Sends INIT, and says who answered and from which port. */
const CLIENT = `${COMMON}
address, port = sys.argv[1], int(sys.argv[2])
raw = opened(socket.AF_INET6 if ":" in address else socket.AF_INET)
raw.sendto(packet(5000, port, 0, 1), (address, 0))
try:
    while True:
        peer, source, target, kind = received(raw)
        if kind == 2: print(peer, source, target); break
except TimeoutError: print("nobody")
`;

async function ask(netns: string, address: string, port: number): Promise<string> {
	const { stdout } = await run("nsenter", [`--net=${netns}`, "--", "python3", "-c", CLIENT, address, String(port)]);
	return stdout.trim();
}

/** What the server has said since. */
async function serve(netns: string): Promise<() => string[]> {
	const child = start("nsenter", [`--net=${netns}`, "--", "python3", "-c", SERVER]);
	children.push(child);
	let text = "";
	await new Promise<void>((resolve) => {
		const more = (data: unknown): void => {
			text += String(data);
			resolve();
		};
		child.stdout.on("data", more).resume();
	});
	return () => text.trim().split("\n").slice(1);
}

test("a published port is reached at the host's addresses with the client's source, until it is unpublished", async () => {
	await t.it.netd.networks.create(networkSpec("dual", { subnets: BOTH_FAMILIES }), call());
	const web = await t.it.netd.sandboxes.create(sandboxSpec("web"), call());
	const { view } = await t.it.netd.endpoints.connect(connectSpec("dual", web), call());
	const heard = await serve(web.netnsPath);
	const publications: Publication[] = view.endpoint.addresses.map(({ ip: target }) => ({
		protocol: "sctp",
		hostAddress: target.family === 4 ? undefined : Ip.parse(HOST6),
		hostPort: 3868,
		target,
		targetPort: 80,
	}));
	t.it.kernel.firewall.ensurePublished(publications);
	expect(await ask(t.outside, HOST, 3868)).toBe(`${HOST} 3868 5000`);
	expect(await ask(t.outside, HOST6, 3868)).toBe(`${HOST6} 3868 5000`);
	expect(heard()).toEqual([`${OUTSIDE} 80`, `${OUTSIDE6} 80`]);
	expect(await ask(t.outside, HOST, 80)).toBe("nobody");
	t.it.kernel.firewall.removePublished(publications, []);
	for (const address of [HOST, HOST6]) expect(await ask(t.outside, address, 3868)).toBe("nobody");
	expect(heard()).toHaveLength(2);
	const flows = (): string => t.run(t.host, "conntrack", "-L", "-p", "sctp");
	expect(flows()).toContain("dport=3868");
	const ports = publications.map(({ protocol, hostAddress, hostPort }) => ({ protocol, hostAddress, hostPort }));
	await t.it.kernel.flows.remove({ ports, addresses: [] });
	expect(flows()).not.toContain("dport=3868");
});

test("a kernel without SCTP says so before anything is done; one with it reserves the port", async () => {
	const web = await t.it.netd.sandboxes.create(sandboxSpec("web"), call());
	const ports = [tcp(8080, 80), { ...tcp(3868, 80), protocol: "sctp" as const }];
	const connecting = t.it.netd.endpoints.connect(connectSpec("bridge", web, { ports }), call());
	const outcome = await connecting.then(
		() => "connected",
		({ reason, field }: { reason: string; field: string }) => `${reason} ${field}`,
	);
	// By another road, once the first socket has loaded the module.
	const has = /^SCTP/m.test(t.run(t.host, "cat", "/proc/net/protocols"));
	expect(outcome).toBe(has ? "connected" : "PROTOCOL_UNSUPPORTED ports");
	expect(t.run(web.netnsPath, "ip", "-br", "link").includes("eth0")).toBe(has);
	expect(t.run(t.host, "ss", "-Hltn", "sport", "=", "8080") !== "").toBe(has);
});
