import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { nftJson, runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { ElementBatch, ElementBatchError } from "./element-batch.ts";
import { address, concatenation, ifname, inetProto, service } from "./field.ts";
import { NfTables } from "./nf-tables.ts";
import { Nft, NftError } from "./nft.ts";

const table = { family: "inet", table: "t" } as const;
const ports = { ...table, set: "ports" };
const peers = { ...table, set: "peers" };
const networks = { ...table, set: "networks" };
const plain = { ...table, set: "plain" };
const v6 = { ...table, set: "v6" };

const SKELETON = `
	table inet t {
		map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
		set peers { type ifname . ifname; }
		map networks { type ifname : verdict; }
		map plain { type inet_service : ipv4_addr; }
		map v6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }
		chain other { }
	}`;

let scratch: ScratchNetns;
let netns: string;
let nft: Nft;
let raw: NfTables;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
	nft = Nft.open(netns);
	raw = NfTables.open(netns);
	nft.run(SKELETON);
});

afterEach(() => {
	nft[Symbol.dispose]();
	raw[Symbol.dispose]();
	scratch[Symbol.dispose]();
});

const tcp = (port: number) => concatenation(inetProto("tcp"), service(port));
const to = (ip: string, port: number) => concatenation(address(Ip.parse(ip)), service(port));

/** The elements of a set, as nft(8) has them. */
function elements(kind: "map" | "set", name: string): unknown {
	return nftJson(netns, "list", kind, "inet", "t", name)[0][kind].elem;
}

function failure(body: () => void): ElementBatchError {
	try {
		body();
	} catch (error) {
		if (error instanceof ElementBatchError) return error;
		throw error;
	}
	throw new Error("nothing was refused");
}

describe("libnftables", () => {
	test("a transaction happens in its own namespace, whole or not at all", () => {
		expect(nftJson(netns, "list", "tables")).toEqual([
			{ table: { family: "inet", name: "t", handle: expect.any(Number) } },
		]);
		expect(nft.list("list tables")).toEqual(nftJson(netns, "list", "tables"));
		expect(() => nft.run("add table inet u; add rule inet nowhere c accept")).toThrow(/No such file or directory/);
		expect(nftJson(netns, "list", "tables")).toHaveLength(1);
		expect(() => nft.run("nonsense")).toThrow(NftError);
		expect(() => nft.run("nonsense")).toThrow(/^Error: syntax error/);
		expect(nft.run("list table inet t")).toContain("map ports");
	});

	test("what is only checked is refused as it would be, and not done", () => {
		nft.check("add table inet u; add chain inet u c; add rule inet u c accept");
		expect(() => nft.check("add rule inet nowhere c accept")).toThrow(NftError);
		expect(runIn(netns, "nft", "list", "tables")).toBe("table inet t\n");
		nft.run("add table inet u");
		expect(runIn(netns, "nft", "list", "tables")).toBe("table inet t\ntable inet u\n");
	});

	test("a list leaves elements out when asked to", () => {
		nft.run("add element inet t ports { tcp . 80 : 10.0.0.2 . 8080 }");
		expect(JSON.stringify(nft.list("list table inet t"))).toContain("10.0.0.2");
		expect(JSON.stringify(nft.list("list table inet t", { elements: false }))).not.toContain("10.0.0.2");
	});
});

describe("raw elements", () => {
	test("several sets, values and verdicts in one transaction read the same in nft", () => {
		const [a, b] = [ifname(parseIfName("wh0")), ifname(parseIfName("wh-15-bytes-abc"))];
		raw.commit(
			new ElementBatch()
				.add(ports, tcp(8080), to("10.0.0.2", 80))
				.add(peers, concatenation(a, b))
				.add(networks, a, { verdict: "jump", chain: "other" })
				.add(networks, b, { verdict: "drop" })
				.add(plain, concatenation(service(53)), concatenation(address(Ip.parse("10.0.0.9"))))
				.add(v6, concatenation(inetProto("udp"), address(Ip.parse("fd00::1")), service(53)), to("fd00::2", 5353)),
		);
		expect(elements("map", "ports")).toEqual([[{ concat: ["tcp", 8080] }, { concat: ["10.0.0.2", 80] }]]);
		expect(elements("set", "peers")).toEqual([{ concat: ["wh0", "wh-15-bytes-abc"] }]);
		expect(elements("map", "networks")).toEqual(
			expect.arrayContaining([
				["wh0", { jump: { target: "other" } }],
				["wh-15-bytes-abc", { drop: null }],
			]),
		);
		expect(elements("map", "plain")).toEqual([[53, "10.0.0.9"]]);
		expect(elements("map", "v6")).toEqual([[{ concat: ["udp", "fd00::1", 53] }, { concat: ["fd00::2", 5353] }]]);
	});

	test("elements that nft wrote are found and listed", () => {
		runIn(netns, "nft", "add element inet t ports { tcp . 80 : 10.0.0.2 . 8080, udp . 53 : 10.0.0.3 . 53 }");
		runIn(netns, "nft", "add element inet t networks { wh0 : goto other, wh1 : accept, wh2 : return, wh3 : continue }");
		expect(raw.find(ports, tcp(80))).toEqual(to("10.0.0.2", 8080));
		expect(raw.find(ports, tcp(81))).toBeUndefined();
		expect(raw.find({ ...ports, set: "nowhere" }, tcp(81))).toBeUndefined();
		expect(raw.find(networks, ifname(parseIfName("wh0")))).toEqual({ verdict: "goto", chain: "other" });
		const listed = raw.list(ports).map(({ key, data }) => [Buffer.from(key).toString("hex"), data]);
		expect(listed.sort()).toEqual([
			["0600000000500000", to("10.0.0.2", 8080)],
			["1100000000350000", to("10.0.0.3", 53)],
		]);
		const verdicts = raw.list(networks).map(({ data }) => data);
		expect(verdicts).toEqual(
			expect.arrayContaining([{ verdict: "accept" }, { verdict: "return" }, { verdict: "continue" }]),
		);
	});

	test("adding again is success with the same datum and EEXIST with another one", () => {
		raw.commit(
			new ElementBatch()
				.add(ports, tcp(80), to("10.0.0.2", 80))
				.add(peers, concatenation(ifname(parseIfName("a")), ifname(parseIfName("b")))),
		);
		raw.commit(
			new ElementBatch()
				.add(ports, tcp(80), to("10.0.0.2", 80))
				.add(peers, concatenation(ifname(parseIfName("a")), ifname(parseIfName("b")))),
		);
		const batch = new ElementBatch().add(ports, tcp(81), to("10.0.0.9", 81)).add(ports, tcp(80), to("10.0.0.9", 80));
		const error = failure(() => raw.commit(batch));
		expect(error.code).toBe("EEXIST");
		expect(error.failures.map(({ change }) => change?.key)).toEqual([tcp(80)]);
		expect(elements("map", "ports")).toEqual([[{ concat: ["tcp", 80] }, { concat: ["10.0.0.2", 80] }]]);
	});

	test("remove and add in one batch replace", () => {
		raw.commit(new ElementBatch().add(ports, tcp(80), to("10.0.0.2", 80)));
		raw.commit(new ElementBatch().remove(ports, tcp(80)).add(ports, tcp(80), to("10.0.0.9", 80)));
		expect(elements("map", "ports")).toEqual([[{ concat: ["tcp", 80] }, { concat: ["10.0.0.9", 80] }]]);
	});

	test("removing what is absent says which part is, and undoes the rest", () => {
		raw.commit(new ElementBatch().add(ports, tcp(80), to("10.0.0.2", 80)));
		const batch = new ElementBatch()
			.remove(ports, tcp(80))
			.remove(ports, tcp(81))
			.remove({ ...ports, set: "nowhere" }, tcp(82))
			.remove({ ...ports, table: "nowhere" }, tcp(83));
		const error = failure(() => raw.commit(batch));
		expect(error.failures.map(({ change, missing, error: { code } }) => [change?.key, code, missing])).toEqual([
			[tcp(81), "ENOENT", "element"],
			[tcp(82), "ENOENT", "set"],
			[tcp(83), "ENOENT", "table"],
		]);
		expect(elements("map", "ports")).toHaveLength(1);
		raw.commit(new ElementBatch().remove(ports, tcp(80)));
		expect(elements("map", "ports")).toBeUndefined();
	});

	test("thousands in one transaction, and thousands of refusals", () => {
		const batch = new ElementBatch();
		for (let port = 1; port <= 20_000; port += 1) batch.add(ports, tcp(port), to("10.0.0.2", port));
		raw.commit(batch);
		expect(raw.list(ports)).toHaveLength(20_000);
		const again = new ElementBatch();
		for (let port = 1; port <= 2_000; port += 1) again.add(ports, tcp(port), to("10.0.0.3", port));
		expect(failure(() => raw.commit(again)).failures).toHaveLength(2_000);
	});

	test("an element that does not fit its set is refused", () => {
		expect(failure(() => raw.commit(new ElementBatch().add(ports, service(1), to("10.0.0.2", 80)))).code).toBe(
			"EINVAL",
		);
	});
});

test("tables are found, and every transaction counts, whoever made it", () => {
	expect([raw.hasTable(table), raw.hasTable({ family: "ip", table: "t" })]).toEqual([true, false]);
	const before = raw.generation();
	expect(raw.generation()).toBe(before);
	runIn(netns, "nft", "add table ip other");
	expect(raw.generation()).not.toBe(before);
	nft.run("delete table inet t");
	expect(raw.hasTable(table)).toBe(false);
});

test("a raw element redirects a connection", () => {
	runIn(netns, "ip", "link", "set", "lo", "up");
	nft.run("add chain inet t out { type nat hook output priority -100; }");
	nft.run("add rule inet t out dnat ip to meta l4proto . th dport map @ports");
	raw.commit(new ElementBatch().add(ports, tcp(8080), to("127.0.0.7", 80)));
	const server = `const s = net.createServer(c => c.end(c.localAddress)).listen(80, "127.0.0.7", () =>
		net.connect(8080, "127.0.0.1").on("data", d => console.log(String(d))).on("close", () => s.close()))`;
	expect(runIn(netns, process.execPath, "-e", server).trim()).toBe("127.0.0.7");
});
