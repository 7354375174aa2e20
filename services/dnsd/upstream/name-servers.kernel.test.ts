/** Real name servers upstream: dnsmasq and Knot, well, stopped, killed, behind a liar, and with answers that are too long. */
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { FLAG, RCODE, TYPE } from "../protocol.ts";
import { ask, calm, failure, settings } from "../test-support/forwarding.ts";
import { LyingProxy } from "../test-support/lying-proxy.ts";
import { type Asks, query } from "../test-support/messages.ts";
import { dnsmasq, dnsmasqAt, knot } from "../test-support/name-servers.ts";
import { RESOLVER_PORT, resolverOver, sandbox, scratch } from "../test-support/resolver.ts";
import { Forwarder } from "./forwarder.ts";
import type { Server } from "./server.ts";

const TEXTS = 40;
const big = Array.from({ length: TEXTS }, (_, i) => `big TXT "${String(i).padStart(100, "x")}"`);
const keeping = { ...settings, cacheBytes: 1_000_000 };
const [first, second] = ["192.0.2.1", "192.0.2.2"];

async function reply(forwarder: Forwarder, servers: readonly Server[], name: string, asks: Asks = {}): Promise<Packet> {
	return Packet.parse(await forwarder.forward(query(name, asks), "tcp", servers, "s"));
}

describe("Knot upstream", () => {
	it("is passed on as it is: addresses, aliases, absences with their SOA, wildcards", async () => {
		const { server } = await knot("www A 192.0.2.10", "www AAAA 2001:db8::10", "web CNAME www", "*.any A 192.0.2.11");
		const forwarder = new Forwarder(keeping);
		// The second time from what is kept.
		for (let round = 0; round < 2; round++) {
			const alias = await reply(forwarder, [server], "web.example.org");
			expect(alias.answers).toMatchObject([{ domain: "www.example.org" }, { address: "192.0.2.10" }]);
			const wild = await reply(forwarder, [server], "x.any.example.org");
			expect(wild.answers).toMatchObject([{ name: "x.any.example.org", address: "192.0.2.11" }]);
			const absent = await reply(forwarder, [server], "none.example.org");
			expect(absent).toMatchObject({ header: { rcode: RCODE.NXDOMAIN, aa: 0 }, authorities: [{ type: TYPE.SOA }] });
			const noData = await reply(forwarder, [server], "ns.example.org", { type: TYPE.AAAA });
			expect(noData).toMatchObject({
				header: { rcode: RCODE.NOERROR },
				answers: [],
				authorities: [{ type: TYPE.SOA }],
			});
		}
		expect(forwarder.status().cache).toMatchObject({ entries: 4, hits: 4 });
		expect(forwarder.status().upstreams).toMatchObject([{ queries: 4, answers: 4 }]);
	});

	it("gives signatures to those who ask for them, and to nobody else", async () => {
		const { server } = await knot("www A 192.0.2.10");
		const forwarder = new Forwarder(keeping);
		const types = async (asks: Asks) =>
			(await reply(forwarder, [server], "www.example.org", asks)).answers.map(({ type }) => type);
		const signed = [TYPE.A, 46];
		for (let round = 0; round < 2; round++) {
			expect(await types({ edns: true, dnssecOk: true, flags: FLAG.checkingDisabled })).toEqual(signed);
			expect(await types({ edns: true, dnssecOk: true })).toEqual(signed);
			expect(await types({ edns: true })).toEqual([TYPE.A]);
			expect(await types({})).toEqual([TYPE.A]);
		}
		expect(forwarder.status().cache).toMatchObject({ entries: 4, hits: 4 });
	});

	it("refuses names that it has no authority over, and the next server is asked at once", async () => {
		const [one, two] = [await knot(), await dnsmasq(`--address=/example.com/${second}`)];
		const forwarder = new Forwarder(calm);
		expect((await ask(forwarder, "example.com", [one.server, two.server])).addresses).toEqual([second]);
		expect(await ask(forwarder, "example.com", [one.server])).toEqual(failure);
		expect(forwarder.status().upstreams).toMatchObject([
			{ answers: 0, failures: 2, timeouts: 0, backOffUntil: undefined },
			{ answers: 1 },
		]);
	});

	it("is asked over TCP for what is long, and the client gets all of it in the end", async () => {
		const { server } = await knot(...big);
		const inside = await scratch();
		await resolverOver([server]).put(sandbox(inside.netnsPath));
		const dig = (...options: string[]) => inside.dig(RESOLVER_PORT, "big.example.org", "TXT", ...options);
		for (const options of [["+noedns"], ["+bufsize=1232"], ["+tcp"]]) {
			const { status, overTcp, answers } = await dig(...options);
			expect([status, overTcp, answers.length]).toEqual(["NOERROR", true, TEXTS]);
		}
		const { overTcp, flags, answers } = await dig("+noedns", "+ignore");
		expect([overTcp, flags.includes("tc")]).toEqual([false, true]);
		expect(answers.length).toBeGreaterThan(1);
		expect(answers.length).toBeLessThan(TEXTS);
	});

	it("is asked over IPv6 as well, also at an address of one link", async () => {
		const { server } = await knot("www A 192.0.2.10", ...big);
		for (const address of ["::1", "::1%lo"]) {
			const servers: readonly Server[] = [{ family: 6, address, port: server.port }];
			const forwarder = new Forwarder(settings);
			expect((await ask(forwarder, "www.example.org", servers)).addresses).toEqual(["192.0.2.10"]);
			const { answers } = await reply(forwarder, servers, "big.example.org", { type: TYPE.TXT });
			expect(answers.length).toBe(TEXTS);
			expect(forwarder.status().upstreams).toMatchObject([{ queries: 3, answers: 2, tcpRetries: 1 }]);
		}
	});

	it("answers in the letters in which it was asked", async () => {
		const { server } = await knot("www A 192.0.2.10", ...big);
		const forwarder = new Forwarder({ ...settings, randomCase: true });
		for (let round = 0; round < 10; round++) {
			const { questions, answers } = await reply(forwarder, [server], "wWw.Example.org");
			expect([questions[0]?.name, answers[0]?.name]).toEqual(["wWw.Example.org", "wWw.Example.org"]);
		}
		expect((await reply(forwarder, [server], "BIG.example.org", { type: TYPE.TXT })).answers.length).toBe(TEXTS);
		expect(forwarder.status().upstreams).toMatchObject([{ answers: 11, failures: 0, tcpRetries: 1 }]);
	});

	it("is believed behind a liar, and the liar is not", async () => {
		const { server } = await knot("www A 192.0.2.10", "web A 192.0.2.11");
		await using liar = await LyingProxy.start(server);
		const forwarder = new Forwarder(settings);
		expect((await ask(forwarder, "www.example.org", [liar.server])).addresses).toEqual(["192.0.2.10"]);
		expect((await ask(forwarder, "web.example.org", [liar.server])).addresses).toEqual(["192.0.2.11"]);
		expect(liar.lies).toBeGreaterThanOrEqual(16);
	});
});

describe("dnsmasq upstream", () => {
	it("that hangs is asked last, and first again when it has woken up", async () => {
		const one = await dnsmasq(`--address=/example.com/${first}`);
		const two = await dnsmasq(`--address=/example.com/${second}`);
		const servers = [one.server, two.server];
		const forwarder = new Forwarder(settings);
		const answers = async (): Promise<readonly (string | undefined)[]> =>
			(await ask(forwarder, "example.com", servers)).addresses;
		expect(await answers()).toEqual([first]);
		one.child.kill("SIGSTOP");
		expect(await answers()).toEqual([second]);
		await expect.poll(() => forwarder.status().upstreams[0]?.backOffUntil).toBeInstanceOf(Date);
		expect(forwarder.status().upstreams[0]?.failures).toBe(0);
		expect(forwarder.status().upstreams[0]?.timeouts).toBeGreaterThan(0);
		expect(await answers()).toEqual([second]);
		one.child.kill("SIGCONT");
		await expect.poll(answers, { timeout: 15_000, interval: 100 }).toEqual([first]);
		expect(forwarder.status().upstreams[0]?.backOffUntil).toBeUndefined();
	});

	it("that was killed is no reason to wait, and is found again when it is back", async () => {
		const one = await dnsmasq(`--address=/example.com/${first}`);
		const two = await dnsmasq(`--address=/example.com/${second}`);
		const forwarder = new Forwarder(calm);
		const answers = async (): Promise<readonly (string | undefined)[]> =>
			(await ask(forwarder, "example.com", [one.server, two.server])).addresses;
		one.child.kill("SIGKILL");
		await one.child.done;
		expect([await answers(), await answers()]).toEqual([[second], [second]]);
		expect(forwarder.status().upstreams).toMatchObject([
			{ queries: 1, failures: 1, timeouts: 0 },
			{ queries: 2, answers: 2 },
		]);
		two.child.kill("SIGKILL");
		await two.child.done;
		expect(await ask(forwarder, "example.com", [one.server, two.server])).toEqual(failure);
		await dnsmasqAt(one.server.port, `--address=/example.com/${first}`);
		expect(await answers()).toEqual([first]);
	});

	it("may have a hundred different questions at once, none of which is lost", async () => {
		const { server } = await dnsmasq(`--address=/example.com/${first}`);
		const forwarder = new Forwarder({ ...calm, inFlight: 100, inFlightPerSandbox: 100 });
		const names = Array.from({ length: 100 }, (_, i) => `n${i}.example.com`);
		const all = await Promise.all(names.map((name) => ask(forwarder, name, [server])));
		expect(all.map(({ addresses }) => addresses)).toEqual(names.map(() => [first]));
		expect(forwarder.status()).toMatchObject({ inFlight: 0, upstreams: [{ queries: 100, answers: 100 }] });
	});
});
