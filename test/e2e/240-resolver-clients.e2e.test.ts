/** Clients of several families in containers: each finds names by its own ways, at the first try, in both address families. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { queryOf } from "../../services/dnsd/test-support/ask.ts";
import { decode } from "../../services/dnsd/test-support/decode.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { takeDown } from "../support/take-down.ts";
import { Upstream } from "../support/upstream.ts";
import { webServer } from "../support/web.ts";

let host: Host;
let upstream: Upstream | undefined;
/** Of `web`. */
let four = "";
let six = "";
/** Of `plain`, which has no IPv6. */
let plain = "";

const CROWD = 200;

beforeAll(async () => {
	host = await Host.boot();
	const crowd = Array.from({ length: CROWD }, (_, i) => `--host-record=crowd.test,203.0.113.${i + 1}`);
	const example = ["--address=/example.test/203.0.113.7", "--address=/example.test/2001:db8::7"];
	upstream = await Upstream.start(host, "--edns-packet-max=4096", ...example, ...crowd);
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "--ipv6", "front");
	await host.wharfOk("network", "create", "old");
	const web = ["--name", "web", "--network", "front", "host", ...webServer(80, "web")];
	await host.wharfOk("run", "-d", ...web);
	await host.wharfOk("run", "-d", "--name", "plain", "--network", "old", "host", ...webServer(80, "plain"));
	// The programs are in a folder of the host that the container has as its own.
	const clients = join(host.root, "../clients");
	mkdirSync(clients);
	await host.ok("musl-gcc", ["-static", "-o", join(clients, "musl"), join(CHECKOUT, "test/e2e/clients/addresses.c")]);
	const asker = ["--name", "asker", "--network", "front", "--network", "old", "-v", `${clients}:/clients:ro`];
	await host.wharfOk("run", "-d", ...asker, "host", "sleep", "1000");
	const networks = async (name: string) =>
		JSON.parse(await host.wharfOk("inspect", name))[0].NetworkSettings.Networks as Record<string, Network>;
	({ IPAddress: four = "", GlobalIPv6Address: six = "" } = (await networks("web"))["front"] ?? {});
	plain = (await networks("plain"))["old"]?.IPAddress ?? "";
});

interface Network {
	readonly IPAddress: string;
	readonly GlobalIPv6Address: string;
}

afterAll(async () => {
	await upstream?.end();
	await takeDown(host);
});

const ask = (...command: string[]): Promise<string> => host.wharfOk("exec", "asker", ...command);
const lines = (text: string): string[] => [...new Set(text.trim().split(/\s+/))].toSorted();

/** A program in plain JavaScript, run by Node in the container; what it prints. */
const node = (program: string): Promise<string> => ask(process.execPath, "-e", program);

test("glibc: getent", async () => {
	const ahosts = async (name: string) =>
		(await ask("getent", "ahosts", name)).split("\n").map((line) => line.split(/\s+/)[0]);
	expect(new Set(await ahosts("web"))).toEqual(new Set([four, six]));
	expect(new Set(await ahosts("WEB.front"))).toEqual(new Set([four, six]));
	expect(new Set(await ahosts("plain"))).toEqual(new Set([plain]));
	expect(new Set(await ahosts("example.test"))).toEqual(new Set(["203.0.113.7", "2001:db8::7"]));
	expect(await ask("getent", "hosts", four)).toMatch(/\bweb\.front\b/);
	expect(await ask("getent", "hosts", six)).toMatch(/\bweb\.front\b/);
	const { exitCode } = await host.wharf(["exec", "asker", "getent", "ahosts", "nobody.example"]);
	expect(exitCode).toBe(2);
});

test("musl: getaddrinfo", async () => {
	expect(lines(await ask("/clients/musl", "web"))).toEqual([four, six].toSorted());
	expect(lines(await ask("/clients/musl", "web.front"))).toEqual([four, six].toSorted());
	// An address and no answer for the other family are an address: musl takes NXDOMAIN to either for nothing at all.
	expect(lines(await ask("/clients/musl", "plain"))).toEqual([plain]);
	expect(lines(await ask("/clients/musl", "example.test"))).toEqual(["2001:db8::7", "203.0.113.7"]);
	const { exitCode, stdout } = await host.wharf(["exec", "asker", "/clients/musl", "nobody.example"]);
	expect([exitCode, stdout.trim()]).toEqual([1, "Name does not resolve"]);
});

test("busybox: nslookup, wget and ping by name", async () => {
	const found = await ask("busybox", "nslookup", "web");
	expect(found).toMatch(/^Server:\s+127\.0\.0\.11$/m);
	expect(found).toContain(`Address: ${four}`);
	expect(found).toContain(`Address: ${six}`);
	expect(await ask("busybox", "nslookup", four)).toContain("name = web.front");
	expect(await ask("busybox", "wget", "-q", "-O", "-", "http://plain/")).toBe("plain");
	expect(await ask("busybox", "ping", "-c", "1", "-W", "5", "web")).toContain("1 packets received");
});

test("dig: UDP, TCP, sizes of EDNS, both directions", async () => {
	const dig = (...query: string[]): Promise<string> => ask("dig", "+tries=1", "+time=5", ...query);
	const count = (text: string): number => text.split("\n").filter((line) => /^crowd\.test\..*\sA\s/.test(line)).length;
	expect((await dig("+short", "web")).trim()).toBe(four);
	expect((await dig("+short", "+tcp", "web", "AAAA")).trim()).toBe(six);
	expect((await dig("+short", "-x", four)).trim()).toBe("web.front.");
	expect((await dig("+short", "-x", six)).trim()).toBe("web.front.");
	expect(await dig("web", "HTTPS")).toMatch(/status: NOERROR[^]*AUTHORITY: 1/);
	for (const [size, transport] of [
		["+noedns", "TCP"],
		["+bufsize=512", "TCP"],
		["+bufsize=1232", "TCP"],
		["+bufsize=4096", "UDP"],
	] as const) {
		const answer = await dig(size, "crowd.test");
		expect([count(answer), answer.includes(`(${transport})`)]).toEqual([CROWD, true]);
	}
	const cut = await dig("+bufsize=1232", "+ignore", "crowd.test");
	expect(cut).toMatch(/flags: [a-z ]*\btc\b/);
	expect(await dig("+edns=1", "+noednsneg", "web")).toContain("status: BADVERS");
});

test("Node: its lookup by glibc, and its own resolver", async () => {
	const found = JSON.parse(
		await node(`(async () => {
			const dns = require("node:dns").promises;
			const code = (promise) => promise.then(() => "found", (error) => error.code);
			console.log(JSON.stringify({
				lookup: (await dns.lookup("web", { all: true })).map(({ address }) => address).sort(),
				four: await dns.resolve4("web", { ttl: true }),
				six: await dns.resolve6("web.front"),
				reverse: [await dns.reverse("${four}"), await dns.reverse("${six}")],
				any: await code(dns.resolveAny("web")),
				none: await Promise.all([dns.resolve6("plain"), dns.resolveSrv("web"), dns.resolveMx("web")].map(code)),
				nobody: await code(dns.resolve4("nobody.example")),
			}));
		})()`),
	);
	expect(found).toEqual({
		lookup: [four, six].toSorted(),
		four: [{ address: four, ttl: 5 }],
		six: [six],
		reverse: [["web.front"], ["web.front"]],
		any: "found",
		none: ["ENODATA", "ENODATA", "ENODATA"],
		nobody: "ENOTFOUND",
	});
});

/** As Go's own resolver does: A and AAAA at the same time, each from a socket of its own, with EDNS of 1232 bytes. */
const PAIRS = `
	const rounds = JSON.parse(process.argv[1]);
	const dgram = require("node:dgram");
	const one = (hex) => new Promise((resolve) => {
		const socket = dgram.createSocket("udp4");
		const end = (said) => { clearTimeout(late); socket.close(); resolve(said); };
		const late = setTimeout(() => end(""), 5000);
		socket.on("message", (answer) => end(answer.toString("hex")));
		socket.connect(53, "127.0.0.11", () => socket.send(Buffer.from(hex, "hex")));
	});
	(async () => {
		const all = [];
		for (const pair of rounds) all.push(await Promise.all(pair.map(one)));
		console.log(JSON.stringify(all));
	})();
`;

test("Go's way: A and AAAA at once from two sockets, a hundred times each; both are answered", async () => {
	const pair = (name: string, id: number): string[] =>
		(["A", "AAAA"] as const).map((type) =>
			queryOf({ id, name, type, edns: [{ udpBytes: 1232 }], flags: 0x0120 }).toString("hex"),
		);
	const answers = async (name: string): Promise<unknown> => {
		const rounds = Array.from({ length: 100 }, (_, i) => pair(name, i));
		const said = JSON.parse(await ask(process.execPath, "-e", PAIRS, JSON.stringify(rounds))) as string[][];
		const read = (hex: string): string => {
			if (hex === "") return "no answer";
			const { rcode, answers: records, opt } = decode(Buffer.from(hex, "hex"));
			return [rcode, opt?.version, ...records.map(({ data }) => data)].join(" ");
		};
		return [...new Set(said.map((both) => both.map(read).join(", ")))];
	};
	expect(await answers("web")).toEqual([`0 0 ${four}, 0 0 ${six}`]);
	expect(await answers("plain")).toEqual([`0 0 ${plain}, 0 0`]);
	expect(await answers("example.test")).toEqual(["0 0 203.0.113.7, 0 0 2001:db8::7"]);
	expect(await answers("nobody.example")).toEqual(["3 0, 3 0"]);
});
