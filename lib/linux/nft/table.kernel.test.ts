import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import type { Expression, Rule } from "./expression.ts";
import { address, inetProto, service } from "./field.ts";
import { NfTables } from "./nf-tables.ts";
import type { BaseChain, Table } from "./table.ts";

const ref = { family: "inet", table: "t" } as const;

const equals = (value: Uint8Array): Expression => ({ kind: "equals", value });
const ipv4: Rule = [{ kind: "meta", key: "nfproto" }, equals(Uint8Array.of(2))];
const tcp: Rule = [{ kind: "meta", key: "l4proto" }, equals(inetProto("tcp"))];
const destination: Rule = [
	{ kind: "payload", at: { header: "network", offset: 16, lengthBytes: 4 } },
	equals(address(Ip.parse("10.0.0.2"))),
];
const port = { header: "transport", offset: 2, lengthBytes: 2 } as const;
const toPort = (to: number): Rule => [
	...ipv4,
	...destination,
	...tcp,
	{ kind: "payload", at: port },
	equals(service(80)),
	{ kind: "immediate", value: service(to) },
	{ kind: "write", at: port, checksumOffset: 16 },
];

const chainTo = (to: number): BaseChain => ({
	type: "filter",
	hook: "output",
	priority: -300,
	policy: "accept",
	rules: [toPort(to), [{ kind: "notrack" }]],
});
const input: BaseChain = { type: "filter", hook: "input", priority: 10, policy: "drop", rules: [tcp] };
const tableTo = (to: number): Table => ({ ...ref, chains: { out: chainTo(to), in: input } });

const textTo = (to: number): string => `table inet t {
	chain out {
		type filter hook output priority raw; policy accept;
		ip daddr 10.0.0.2 tcp dport 80 tcp dport set ${to}
		notrack
	}

	chain in {
		type filter hook input priority filter + 10; policy drop;
		meta l4proto tcp
	}
}
`;

let scratch: ScratchNetns;
let netns: string;
let raw: NfTables;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
	raw = NfTables.open(netns);
});

afterEach(() => {
	raw[Symbol.dispose]();
	scratch[Symbol.dispose]();
});

const ruleset = (): string => runIn(netns, "nft", "list", "ruleset");
const nft = (commands: string): void => void runIn(netns, "nft", commands);

test("a table is made whole, reads in nft as it does in nft's language, and is made once", () => {
	raw.addTable(tableTo(8080));
	expect(ruleset()).toBe(textTo(8080));
	expect(() => raw.addTable(tableTo(9090))).toThrow(
		expect.objectContaining({ code: "EEXIST", call: "add table inet t" }),
	);
	expect(ruleset()).toBe(textTo(8080));
});

test("what nft makes of its language is what is made here", () => {
	nft(textTo(8080));
	expect(raw.findChain({ ...ref, chain: "out" })).toEqual(chainTo(8080));
});

test("a table that the kernel refuses a part of is not made", () => {
	const rules = [[...ipv4, { kind: "payload", at: { ...port, lengthBytes: 200 } }] satisfies Rule];
	const out = { ...chainTo(8080), rules };
	expect(() => raw.addTable({ ...ref, chains: { out } })).toThrow(
		expect.objectContaining({ call: "add rule to inet t out" }),
	);
	expect(ruleset()).toBe("");
});

test("a table is replaced whatever is in it, or made; others stay", () => {
	const other = "table ip t {\n\tchain c {\n\t\tcounter packets 0 bytes 0 accept\n\t}\n}\n";
	nft(`${other} table inet t { set s { type ipv4_addr; }; chain c { ip saddr @s drop; }; chain d { jump c; }; }`);
	raw.replaceTable(tableTo(8080));
	expect(ruleset()).toBe(other + textTo(8080));
	raw.replaceTable(tableTo(9090));
	expect(ruleset()).toBe(other + textTo(9090));
	raw.removeTable(ref);
	expect(ruleset()).toBe(other);
	expect(() => raw.removeTable(ref)).toThrow(expect.objectContaining({ code: "ENOENT" }));
	raw.replaceTable(tableTo(8080));
	expect(ruleset()).toBe(other + textTo(8080));
});

test("a chain is found as it is", () => {
	raw.addTable(tableTo(8080));
	expect(raw.findChain({ ...ref, chain: "out" })).toEqual(chainTo(8080));
	expect(raw.findChain({ ...ref, chain: "in" })).toEqual(input);
	expect(raw.findChain({ ...ref, chain: "nowhere" })).toBeUndefined();
	expect(raw.findChain({ ...ref, table: "nowhere", chain: "out" })).toBeUndefined();
	nft("add chain inet t plain; add rule inet t plain accept");
	expect(raw.findChain({ ...ref, chain: "plain" })).toBeUndefined();
});

test.for<[rule: string, listed: Rule]>([
	["accept", [{ kind: "other", name: "immediate" }]],
	["counter", [{ kind: "other", name: "counter" }]],
	["meta mark 1", [{ kind: "other", name: "meta" }, equals(Uint8Array.of(1, 0, 0, 0))]],
	[
		"meta l4proto != tcp",
		[
			{ kind: "meta", key: "l4proto" },
			{ kind: "other", name: "cmp" },
		],
	],
])("%s is listed as what is not made here", ([rule, listed]) => {
	nft(`table inet t { chain c { type filter hook output priority 0; ${rule}; }; }`);
	expect(raw.findChain({ ...ref, chain: "c" })?.rules).toEqual([listed]);
});
