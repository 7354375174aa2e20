import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { start } from "#lib/exec/run.ts";
import { Datagrams, type DatagramSocket, type Peer, type Receive } from "./datagrams.ts";
import { boundPort, openUdp } from "./socket.ts";

const HERE = Ip.parse("127.0.0.1");
const PACKET_BYTES = 64;

let datagrams: Datagrams;
beforeEach(() => {
	datagrams = new Datagrams(PACKET_BYTES);
});
afterEach(() => datagrams[Symbol.asyncDispose]());

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Says the packet again, in capitals. */
const shout: Receive = (packet, length, answer) => answer.write(packet.toString("latin1", 0, length).toUpperCase());

function serve(receive: Receive = shout): { readonly port: number; readonly socket: DatagramSocket } {
	const fd = openUdp(undefined, HERE, 0);
	return { port: boundPort(fd), socket: datagrams.add(fd, receive) };
}

/** What `count` packets, sent at once, are answered: sorted. */
async function ask(port: number, count: number, text = "packet"): Promise<string[]> {
	const socket: Socket = createSocket("udp4");
	const answers: string[] = [];
	const all = new Promise<void>((resolve) => {
		socket.on("message", (packet) => {
			answers.push(packet.toString("latin1"));
			if (answers.length === count) resolve();
		});
	});
	for (let i = 0; i < count; i++) socket.send(`${text} ${i}`, port, "127.0.0.1");
	await all;
	socket.close();
	return answers.sort();
}

test("every packet is answered to whom it came from, more at once than a batch, at more sockets than are told of at once", async () => {
	const ports = Array.from({ length: 100 }, () => serve().port);
	const asked = ports.map((port, index) => ask(port, index === 0 ? 200 : 3, `port ${index}`));
	for (const [index, answers] of (await Promise.all(asked)).entries()) {
		const count = index === 0 ? 200 : 3;
		expect(answers).toEqual(Array.from({ length: count }, (_, i) => `PORT ${index} ${i}`).sort());
	}
});

test("what is not answered at once may be answered later; nothing is said to what is not answered", async () => {
	const peers: Peer[] = [];
	const { port, socket } = serve((_packet, _length, _answer, peer) => {
		peers.push(Buffer.from(peer));
		return 0;
	});
	const client = createSocket("udp4");
	client.send("one", port, "127.0.0.1");
	await expect.poll(() => peers.length).toBe(1);
	const answered = once(client, "message");
	socket.send(Buffer.from("later"), peers[0] as Peer);
	expect(String((await answered)[0])).toBe("later");
	client.close();
});

test("of a longer packet the rest is cut off", async () => {
	const { port } = serve();
	const client = createSocket("udp4");
	client.send("x".repeat(PACKET_BYTES + 10), port, "127.0.0.1");
	const [answer] = await once(client, "message");
	expect(String(answer)).toBe("X".repeat(PACKET_BYTES));
	client.close();
});

test("a socket that is closed leaves no descriptor, and another may have its number at once", async () => {
	const before = descriptors();
	for (let i = 0; i < 50; i++) {
		const { port, socket } = serve();
		expect(await ask(port, 2)).toEqual(["PACKET 0", "PACKET 1"]);
		socket.close();
		socket.close();
		socket.send(Buffer.from("nobody hears this"), Buffer.alloc(16));
	}
	expect(descriptors()).toBe(before);
});

test("a socket that is flooded keeps no other waiting", async () => {
	const flooded = serve(() => 0);
	const calm = serve();
	const flood = start("python3", [
		"-c",
		`import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nwhile True: s.sendto(b"x", ("127.0.0.1", ${flooded.port}))`,
	]);
	try {
		for (let i = 0; i < 100; i++) expect(await ask(calm.port, 1)).toEqual(["PACKET 0"]);
		// Timers of the same thread come to their turn as well.
		for (let i = 0; i < 20; i++) await sleep(1);
	} finally {
		flood.kill("SIGKILL");
		await flood.done;
	}
});

test("with it everything ends, and a process need not wait for it", async () => {
	const before = descriptors();
	const own = new Datagrams(PACKET_BYTES);
	own.add(openUdp(undefined, HERE, 0), shout);
	await Promise.all([own[Symbol.asyncDispose](), own[Symbol.asyncDispose]()]);
	expect(descriptors()).toBe(before);
	const program = `const { Datagrams } = await import(${JSON.stringify(import.meta.resolve("./datagrams.ts"))}); new Datagrams(64); setTimeout(() => process.exit(3), 10);`;
	const { exitCode } = await start(process.execPath, ["--input-type=module", "-e", program]).done;
	expect(exitCode).toBe(3);
});
