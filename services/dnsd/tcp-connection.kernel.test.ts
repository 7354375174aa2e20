/** Clients over TCP, in real namespaces: what they may do, and where they end. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeQuery } from "./codec.ts";
import { TYPE } from "./protocol.ts";
import { RESOLVER_PORT, resolverOver, sandbox, scratch } from "./test-support/resolver.ts";
import { RESOLVER, type Scratch } from "./test-support/scratch.ts";
import { Upstream } from "./test-support/upstream.ts";

/** Plain JavaScript, run inside: connections one after the other, all open until each has what it waits for. */
const TCP_CLIENT = `
	const task = require("node:zlib").inflateSync(Buffer.from(process.argv[1], "base64"));
	const { port, connections, chunks, wanted, ends } = JSON.parse(task);
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
		if (ends) setTimeout(() => socket.end(), chunks.length * 20);
	});
	(async () => {
		const results = [];
		for (let i = 0; i < connections; i++) results.push(await talk());
		console.log(JSON.stringify(results));
		process.exit();
	})();
`;

/** More than the buffers of two sockets take. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Sends queries and reads no answer, until it is cut off or all is sent. */
const NEVER_READS = `
	const { port, query, most } = JSON.parse(process.argv[1]);
	const many = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from(query, "hex")));
	const socket = require("node:net").connect(port, "${RESOLVER}").pause();
	let written = 0;
	const end = (closed) => { console.log(JSON.stringify({ closed, written })); process.exit(); };
	const more = () => socket.write(many, (error) => {
		if (error) return;
		written += many.length;
		if (written >= most) end(false);
		else more();
	});
	socket.on("connect", more);
	socket.on("error", () => {});
	socket.on("close", () => end(true));
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
		ends = false,
	): Promise<unknown> {
		const task = {
			port: RESOLVER_PORT,
			connections,
			wanted,
			ends,
			chunks: chunks.map((chunk) => chunk.toString("hex")),
		};
		// A long message is too long for an argument.
		const argument = deflateSync(JSON.stringify(task)).toString("base64");
		const { stdout } = await inside.run(process.execPath, "-e", TCP_CLIENT, argument);
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

	it("answers everything to who has said that no more will come, and ends with him", async () => {
		const inside = await scratch();
		await using upstream = await Upstream.start("answers");
		upstream.delayMs = 200;
		await resolverOver([upstream.server]).put(sandbox(inside.netnsPath));
		const both = Buffer.concat([frame(1, "web"), frame(2, "late.example")]);
		expect(await talk(inside, 1, [both], 2, true)).toEqual([{ answers: 2, closed: false }]);
		await expect.poll(async () => (await inside.run("ss", "-Hnt", "state", "established")).stdout).toBe("");
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

	it("answers a query sent byte by byte, and one of 65,535 bytes; whole frames of none, or of no query, end it", async () => {
		const inside = await scratch();
		await resolverOver().put(sandbox(inside.netnsPath));
		const bytes = [...frame(1, "web")].map((byte) => Buffer.of(byte));
		expect(await talk(inside, 1, bytes, 1)).toEqual([{ answers: 1, closed: false }]);
		const longest = Buffer.alloc(2 + 65_535, 0xff);
		frame(1, "web").copy(longest, 2, 2);
		const again = Buffer.concat([longest, frame(2, "web")]);
		expect(await talk(inside, 1, [again], 2)).toEqual([{ answers: 2, closed: false }]);
		for (const none of [Buffer.alloc(2 * 65_535), Buffer.alloc(2 + 65_535, 0xff)]) {
			expect(await talk(inside, 1, [frame(1, "web"), none], 2)).toEqual([{ answers: 1, closed: true }]);
		}
	});

	it("ends a connection whose bytes never become a query, however long they come", async () => {
		const inside = await scratch();
		await resolverOver([], 300).put(sandbox(inside.netnsPath));
		// Half a minute of bytes: longer than the client may run.
		const drops = Array.from({ length: 1_500 }, () => Buffer.of(0xff));
		expect(await talk(inside, 1, drops, 1)).toEqual([{ answers: 0, closed: true }]);
	});

	it("takes no more of who never reads than fits, serves others meanwhile, and ends it", async () => {
		const inside = await scratch();
		await resolverOver([], 2_000).put(sandbox(inside.netnsPath));
		const task = { port: RESOLVER_PORT, query: frame(1, "web").toString("hex"), most: MOST_BYTES };
		const hog = inside.run(process.execPath, "-e", NEVER_READS, JSON.stringify(task));
		expect(await inside.dig(RESOLVER_PORT, "web", "A", "+tcp")).toMatchObject({ status: "NOERROR" });
		const { closed, written } = JSON.parse((await hog).stdout) as { closed: boolean; written: number };
		expect(closed).toBe(true);
		expect(written).toBeLessThan(MOST_BYTES);
		const { stdout } = await inside.run("ss", "-Hnt", "state", "established");
		expect(stdout).toBe("");
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
