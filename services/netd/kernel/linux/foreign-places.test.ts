/** Where in others' chains our rule belongs. The rules are as libnftables lists them. */
import { describe, expect, test } from "vitest";
import { LET_THROUGH_MARK } from "#lib/linux/nft/let-through.ts";
import type { ListedRule } from "#lib/linux/nft/listed-rule.ts";
import type { Dropper } from "../host-facts.ts";
import { mendingOf, type Place, PLACES, placeName, wantedPlaces } from "./foreign-places.ts";

const placeOf = (owner: Place["owner"]): Place => PLACES.find((place) => place.owner === owner)!;
const [docker, ufw, firewalld] = [placeOf("Docker"), placeOf("ufw"), placeOf("firewalld")];

const counter = { counter: { packets: 1, bytes: 60 } };
const mark = (value: number) => ({
	match: { op: "==", left: { "&": [{ meta: { key: "mark" } }, value] }, right: value },
});
const TEXTS = {
	ours: [mark(LET_THROUGH_MARK), counter, { accept: null }],
	restored: [mark(LET_THROUGH_MARK), { xt: { type: "match", name: "comment" } }, counter, { accept: null }],
	return: [counter, { return: null }],
	drop: [{ match: { op: "==", left: { meta: { key: "iifname" } }, right: "eth7" } }, counter, { drop: null }],
	marked: [mark(0x10), counter, { accept: null }],
	jump: [{ jump: { target: "filter_FORWARD_ZONES" } }],
	reject: [{ reject: { type: "icmpx", expr: "admin-prohibited" } }],
} as const;

/** The rules of a chain, numbered from 1. */
function rules(place: Place, ...kinds: readonly (keyof typeof TEXTS)[]): ListedRule[] {
	const { owner: _, ...chain } = place;
	return kinds.map((kind, index) => ({
		...chain,
		handle: index + 1,
		expr: TEXTS[kind],
		...(kind === "ours" && { comment: "wharf" }),
	}));
}

const done = (place: Place, kinds: readonly (keyof typeof TEXTS)[], isWanted = true) =>
	mendingOf(place, rules(place, ...kinds), isWanted)?.commands.map((command) => command.replace(/ meta mark .*/, ""));

const DOCKER = "ip filter DOCKER-USER";

test.each<[string, Place, (keyof typeof TEXTS)[], string[] | undefined]>([
	["an empty chain", docker, [], [`add rule ${DOCKER}`]],
	["behind what the operator has said", docker, ["drop", "marked"], [`add rule ${DOCKER}`]],
	["before a return that ends it", docker, ["drop", "return"], [`insert rule ${DOCKER} handle 2`]],
	["there already", docker, ["drop", "ours"], undefined],
	["there already, before the return", docker, ["ours", "return"], undefined],
	["there already, restored by iptables-restore", docker, ["restored", "return"], undefined],
	["before a rule that came later", docker, ["ours", "drop"], [`delete rule ${DOCKER} handle 1`, `add rule ${DOCKER}`]],
	[
		"behind the return",
		docker,
		["return", "ours"],
		[`delete rule ${DOCKER} handle 2`, `insert rule ${DOCKER} handle 1`],
	],
	[
		"twice",
		docker,
		["ours", "restored"],
		[`delete rule ${DOCKER} handle 1`, `delete rule ${DOCKER} handle 2`, `add rule ${DOCKER}`],
	],
	["ufw's, which has no return", ufw, ["drop"], ["add rule ip filter ufw-user-forward"]],
	[
		"firewalld's, before its zones",
		firewalld,
		["drop", "jump", "reject"],
		["insert rule inet firewalld filter_FORWARD handle 2"],
	],
	["firewalld's, there already", firewalld, ["drop", "ours", "jump", "reject"], undefined],
])("%s", (_, place, kinds, commands) => {
	expect(done(place, kinds)).toEqual(commands);
});

test("where it is not wanted it goes, and others' stay", () => {
	expect(done(docker, ["marked", "ours", "restored", "return"], false)).toEqual([
		`delete rule ${DOCKER} handle 2`,
		`delete rule ${DOCKER} handle 3`,
	]);
	expect(done(docker, ["marked", "drop"], false)).toBeUndefined();
});

describe("the place in a table that drops", () => {
	const dropper = (reached: string[], more: Partial<Dropper> = {}): Dropper => ({
		family: "ip",
		table: "filter",
		chain: "FORWARD",
		chains: reached,
		reached,
		accepts: [],
		...more,
	});
	const names = (...droppers: Dropper[]) => wantedPlaces(droppers).map(placeName);

	test("is the first that packets come by, ufw's before Docker's; none where there is none", () => {
		expect(names(dropper(["FORWARD", "DOCKER-USER"]))).toEqual([DOCKER]);
		expect(names(dropper(["FORWARD", "DOCKER-USER", "ufw-user-forward"]))).toEqual(["ip filter ufw-user-forward"]);
		expect(names(dropper(["FORWARD"]), dropper(["onward"], { table: "mine" }))).toEqual([]);
		expect(names(dropper(["FORWARD"], { chains: ["FORWARD", "DOCKER-USER"] }))).toEqual([]);
	});

	test("is one of each family", () => {
		const six = dropper(["FORWARD", "ufw6-user-forward"], { family: "ip6" });
		const zones = dropper(["filter_FORWARD"], { family: "inet", table: "firewalld", chain: "filter_FORWARD" });
		expect(names(dropper(["FORWARD", "DOCKER-USER"]), six, zones)).toEqual([
			DOCKER,
			"ip6 filter ufw6-user-forward",
			"inet firewalld filter_FORWARD",
		]);
	});
});
