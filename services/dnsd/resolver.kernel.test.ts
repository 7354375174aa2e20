/** The resolver's sockets in real namespaces, asked by dig, straight and through the rewrite of port 53. */
import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { RESOLVER_PORT as PORT, resolverOver, sandbox, scratch } from "./test-support/resolver.ts";
import { RESOLVER } from "./test-support/scratch.ts";
import { Upstream } from "./test-support/upstream.ts";
import type { Server } from "./upstream/server.ts";

const many = Array.from({ length: 90 }, (_, i) => Ip.parse(`172.18.9.${i + 1}`));
const crowd = sandbox("", {
	id: "crowd",
	name: "crowd",
	resolverPort: 0,
	legs: [{ endpointId: "c", networkId: "n", networkName: "frontend", addresses: many, aliases: [] }],
});

describe("a sandbox's resolver", () => {
	it.each([
		["at its own port", PORT],
		["at port 53, through the rewrite", 53],
	])("answers over UDP and TCP %s", async (_, port) => {
		const inside = await scratch();
		const resolver = resolverOver();
		if (port === 53) await inside.redirect(PORT);
		await resolver.replaceAll([sandbox(inside.netnsPath), crowd]);
		expect(await inside.sockets()).toEqual([`tcp ${RESOLVER}:${PORT}`, `udp ${RESOLVER}:${PORT}`]);

		const udp = await inside.dig(port, "wWw.frontend", "A");
		expect(udp).toEqual({
			status: "NOERROR",
			flags: ["qr", "aa", "rd", "ra"],
			answers: [["wWw.frontend.", "5", "IN", "A", "172.18.0.2"]],
			overTcp: false,
		});
		expect(await inside.dig(port, "web", "AAAA", "+tcp")).toMatchObject({
			answers: [["web.", "5", "IN", "AAAA", "fd00::2"]],
			overTcp: true,
		});
		const reverse = await inside.dig(port, "2.0.18.172.in-addr.arpa", "PTR");
		expect(reverse.answers.map((answer) => answer.at(-1))).toEqual(["web.frontend."]);
		expect(await inside.dig(port, "web", "MX")).toMatchObject({ status: "NOERROR", answers: [] });
		expect(await inside.dig(port, "none.frontend", "A")).toMatchObject({ status: "SERVFAIL", answers: [] });
		// Ninety addresses: cut over UDP without EDNS, and dig comes again over TCP.
		const long = await inside.dig(port, "crowd", "A", "+noedns");
		expect([long.overTcp, long.answers.length]).toEqual([true, 90]);
	});

	it("leaves the container's port 53 to the container", async () => {
		const inside = await scratch();
		await inside.redirect(PORT);
		inside.start(
			"dnsmasq",
			"-k",
			"--conf-file=/dev/null",
			"--no-resolv",
			"--no-hosts",
			"--user=root",
			"--pid-file=",
			"--address=/own.example/10.9.9.9",
		);
		await resolverOver().replaceAll([sandbox(inside.netnsPath)]);
		await expect.poll(() => inside.sockets(), { timeout: 10_000 }).toContain("udp 0.0.0.0:53");
		const own = async (...options: string[]) =>
			(await inside.run("dig", "+short", "+tries=1", ...options, "@127.0.0.1", "own.example", "A")).stdout.trim();
		expect([await own(), await own("+tcp")]).toEqual(["10.9.9.9", "10.9.9.9"]);
		expect((await inside.dig(53, "web", "A")).answers.map((answer) => answer.at(-1))).toEqual(["172.18.0.2"]);
		expect((await inside.dig(53, "web", "A", "+tcp")).answers.map((answer) => answer.at(-1))).toEqual(["172.18.0.2"]);
	});

	it("forwards what it does not know, from outside the sandbox", async () => {
		const inside = await scratch();
		await using upstream = await Upstream.start("answers");
		const resolver = resolverOver([upstream.server]);
		await resolver.put(sandbox(inside.netnsPath));
		const forwarded = await inside.dig(PORT, "example.com", "A");
		expect(forwarded).toMatchObject({ status: "NOERROR", answers: [["example.com.", "60", "IN", "A", "192.0.2.1"]] });
		expect(await inside.dig(PORT, "example.com", "A", "+tcp")).toMatchObject({ status: "NOERROR", overTcp: true });
		upstream.conduct = "truncates";
		const long = await inside.dig(PORT, "long.example", "A", "+noedns");
		expect([long.overTcp, long.answers.length]).toEqual([true, 60]);
		upstream.conduct = "silent";
		expect(await inside.dig(PORT, "slow.example", "A")).toMatchObject({ status: "SERVFAIL" });
		expect(resolver.status()).toMatchObject({ sandboxes: 1, counters: { failed: 1 }, failures: [] });
	});

	it("asks the sandbox's own servers where it has some, and nobody where all its networks are internal", async () => {
		const inside = await scratch();
		await using upstream = await Upstream.start("answers");
		const resolver = resolverOver([upstream.server]);
		// Nobody listens there: TEST-NET on this machine's loopback would be a real server's address.
		await resolver.put(sandbox(inside.netnsPath, { dnsServers: [Ip.parse("127.255.255.253")] }));
		expect(await inside.dig(PORT, "example.com", "A")).toMatchObject({ status: "SERVFAIL" });
		await resolver.put(sandbox(inside.netnsPath, { forwards: false }));
		expect(await inside.dig(PORT, "example.com", "A")).toMatchObject({ status: "NXDOMAIN" });
		expect(await inside.dig(PORT, "web", "A")).toMatchObject({ status: "NOERROR" });
		expect(upstream.asked).toEqual([]);
	});

	it("does not ask itself where it serves the host's own namespace, and takes 127.0.0.11 for somebody else's elsewhere", async () => {
		const inside = await scratch();
		const itself: Server = { family: 4, address: RESOLVER, port: PORT };
		const resolver = resolverOver([itself]);
		await resolver.put(sandbox(inside.netnsPath));
		expect(resolver.status().upstreams).toEqual([`${RESOLVER}:${PORT}`]);
		await resolver.put(sandbox("/proc/self/ns/net", { id: "host" }));
		expect(resolver.status()).toMatchObject({ sandboxes: 2, upstreams: [], failures: [] });
		expect(await inside.dig(PORT, "example.com", "A")).toMatchObject({ status: "SERVFAIL" });
		await resolver.remove("host");
		expect(resolver.status().upstreams).toHaveLength(1);
	});

	it("takes several queries on one connection", async () => {
		const inside = await scratch();
		await resolverOver().put(sandbox(inside.netnsPath));
		const options = ["+tcp", "+keepopen", "+short", `@${RESOLVER}`, "-p", String(PORT)];
		const { stdout } = await inside.run("dig", ...options, "web", "A", "web", "AAAA");
		expect(stdout.trim().split("\n")).toEqual(["172.18.0.2", "fd00::2"]);
	});
});

describe("the sockets", () => {
	it("are gone when a sandbox is: nothing holds its namespace", async () => {
		const inside = await scratch();
		const resolver = resolverOver();
		await resolver.put(sandbox(inside.netnsPath));
		expect(await inside.sockets()).toHaveLength(2);
		await resolver.remove("one");
		expect(await inside.sockets()).toEqual([]);
		await resolver.remove("one");
		await resolver.put(sandbox(inside.netnsPath));
		await resolver.replaceAll([]);
		expect(await inside.sockets()).toEqual([]);
	});

	it("follow the port and the namespace", async () => {
		const [inside, other] = [await scratch(), await scratch()];
		const resolver = resolverOver();
		await resolver.put(sandbox(inside.netnsPath));
		await resolver.put(sandbox(inside.netnsPath, { resolverPort: PORT + 1 }));
		expect(await inside.sockets()).toEqual([`tcp ${RESOLVER}:${PORT + 1}`, `udp ${RESOLVER}:${PORT + 1}`]);
		await resolver.put(sandbox(other.netnsPath));
		expect([await inside.sockets(), (await other.sockets()).length]).toEqual([[], 2]);
		await resolver.put(sandbox(other.netnsPath, { resolverPort: 0 }));
		expect(await other.sockets()).toEqual([]);
	});

	it("that cannot be opened are reported and tried again", async () => {
		const inside = await scratch();
		const resolver = resolverOver();
		const taker = inside.start(
			"dnsmasq",
			"-k",
			"--conf-file=/dev/null",
			"--no-resolv",
			"--user=root",
			"--pid-file=",
			`--port=${PORT}`,
		);
		await expect.poll(() => inside.sockets(), { timeout: 10_000 }).toContain(`udp 0.0.0.0:${PORT}`);
		await resolver.put(sandbox(inside.netnsPath));
		await resolver.put(sandbox("/nowhere/at/all", { id: "two" }));
		const { sandboxes, failures } = resolver.status();
		expect(sandboxes).toBe(0);
		expect(failures).toEqual([
			expect.stringMatching(/^sandbox one: .*in use/),
			expect.stringMatching(/^sandbox two: .*no such file/),
		]);
		taker.kill("SIGKILL");
		await expect.poll(() => resolver.status().sandboxes, { timeout: 10_000 }).toBe(1);
		expect(resolver.status().failures).toHaveLength(1);
		expect(await inside.dig(PORT, "web", "A")).toMatchObject({ status: "NOERROR" });
		await resolver.remove("two");
		expect(resolver.status().failures).toEqual([]);
	});

	it("show what the zone says at the moment of asking", async () => {
		const inside = await scratch();
		const resolver = resolverOver();
		await resolver.put(sandbox(inside.netnsPath));
		for (let round = 0; round < 10; round++) {
			await resolver.put({ ...crowd, name: `peer${round}` });
			expect(await inside.dig(PORT, `peer${round}`, "A", "+tcp")).toMatchObject({ status: "NOERROR" });
			await resolver.remove("crowd");
			expect(await inside.dig(PORT, `peer${round}.frontend`, "A")).toMatchObject({ status: "SERVFAIL" });
		}
	});
});
