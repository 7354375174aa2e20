/** What containers ask, as an operator sees it: the log as it happens, counters, what would be answered, and the cache. */
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Child } from "#lib/exec/run.ts";
import { eventually } from "../support/eventually.ts";
import { Host, OUTSIDE_ADDRESS } from "../support/host.ts";
import { kill } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";
import { BARE_DNSMASQ } from "../support/upstream.ts";

let host: Host;
let upstream: Child;

beforeAll(async () => {
	host = await Host.boot();
	upstream = host.start("dnsmasq", [...BARE_DNSMASQ, "--local-ttl=600", "--address=/example.test/203.0.113.7"], {
		netns: "outside",
	});
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("network", "create", "--internal", "vault");
	for (const name of ["web", "db"]) {
		await host.wharfOk("run", "-d", "--name", name, "--network", "front", "host", "sleep", "1000");
	}
	await host.wharfOk("run", "-d", "--name", "sidecar", "--network", "container:web", "host", "sleep", "1000");
	await host.wharfOk("run", "-d", "--name", "inner", "--network", "vault", "host", "sleep", "1000");
	await host.wharfOk("run", "-d", "--name", "plain", "host", "sleep", "1000");
	await host.wharfOk("create", "--name", "resting", "--network", "front", "host", "sleep", "1000");
});

afterAll(async () => {
	upstream?.kill();
	await upstream?.done;
	await takeDown(host);
});

/** What a container's client is told. */
async function dig(container: string, ...query: readonly string[]): Promise<string> {
	return (await host.wharfOk("exec", container, "dig", "+short", "+tries=1", "+time=10", ...query)).trim();
}

/** `wharf dns log …` while it runs. */
class Log {
	readonly lines: string[] = [];
	readonly #child: Child;
	readonly #pid: Promise<string>;

	constructor(...flags: readonly string[]) {
		this.#child = host.start("sh", ["-c", 'echo $$; exec "$@"', "sh", host.program, "dns", "log", ...flags]);
		const lines = createInterface({ input: this.#child.stdout });
		this.#pid = new Promise((resolve) => lines.once("line", resolve));
		lines.on("line", (line) => this.lines.push(line));
	}

	/** Without what differs from run to run: the time, how long it took, and the blanks. */
	words(): string[] {
		const heads = this.lines.findIndex((line) => line.startsWith("TIME"));
		const own = (line: string): string => line.replace(/^\S+ +/, "").replace(/ \d+\.\d{3} ms/, "");
		return heads < 0 ? [] : this.lines.slice(heads + 1).map((line) => own(line).replace(/ +/g, " ").trimEnd());
	}

	async seen(...texts: readonly string[]): Promise<void> {
		await eventually(async () => {
			for (const text of texts) expect(this.lines.join("\n")).toContain(text);
		}, 20_000);
	}

	/** As Ctrl-C does; its exit status. */
	async interrupt(): Promise<number | undefined> {
		await host.ok("kill", ["-INT", await this.#pid]);
		return (await this.#child.done).exitCode;
	}
}

test("the log has what containers ask while it runs, what it is asked for only, and survives the resolver", async () => {
	await dig("web", "db"); // nobody looks yet
	const [all, own, failed] = [new Log(), new Log("-c", "sidecar", "--name", "FRONT"), new Log("--failed")];
	for (const log of [all, own, failed]) await log.seen("TIME");

	const db = await dig("web", "db");
	expect(await dig("sidecar", "+tcp", "Db.front")).toBe(db);
	expect(await dig("inner", "nobody.vault")).toBe("");
	expect(await dig("db", "www.example.test")).toBe("203.0.113.7");
	expect(await dig("web", "www.example.test")).toBe("203.0.113.7");
	await dig("db", "AXFR", "web");
	await all.seen("REFUSED");
	expect(all.words()).toEqual([
		`web udp A db local NOERROR ${db}`,
		`web tcp A Db.front local NOERROR ${db}`,
		"inner udp A nobody.vault absent NXDOMAIN",
		"db udp A www.example.test forwarded NOERROR 203.0.113.7",
		"web udp A www.example.test cached NOERROR 203.0.113.7",
		"db tcp AXFR web refused REFUSED",
	]);
	await failed.seen("REFUSED");
	expect(failed.words()).toEqual(["db tcp AXFR web refused REFUSED"]);
	await own.seen("Db.front");
	expect(own.words()).toEqual([`web tcp A Db.front local NOERROR ${db}`]);
	expect(await failed.interrupt()).toBe(0);

	await kill(host, "dnsd");
	await eventually(async () => {
		await dig("web", "+time=2", "after.front");
		expect(own.lines.join("\n")).toContain("after.front");
	}, 30_000);
	expect([await all.interrupt(), await own.interrupt()]).toEqual([0, 0]);
});

test("the log for a program, of a container that is started again meanwhile", async () => {
	const log = new Log("--container", "resting", "--format", "json");
	await host.wharfOk("start", "resting");
	await eventually(async () => {
		await dig("resting", "web");
		expect(log.lines.length).toBeGreaterThan(1);
	}, 20_000);
	await host.wharfOk("stop", "-t", "0", "resting");
	await host.wharfOk("start", "resting");
	await dig("resting", "again.example.test");
	await log.seen("again.example.test");
	const [, first, ...rest] = log.lines;
	const [{ Id }] = JSON.parse(await host.wharfOk("inspect", "resting"));
	expect(JSON.parse(first ?? "")).toMatchObject({
		Container: "resting",
		ContainerID: Id,
		Name: "web",
		Outcome: "local",
	});
	expect(JSON.parse(rest.at(-1) ?? "")).toMatchObject({
		ContainerID: Id,
		Name: "again.example.test",
		Outcome: "forwarded",
	});
	await host.wharfOk("stop", "-t", "0", "resting");
	expect(await log.interrupt()).toBe(0);
});

test("counters are of each container, and of all", async () => {
	const of = async (name: string) => {
		const lines = (await host.wharfOk("dns", "status", "--containers", "--format", "json")).split("\n");
		return lines.map((line) => JSON.parse(line)).find(({ Container }) => Container === name);
	};
	const before = await of("web");
	await dig("web", "db");
	await dig("web", "+tcp", "web.front");
	await dig("sidecar", "www.example.test");
	const { Upstreams, ...after } = await of("web");
	const more = ["Queries", "Local", "Absent", "Forwarded", "TCP"].map((name) => after[name] - before[name]);
	expect(more).toEqual([3, 2, 0, 1, 1]);
	expect(Upstreams).toEqual([OUTSIDE_ADDRESS]);
	expect(await of("plain")).toBeUndefined();
	expect((await of("inner")).Upstreams).toEqual([]);
	const table = await host.wharfOk("dns", "status", "-c");
	expect(table.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["CONTAINER", "db", "inner", "web"]);

	const status = await host.wharfOk("dns", "status");
	expect(status).toMatch(/^Names: +all, as of revision \d+\nContainers: +3 with a resolver\nQueries: /);
	expect(status).toContain(`\n${OUTSIDE_ADDRESS} `);
	const { Queries: sum, Failures } = JSON.parse(await host.wharfOk("dns", "status", "--format", "json"));
	expect(sum).toBeGreaterThanOrEqual(after.Queries);
	expect(Failures).toEqual([]);
});

test("a lookup says what a container would be answered, and asks nobody", async () => {
	const address = await dig("web", "db");
	const lookUp = async (...words: readonly string[]) => {
		const { stdout, exitCode } = await host.wharf(["dns", "lookup", ...words]);
		return `${stdout}${exitCode}`;
	};
	expect(await lookUp("web", "db")).toBe(`A     ${address}\n0`);
	expect(await lookUp("sidecar", "DB.front", "a")).toBe(`A     ${address}\n0`);
	expect(await lookUp("web", address)).toBe("PTR   db.front\n0");
	expect(await lookUp("web", "db", "MX")).toBe("db is there, and has no MX record.\n0");
	expect(await lookUp("inner", "nobody.vault")).toBe("There is no nobody.vault for inner.\n1");
	const elsewhere = `www.example.test is no container's name for web: ${OUTSIDE_ADDRESS} would be asked.\n0`;
	expect(await lookUp("web", "www.example.test")).toBe(elsewhere);
	expect(JSON.parse(await host.wharfOk("dns", "lookup", "web", "db", "A", "--format", "json"))).toEqual({
		Name: "db",
		Type: "A",
		Code: "NOERROR",
		Data: [address],
		Upstreams: [],
	});
});

test.each([
	[["dns", "lookup", "nobody", "web"], 'There is no container "nobody".'],
	[["dns", "log", "--container", "nobody"], 'There is no container "nobody".'],
	[["dns", "lookup", "plain", "web"], "Container plain has no resolver now."],
	[["dns", "lookup", "resting", "web"], "Container resting has no resolver now."],
	[["dns", "lookup", "web", "a..b"], '"a..b" is not a domain name.'],
	[["dns", "lookup", "web", "db", "BOGUS"], '"BOGUS" is not a record type that can be looked up.'],
	[["dns", "log", "--name", "a..b"], '"a..b" is not a domain name.'],
	[["dns", "log", "--format", "xml"], 'The format "xml" is not valid: it has to be json.'],
	[["dns", "stats"], "There is no command `wharf dns stats`; did you mean `wharf dns status`?"],
])("%j is one clear sentence", async (args, sentence) => {
	const { stdout, stderr, exitCode } = await host.wharf(args, { timeoutMs: 20_000 });
	expect([stdout, stderr.split("\n")[0], exitCode]).toEqual(["", `wharf: ${sentence}`, 1]);
});

test("the cache is flushed, and upstream resolvers are told of", async () => {
	const status = async () => JSON.parse(await host.wharfOk("dns", "status", "--format", "json"));
	await dig("web", "flushed.example.test");
	const { Upstreams, Cache } = await status();
	expect(Upstreams).toMatchObject([{ Server: OUTSIDE_ADDRESS, BackingOff: false }]);
	expect(Upstreams[0].Answers).toBeGreaterThan(0);
	expect(Upstreams[0].RTTMs).toBeGreaterThan(0);
	expect(Cache.Entries).toBeGreaterThan(0);
	const answers = `${Cache.Entries} answer${Cache.Entries === 1 ? "" : "s"}`;
	expect(await host.wharfOk("dns", "flush")).toBe(`Forgot ${answers}.`);
	expect((await status()).Cache).toMatchObject({ Entries: 0, Bytes: 0 });
	expect(await dig("web", "flushed.example.test")).toBe("203.0.113.7");
	expect((await status()).Upstreams[0].Queries).toBe(Upstreams[0].Queries + 1);
	expect(await host.wharfOk("dns", "status")).toMatch(new RegExp(`\\n${OUTSIDE_ADDRESS} +good +`));
});
