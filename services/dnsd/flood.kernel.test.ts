/** One sandbox asks without end, in every way that it has: another one's queries are all answered. */
import { expect, it, onTestFinished } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { encodeQuery } from "./codec.ts";
import { TYPE } from "./protocol.ts";
import { RESOLVER_PORT, resolverOver, sandbox, scratch } from "./test-support/resolver.ts";
import { RESOLVER, type Scratch } from "./test-support/scratch.ts";
import { Upstream } from "./test-support/upstream.ts";

/** Plain JavaScript, run inside: sends the packets over UDP as fast as the kernel takes them, from eight sockets, and reads nothing. */
const FLOOD = `
	const { port, packets } = JSON.parse(process.argv[1]);
	const bytes = packets.map((packet) => Buffer.from(packet, "hex"));
	for (let n = 0; n < 8; n++) {
		const socket = require("node:dgram").createSocket("udp4");
		let sent = n;
		socket.connect(port, "${RESOLVER}", function more() {
			const packet = bytes[sent++ % bytes.length];
			if (packet.length > 1) packet.writeUInt16BE(sent & 0xffff, 0);
			socket.send(packet, more);
		});
	}
`;

/** Holds as many connections over TCP as it gets, and opens another one for each that is ended. */
const HOLD = `
	const { port } = JSON.parse(process.argv[1]);
	const open = () => require("node:net").connect(port, "${RESOLVER}").on("error", () => {}).on("close", () => setTimeout(open, 5));
	for (let n = 0; n < 50; n++) open();
`;

/** One query after the other, each once: how many came back with which code. Five seconds without an answer are none. */
const ASK = `
	const { port, packets } = JSON.parse(process.argv[1]);
	const socket = require("node:dgram").createSocket("udp4");
	const codes = {};
	const count = (code) => { codes[code] = (codes[code] ?? 0) + 1; };
	const ask = (packet) => new Promise((resolve) => {
		const late = setTimeout(() => { count("none"); resolve(); }, 5000);
		socket.once("message", (answer) => { clearTimeout(late); count(answer[3] & 15); resolve(); });
		socket.send(packet);
	});
	socket.connect(port, "${RESOLVER}", async () => {
		for (const packet of packets) await ask(Buffer.from(packet, "hex"));
		console.log(JSON.stringify(codes));
		process.exit();
	});
`;

const queries = (...names: readonly string[]): string[] =>
	names.map((name, i) => encodeQuery(i, name, TYPE.A).toString("hex"));

async function ask(inside: Scratch, name: string, count: number): Promise<unknown> {
	const packets = queries(...Array.from({ length: count }, () => name));
	const { stdout } = await inside.run(process.execPath, "-e", ASK, JSON.stringify({ port: RESOLVER_PORT, packets }));
	return JSON.parse(stdout);
}

/** Two sandboxes that share a network, and how many queries came so far; the upstream keeps silent. */
async function twoSandboxes(): Promise<{ bad: Scratch; good: Scratch; asked: () => number }> {
	const [bad, good] = [await scratch(), await scratch()];
	const upstream = await Upstream.start("silent");
	onTestFinished(() => upstream[Symbol.asyncDispose]());
	const resolver = resolverOver([upstream.server]);
	const addresses = [Ip.parse("172.18.0.3")];
	const leg = { endpointId: "g", networkId: "n", networkName: "frontend", addresses, aliases: [] };
	const other = sandbox(good.netnsPath, { id: "good", name: "good", owner: "good", hostname: "good", legs: [leg] });
	await resolver.replaceAll([sandbox(bad.netnsPath), other]);
	return { bad, good, asked: () => resolver.status().counters.queries };
}

const task = (packets: readonly string[]): string => JSON.stringify({ port: RESOLVER_PORT, packets });

it.each([
	["local names", queries("web", "www.frontend", "good.frontend")],
	["names that are forwarded", queries(...Array.from({ length: 500 }, (_, i) => `n${i}.example`))],
	[
		"what is no query",
		["", "ff".repeat(12), "00".repeat(12), "00".repeat(9_000), "ff".repeat(1_400), "1234010000010000000000003f61"],
	],
])("a flood over UDP of %s", async (_, packets) => {
	const { bad, good, asked } = await twoSandboxes();
	bad.start(process.execPath, "-e", FLOOD, task(packets));
	await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(1_000);
	// As long as it takes for thousands of the others to come in between.
	for (const before = asked(); asked() - before < 3_000; ) expect(await ask(good, "web", 300)).toEqual({ 0: 300 });
	// A code, whichever: the upstream keeps silent, and has enough to do.
	expect(await ask(good, "example.invalid", 3)).toEqual({ 2: 3 });
});

it("connections over TCP without end", async () => {
	const { bad, good } = await twoSandboxes();
	bad.start(process.execPath, "-e", HOLD, task([]));
	const established = async (): Promise<number> =>
		(await bad.run("ss", "-Hnt", "state", "established", `( dport = :${RESOLVER_PORT} )`)).stdout.split("\n").length -
		1;
	await expect.poll(established, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
	for (let i = 0; i < 5; i++) {
		expect(await good.dig(RESOLVER_PORT, "web", "A", "+tcp")).toMatchObject({ status: "NOERROR", overTcp: true });
	}
	expect(await ask(bad, "web", 100)).toEqual({ 0: 100 });
});
