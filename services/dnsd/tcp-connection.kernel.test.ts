/** Clients over TCP, in real namespaces: what they may do, and where they end. */
import { describe, expect, it } from "vitest";
import { encodeQuery } from "./codec.ts";
import { TYPE } from "./protocol.ts";
import { RESOLVER_PORT, resolverOver, sandbox, scratch } from "./test-support/resolver.ts";
import { RESOLVER, type Scratch } from "./test-support/scratch.ts";
import { Upstream } from "./test-support/upstream.ts";

/** Plain JavaScript, run inside: connections one after the other, all open until each has what it waits for. */
const TCP_CLIENT = `
	const { port, connections, chunks, wanted } = JSON.parse(process.argv[1]);
	const talk = () => new Promise((resolve) => {
		const socket = require("node:net").connect(port, "${RESOLVER}");
		let received = Buffer.alloc(0);
		const count = () => {
			let n = 0;
			for (let at = 0; at + 2 <= received.length; at += 2 + received.readUInt16BE(at)) n++;
			return n;
		};
		socket.on("data", (chunk) => {
			received = Buffer.concat([received, chunk]);
			if (count() >= wanted) resolve({ answers: count(), closed: false });
		});
		socket.on("error", () => {});
		socket.on("close", () => resolve({ answers: count(), closed: true }));
		chunks.forEach((chunk, i) => setTimeout(() => socket.write(Buffer.from(chunk, "hex")), i * 20));
	});
	(async () => {
		const results = [];
		for (let i = 0; i < connections; i++) results.push(await talk());
		console.log(JSON.stringify(results));
		process.exit();
	})();
`;

describe("TCP", () => {
	const frame = (id: number, name: string): Buffer => {
		const query = encodeQuery(id, name, TYPE.A);
		return Buffer.concat([Buffer.of(query.length >> 8, query.length & 255), query]);
	};

	/** One client in the sandbox: how many answers each connection got, and whether it was closed before all came. */
	async function talk(
		inside: Scratch,
		connections: number,
		chunks: readonly Buffer[],
		wanted: number,
	): Promise<unknown> {
		const task = { port: RESOLVER_PORT, connections, wanted, chunks: chunks.map((chunk) => chunk.toString("hex")) };
		const { stdout } = await inside.run(process.execPath, "-e", TCP_CLIENT, JSON.stringify(task));
		return JSON.parse(stdout);
	}

	it("answers more queries at once than it keeps in flight, and queries in pieces", async () => {
		const inside = await scratch();
		await using upstream = await Upstream.start("answers");
		upstream.delayMs = 30;
		const resolver = resolverOver([upstream.server]);
		await resolver.put(sandbox(inside.netnsPath));
		const mixed = Array.from({ length: 80 }, (_, i) => frame(i, i % 2 === 0 ? "web" : `n${i}.example`));
		expect(await talk(inside, 1, [Buffer.concat(mixed)], 80)).toEqual([{ answers: 80, closed: false }]);
		const whole = frame(1, "web");
		const pieces = [
			whole.subarray(0, 1),
			whole.subarray(1, 9),
			Buffer.concat([whole.subarray(9), whole.subarray(0, 3)]),
			whole.subarray(3),
		];
		expect(await talk(inside, 1, pieces, 2)).toEqual([{ answers: 2, closed: false }]);
	});

	it("ends a connection without a whole query, with an empty one, and with what is none", async () => {
		const inside = await scratch();
		await resolverOver([], 300).put(sandbox(inside.netnsPath));
		const response = frame(1, "web");
		response[4] = 0x80;
		for (const chunk of [Buffer.of(0, 50, 1), Buffer.of(0, 0), Buffer.of(0xff, 0xff, 0), response]) {
			expect(await talk(inside, 1, [chunk], 1)).toEqual([{ answers: 0, closed: true }]);
		}
	});

	it("has room for so many connections of a sandbox and no more", async () => {
		const inside = await scratch();
		await resolverOver().put(sandbox(inside.netnsPath));
		const results = await talk(inside, 6, [frame(1, "web")], 1);
		expect(results).toEqual([
			...Array.from({ length: 4 }, () => ({ answers: 1, closed: false })),
			{ answers: 0, closed: true },
			{ answers: 0, closed: true },
		]);
		expect(await inside.dig(RESOLVER_PORT, "web", "A", "+tcp")).toMatchObject({ status: "NOERROR" });
	});
});
