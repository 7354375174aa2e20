/** The process is killed at each of its kill points in turn; the next one leaves exactly what the store says, by other programs' account. */
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Child, start } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { ipJson, nftJson, runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { IpamdAllocator } from "../peers/ipamd.ts";

const NETD = join(import.meta.dirname, "..");
const SCENARIO = join(NETD, "test-support/scenario.ts");
const IPAMD = join(NETD, "../ipamd/main.ts");

const FIRST = "store.network.predefined";

/** Those that the sources have; labels of writes come behind `store.`. */
const POINTS = globSync("**/*.ts", { cwd: NETD })
	.filter((file) => !file.includes("test"))
	// Where the kernel has no links to make such parents of, none of these is passed.
	.filter((file) => !file.endsWith("linux/parents.ts") || hasDummy())
	.flatMap((file) => {
		const source = readFileSync(join(NETD, file), "utf8");
		const kernel = [...source.matchAll(/killPoint\("([^"]+)"\)/g)].map(([, name]) => name ?? "");
		const writes = [...source.matchAll(/store\s*\.(?:write|intend)\([\s\S]*?"([a-z]+\.[a-z]+)",?\s*\)/g)].map(
			([, name]) => `store.${name}`,
		);
		return [...kernel, ...writes];
	})
	// Only a store that is new passes here.
	.sort((one, other) => Number(other === FIRST) - Number(one === FIRST));

/** The host's interface that macvlans are on, and one that is a bridge's uplink; and their other ends. */
const OUTER = ["eth1", "far1", "eth2", "far2"];
/** The host's own at the second. */
const OWN = "192.0.2.5/24";

/** Failed when its owner went, as it should; the kill came before it was removed. */
const LEFT_ALONE = ["active", "active,failed"];

const folder = mkdtempSync(join(tmpdir(), "netd-kill-"));
const host = join(folder, "host");
const socket = join(folder, "root/run/ipamd.sock");
/** Somebody else's, whom a kill of netd does not concern. */
const foreign = join(folder, "foreign");
let ipamd: Child;
let allocator: IpamdAllocator;

beforeAll(async () => {
	createNetns(host);
	runIn(host, "ip", "link", "set", "lo", "up");
	for (const [name, far] of [
		["eth1", "far1"],
		["eth2", "far2"],
	] as const) {
		runIn(host, "ip", "link", "add", name, "type", "veth", "peer", "name", far);
		runIn(host, "ip", "link", "set", name, "up");
	}
	runIn(host, "ip", "address", "add", OWN, "dev", "eth2");
	runIn(host, "ip", "route", "add", "default", "via", "192.0.2.1");
	const env = { WHARF_ROOT: join(folder, "root") };
	ipamd = start("nsenter", [`--net=${host}`, "--", process.execPath, IPAMD], {
		env,
		stdout: "ignore",
		stderr: "ignore",
	});
	while ((await checkHealth({ unix: socket })) !== "SERVING") await sleep(20);
	allocator = new IpamdAllocator({ unix: socket });
});
afterAll(async () => {
	allocator?.[Symbol.dispose]();
	ipamd.kill("SIGKILL");
	await ipamd.done;
	const pinned = existsSync(join(folder, "netns")) ? readdirSync(join(folder, "netns")) : [];
	for (const name of pinned) removeNetns(join(folder, "netns", name));
	removeNetns(host);
	rmSync(folder, { recursive: true });
});

async function run(args: readonly string[], point = "") {
	const env = {
		NETD_TEST_HOST: host,
		NETD_TEST_FOLDER: folder,
		NETD_TEST_IPAMD: socket,
		NETD_TEST_FOREIGN: foreign,
		WHARF_KILL_POINT: point,
	};
	const child = start(process.execPath, [SCENARIO, ...args], { env });
	let output = "";
	for await (const chunk of child.stdout) output += String(chunk);
	return { output, ...(await child.done) };
}

/** By ip, nft, the folder, and ipamd. */
async function found() {
	const links = ipJson(host, "link", "show") as { ifname: string; linkinfo?: { info_kind: string } }[];
	const named = (kind: string) =>
		links
			.filter(({ linkinfo, ifname }) => linkinfo?.info_kind === kind && !OUTER.includes(ifname))
			.map(({ ifname }) => ifname)
			.sort();
	const elements = (name: string) =>
		(nftJson(host, "list", "map", "inet", "wharf", name) as { map: { elem?: [{ concat: unknown[] }][] } }[]).flatMap(
			({ map }) => map.elem?.map(([{ concat }]) => String(concat.at(-1))) ?? [],
		);
	const namespaces = readdirSync(join(folder, "netns")).sort();
	const macvlans = namespaces.flatMap((id) =>
		(ipJson(join(folder, "netns", id), "link", "show", "type", "macvlan") as { ifname?: string }[]).flatMap(
			({ ifname }) => (ifname === undefined ? [] : [`${id} ${ifname}`]),
		),
	);
	return {
		bridges: [...named("bridge"), ...named("dummy")].sort(),
		legs: named("veth"),
		shims: named("macvlan"),
		macvlans,
		namespaces,
		ports: elements("published4").sort(),
		leases: (await allocator.leases()).map(({ address }) => address.toString()).sort(),
		subnets: (await allocator.subnets()).length,
	};
}

/** Whether there is a carrier is not of interest. */
const wayOut = () => runIn(host, "ip", "route", "show", "default").replace(" linkdown", "").trim();
/** By the interface or by its bridge. */
const WAYS = /^default via 192\.0\.2\.1 dev (eth2|wh-[0-9a-f]{12})$/;
/** A kill may come just after somebody took the bridge away. */
const WAYS_IN_BETWEEN = /^$|^default via 192\.0\.2\.1 dev (eth2|wh-[0-9a-f]{12})$/;

test("there are kill points, each once", () => {
	expect(POINTS.length).toBeGreaterThan(40);
	expect(new Set(POINTS.filter((name) => name !== "store.endpoint.deleted")).size).toBe(
		POINTS.filter((name) => name !== "store.endpoint.deleted").length,
	);
});

test.each([...new Set(POINTS)].map((point, round) => [point, round] as const))("%s", async (point, round) => {
	createNetns(foreign);
	using _foreign = { [Symbol.dispose]: () => removeNetns(foreign) };
	if (point === "netd.rules.made") runIn(host, "nft", "flush", "ruleset");
	const killed = await run(["live", String(round)], point);
	expect([killed.signal, killed.exitCode, killed.stderr]).toEqual(["SIGKILL", undefined, ""]);
	expect(wayOut()).toMatch(WAYS_IN_BETWEEN);
	const { output, stderr, exitCode } = await run(["reconcile"]);
	expect([exitCode, stderr]).toEqual([0, ""]);
	const { states, subnets, ...said } = JSON.parse(output) as { states: string[]; subnets: string[] };
	expect(LEFT_ALONE).toContain(states.sort().join());
	expect(wayOut()).toMatch(WAYS);
	expect(await found()).toEqual({ ...said, subnets: subnets.length });
	const rules = runIn(host, "nft", "list", "ruleset");
	const isDropping = rules.includes("hook forward priority filter; policy drop");
	expect(rules.split("\n").filter((line) => line.includes('comment "wharf"'))).toHaveLength(isDropping ? 1 : 0);
	expect(rules.includes("chain let_through")).toBe(isDropping);
});

function hasDummy(): boolean {
	const netns = join(mkdtempSync(join(tmpdir(), "netd-kill-")), "netns");
	createNetns(netns);
	try {
		runIn(netns, "ip", "link", "add", "one", "type", "dummy");
		return true;
	} catch {
		return false;
	} finally {
		removeNetns(netns);
		rmSync(join(netns, ".."), { recursive: true });
	}
}
