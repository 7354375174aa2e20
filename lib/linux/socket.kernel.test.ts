import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { boundPort, openTcpListener, openUdp, reservePort } from "./socket.ts";
import { runIn, ScratchNetns } from "./test-support/scratch-netns.ts";

const run = promisify(execFile);
const loopback = Ip.parse("127.0.0.1");

let scratch: ScratchNetns;
let netns: string;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
	runIn(netns, "ip", "link", "set", "lo", "up");
});

afterEach(() => {
	scratch[Symbol.dispose]();
});

/** Runs a program of Node's inside the namespace while this process goes on serving. */
async function nodeIn(path: string, program: string): Promise<string> {
	const { stdout } = await run("nsenter", [`--net=${path}`, "--", process.execPath, "-e", program]);
	return stdout.trim();
}

describe("sockets in another namespace", () => {
	test("a datagram socket serves there", async () => {
		const fd = openUdp(netns, Ip.parse("127.0.0.11"), 0);
		const port = boundPort(fd);
		const socket = createSocket("udp4");
		socket.bind({ fd });
		socket.on("message", (data, from) => socket.send(`echo ${data}`, from.port, from.address));
		const answer = await nodeIn(
			netns,
			`const s = dgram.createSocket("udp4");
			s.on("message", (data, from) => { console.log(String(data), from.address); s.close(); });
			s.send("hello", ${port}, "127.0.0.11");`,
		);
		expect(answer).toBe("echo hello 127.0.0.11");
		expect(runIn(netns, "ss", "-Hlun")).toContain(`127.0.0.11:${port}`);
		socket.close();
		await once(socket, "close");
	});

	test.for([["127.0.0.1"], ["::1"]])("a listener on %s serves there", async ([text = ""]) => {
		const fd = openTcpListener(netns, Ip.parse(text), 0);
		const port = boundPort(fd);
		const server = createServer((client) => client.end("from outside"));
		server.listen({ fd });
		await once(server, "listening");
		const program = `net.connect(${port}, "${text}").on("data", (data) => console.log(String(data)))`;
		expect(await nodeIn(netns, program)).toBe("from outside");
		server.close();
		await once(server, "close");
		expect(runIn(netns, "ss", "-Hltn")).toBe("");
	});

	test("a port that is taken, and an address of nobody, are told by errno", () => {
		const taken = reservePort({ transport: "udp", address: loopback, port: 53, netns });
		expect(() => openUdp(netns, loopback, 53)).toThrow(
			expect.objectContaining({ code: "EADDRINUSE", call: "bind udp 127.0.0.1 port 53" }),
		);
		expect(() => openUdp(netns, Ip.parse("10.0.0.1"), 53)).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
		taken[Symbol.dispose]();
	});
});

describe("reservations", () => {
	const cases = [
		["tcp", "0.0.0.0"],
		["tcp", "::"],
		["udp", "0.0.0.0"],
		["udp", "::"],
	] as const;

	test.for(cases)("%s %s is taken, and free again afterwards", ([transport, text]) => {
		const address = Ip.parse(text);
		const first = reservePort({ transport, address, port: 0, netns });
		expect(first.port).toBeGreaterThan(0);
		const request = { transport, address, port: first.port, netns };
		expect(() => reservePort(request)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
		const listed = runIn(netns, "ss", "-Hln", transport === "tcp" ? "-t" : "-u");
		expect(listed).toContain(`${text === "::" ? "[::]" : text}:${first.port}`);
		first[Symbol.dispose]();
		expect(runIn(netns, "ss", "-Hlntu")).toBe("");
		reservePort(request)[Symbol.dispose]();
	});

	test("both families have the same port side by side", () => {
		using v4 = reservePort({ transport: "tcp", address: Ip.parse("0.0.0.0"), port: 0, netns });
		using v6 = reservePort({ transport: "tcp", address: Ip.parse("::"), port: v4.port, netns });
		expect(v6.port).toBe(v4.port);
	});

	test("a program that allows sharing cannot have it either", async () => {
		using reserved = reservePort({ transport: "tcp", address: loopback, port: 8080, netns });
		// Node sets SO_REUSEADDR on every listener.
		const program = `net.createServer().on("error", (error) => console.log(error.code)).listen(${reserved.port}, "127.0.0.1")`;
		expect(await nodeIn(netns, program)).toBe("EADDRINUSE");
	});

	test("what arrives is dropped: neither taken nor refused", async () => {
		using tcp = reservePort({ transport: "tcp", address: loopback, port: 0, netns });
		using udp = reservePort({ transport: "udp", address: loopback, port: 0, netns });
		const connect = `net.connect(${tcp.port}, "127.0.0.1").on("connect", () => console.log("connected"))
			.on("error", (error) => console.log(error.code)).setTimeout(300, () => { console.log("nothing"); process.exit(); })`;
		expect(await nodeIn(netns, connect)).toBe("nothing");
		const send = `const s = dgram.createSocket("udp4"); s.connect(${udp.port}, "127.0.0.1", () => {
			s.on("error", (error) => { console.log(error.code); process.exit(); });
			s.send("x"); setTimeout(() => { console.log("nothing"); process.exit(); }, 300); })`;
		expect(await nodeIn(netns, send)).toBe("nothing");
		expect(runIn(netns, "ss", "-Hlun")).toMatch(/^UNCONN\s+0\s/);
	});
});
