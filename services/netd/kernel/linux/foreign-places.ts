/** Where programs keep a place for others' rules, and where in it ours belongs. Pure. */
import { deletionOf, isLetThrough, LET_THROUGH_RULE } from "#lib/linux/nft/let-through.ts";
import type { ListedRule } from "#lib/linux/nft/listed-rule.ts";
import type { ChainRef } from "#lib/linux/nft/table.ts";
import type { Dropper } from "../host-facts.ts";

export interface Place extends ChainRef {
	readonly owner: "Docker" | "ufw" | "firewalld";
}

/**
 * Those of one table: the first that packets come by is taken. ufw's before Docker's, since an operator's `ufw route deny` is in it.
 * firewalld has no chain for others; its reload makes the table anew, and reconciliation puts the rule back.
 */
export const PLACES: readonly Place[] = [
	{ owner: "ufw", family: "ip", table: "filter", chain: "ufw-user-forward" },
	{ owner: "ufw", family: "ip6", table: "filter", chain: "ufw6-user-forward" },
	{ owner: "Docker", family: "ip", table: "filter", chain: "DOCKER-USER" },
	{ owner: "Docker", family: "ip6", table: "filter", chain: "DOCKER-USER" },
	{ owner: "firewalld", family: "inet", table: "firewalld", chain: "filter_FORWARD" },
];

export function placeName({ family, table, chain }: ChainRef): string {
	return `${family} ${table} ${chain}`;
}

export function sameTable(one: Omit<ChainRef, "chain">, other: Omit<ChainRef, "chain">): boolean {
	return one.family === other.family && one.table === other.table;
}

/** The places where our rule is wanted: one a table that drops. */
export function wantedPlaces(droppers: readonly Dropper[]): Place[] {
	return droppers.flatMap((dropper) => {
		const place = PLACES.find((each) => sameTable(each, dropper) && dropper.reached.includes(each.chain));
		return place === undefined ? [] : [place];
	});
}

/** What is to be done about a place with these rules: commands of nft's, none where all is right. */
export interface Mending {
	readonly place: Place;
	readonly commands: readonly string[];
	readonly change: "added" | "removed";
}

export function mendingOf(place: Place, rules: readonly ListedRule[], isWanted: boolean): Mending | undefined {
	const ours = rules.filter(isLetThrough);
	const others = rules.filter((rule) => !ours.includes(rule));
	const before = others[indexIn(place, others)];
	if (isWanted && ours.length === 1 && rules[rules.indexOf(ours[0]!) + 1] === before) return undefined;
	if (!isWanted && ours.length === 0) return undefined;
	const { family, table, chain } = place;
	const addition =
		before === undefined
			? `add rule ${family} ${table} ${chain} ${LET_THROUGH_RULE}`
			: `insert rule ${family} ${table} ${chain} handle ${before.handle} ${LET_THROUGH_RULE}`;
	return {
		place,
		commands: [...ours.map(deletionOf), ...(isWanted ? [addition] : [])],
		change: isWanted ? "added" : "removed",
	};
}

/** Behind all that the operator has said. firewalld's zones end in a rejection, and the one for all else is among them: before them. */
function indexIn({ owner }: Place, others: readonly ListedRule[]): number {
	if (owner === "firewalld") {
		const index = others.findIndex(({ expr }) => expr.some((each) => "jump" in each || "goto" in each));
		return index < 0 ? others.length : index;
	}
	// Docker of before 27 ends its chain with a return, behind which nothing is looked at.
	return others.at(-1) !== undefined && isReturn(others.at(-1)!) ? others.length - 1 : others.length;
}

function isReturn({ expr }: ListedRule): boolean {
	return expr.every((each) => "counter" in each || "return" in each) && expr.some((each) => "return" in each);
}
