/**
 * Base chains of others at the forward hook that drop or reject by default, with what they accept from and to which interface.
 *
 * Their rules are followed through the chains that they jump to. A condition that is not understood makes a rule one that may
 * or may not hold, and it is passed over: what is said to be accepted is accepted.
 */
import { type ForwardBaseChain, listChains } from "#lib/linux/nft/chains.ts";
import type { TableRef } from "#lib/linux/nft/element.ts";
import { matchesLetThrough } from "#lib/linux/nft/let-through.ts";
import { rulesIn, type Statement } from "#lib/linux/nft/listed-rule.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import type { Accepted, Dropper } from "../host-facts.ts";
import { sameTable } from "./foreign-places.ts";
import { TABLE } from "./skeleton.ts";

/** What the rules of a chain do, in their order. */
type Rules = (chain: string) => readonly (readonly Statement[])[];

/** Where packets are that come by a rule. */
interface Condition {
	readonly in: readonly (string | undefined)[];
	readonly out: readonly (string | undefined)[];
	readonly translated: boolean;
	readonly ours: boolean;
}

/** What following the rules gathers. */
interface Walk {
	readonly rules: Rules;
	readonly accepts: Accepted[];
	readonly reached: Set<string>;
}

const EVERYTHING: Condition = { in: [undefined], out: [undefined], translated: false, ours: false };
/** Deeper than any firewall goes; the kernel itself allows 16. */
const DEEPEST = 16;

/** `concerns`: of which tables; others' rules are not read. */
export function droppers(host?: string, concerns: (base: ForwardBaseChain) => boolean = () => true): Dropper[] {
	const chains = listChains(host);
	const foreign = chains
		.flatMap(({ forward }) => forward ?? [])
		.filter((base) => !sameTable(base, TABLE) && concerns(base));
	if (foreign.length === 0) return [];
	using nft = Nft.open(host);
	return foreign.flatMap((base) => {
		const names = chains.filter((chain) => sameTable(chain, base)).map(({ chain }) => chain);
		return read(nft, base, names) ?? [];
	});
}

function read(nft: Nft, base: ForwardBaseChain, chains: readonly string[]): Dropper | undefined {
	const { family, table, chain, policy } = base;
	const walk: Walk = { rules: rulesOf(nft, base), accepts: [], reached: new Set() };
	const end = follow(walk, chain, EVERYTHING, 0);
	if (end === "accept" || (end === undefined && policy === "accept")) return undefined;
	return { family, table, chain, chains, reached: [...walk.reached], accepts: walk.accepts };
}

/** Read once, and only where packets come by. */
function rulesOf(nft: Nft, { family, table }: TableRef): Rules {
	const known = new Map<string, readonly (readonly Statement[])[]>();
	return (chain) => {
		const rules = known.get(chain) ?? rulesIn(nft, { family, table, chain }).map(({ expr }) => expr);
		known.set(chain, rules);
		return rules;
	};
}

/** What becomes of every packet under `condition`; undefined: nothing for certain, it comes out at the end. */
function follow(walk: Walk, name: string, condition: Condition, depth: number): "accept" | "drop" | undefined {
	if (condition === EVERYTHING) walk.reached.add(name);
	for (const rule of depth > DEEPEST ? [] : walk.rules(name)) {
		const narrowed = narrow(rule, condition);
		const last = rule.at(-1) ?? {};
		if (narrowed === undefined) continue;
		const holdsAlways = narrowed === condition;
		const target = targetOf(last);
		const verdict = target === undefined ? verdictOf(last) : follow(walk, target, narrowed, depth + 1);
		if (verdict === "accept" && target === undefined) walk.accepts.push(...accepted(narrowed));
		if (holdsAlways && (verdict !== undefined || "return" in last || "goto" in last)) return verdict;
	}
	return undefined;
}

/** The condition and the rule's own; undefined when the rule has one that is not understood. The same object when it has none. */
function narrow(rule: readonly Statement[], condition: Condition): Condition | undefined {
	let narrowed: Condition | undefined = condition;
	for (const statement of rule.slice(0, -1)) {
		if (narrowed === undefined) return undefined;
		if ("counter" in statement || "log" in statement || isComment(statement)) continue;
		narrowed = narrowedBy(statement, narrowed);
	}
	return narrowed;
}

function narrowedBy(statement: Statement, condition: Condition): Condition | undefined {
	// The shape of libnftables-json(5), where it is a match.
	const match = statement["match"] as
		| { op: string; left: { meta?: { key: string }; ct?: { key: string } }; right: unknown }
		| undefined;
	if (match === undefined) return undefined;
	if (matchesLetThrough(statement)) return { ...condition, ours: true };
	const { op, left, right } = match;
	if (left.ct?.key === "status" && right === "dnat" && op !== "!=") return { ...condition, translated: true };
	const names = interfacesIn(right);
	if (op !== "==" || names === undefined) return undefined;
	// A chain of the family bridge tells the bridge by ibrname; its iifname is a port.
	if (left.meta?.key === "iifname" || left.meta?.key === "ibrname") return { ...condition, in: names };
	const isOut = left.meta?.key === "oifname" || left.meta?.key === "obrname";
	return isOut ? { ...condition, out: names } : undefined;
}

function interfacesIn(right: unknown): string[] | undefined {
	if (typeof right === "string") return right.startsWith("@") ? undefined : [right];
	const set = (right as { readonly set?: unknown } | null)?.set;
	return Array.isArray(set) && set.every((name) => typeof name === "string") ? set : undefined;
}

function isComment(statement: Statement): boolean {
	return (statement["xt"] as { readonly name?: string } | null | undefined)?.name === "comment";
}

function targetOf(statement: Statement): string | undefined {
	const jump = (statement["jump"] ?? statement["goto"]) as { readonly target: string } | undefined;
	return jump?.target;
}

function verdictOf(statement: Statement): "accept" | "drop" | undefined {
	if ("accept" in statement) return "accept";
	const isReject =
		"reject" in statement || (statement["xt"] as { name?: string } | null | undefined)?.name === "REJECT";
	return "drop" in statement || isReject ? "drop" : undefined;
}

function accepted({ in: from, out, translated, ours }: Condition): Accepted[] {
	return from.flatMap((one) => out.map((other) => ({ in: one, out: other, translated, ours })));
}
