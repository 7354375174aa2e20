/** Tables of base chains and their rules, as nfnetlink writes them. No sets, no chains that others jump to: those are `nft.ts`'s. */
import * as attribute from "../netlink/attribute.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, type Request } from "../netlink/message.ts";
import { messageType } from "./batch.ts";
import { familyNumber, header, type TableRef } from "./element.ts";
import { decodeRule, encodeRule, named, type Rule } from "./expression.ts";

export interface ChainRef extends TableRef {
	readonly chain: string;
}

export interface BaseChain {
	readonly type: "filter" | "nat" | "route";
	/** Of the families of the Internet protocols. */
	readonly hook: keyof typeof HOOKS;
	/** -300 is `raw`. */
	readonly priority: number;
	readonly policy: keyof typeof POLICIES;
	readonly rules: readonly Rule[];
}

export interface Table extends TableRef {
	readonly chains: Readonly<Record<string, BaseChain>>;
}

const NEWTABLE = messageType(0);
const DELTABLE = messageType(2);
const NEWCHAIN = messageType(3);
const NEWRULE = messageType(6);
const NFGENMSG_BYTES = 4;

const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const POLICIES = { drop: 0, accept: 1 } as const;
const TYPES = ["filter", "nat", "route"] as const;

const TABLE = { name: 1, flags: 2 } as const;
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const RULE = { table: 1, chain: 2, expressions: 4 } as const;

/** Makes a table and all that is in it. EEXIST where there is one of its name. */
export function additionOf(table: Table): Request[] {
	return [
		tableRequest(table, NLM_F_CREATE | NLM_F_EXCL),
		...Object.entries(table.chains).flatMap(([chain, definition]) => [
			chainRequest({ ...table, chain }, definition),
			...definition.rules.map((rule) => ruleRequest({ ...table, chain }, rule)),
		]),
	];
}

/** As `additionOf`, in place of what is there under its name, if anything is. */
export function replacementOf(table: Table): Request[] {
	return [tableRequest(table, NLM_F_CREATE), removalOf(table), ...additionOf(table)];
}

export function removalOf(ref: TableRef): Request {
	return { label: `remove table ${nameOf(ref)}`, type: DELTABLE, flags: 0, body: encodeTableRef(ref) };
}

/** The body of a message about a table. */
export function encodeTableRef({ family, table }: TableRef): Buffer {
	return Buffer.concat([header(familyNumber(family)), attribute.string(TABLE.name, table)]);
}

/** The body of a message about a chain. */
export function encodeChainRef({ family, table, chain }: ChainRef): Buffer {
	return Buffer.concat([
		header(familyNumber(family)),
		attribute.string(CHAIN.table, table),
		attribute.string(CHAIN.name, chain),
	]);
}

/** The body of a message about rules of a chain; without a rule, about all of them. */
export function encodeRules({ family, table, chain }: ChainRef, rule?: Rule): Buffer {
	return Buffer.concat([
		header(familyNumber(family)),
		attribute.string(RULE.table, table),
		attribute.string(RULE.chain, chain),
		...(rule === undefined ? [] : [encodeRule(RULE.expressions, rule)]),
	]);
}

/** A chain as it is listed, without its rules. Undefined for one that is no base chain. */
export function decodeChain(body: Buffer): Omit<BaseChain, "rules"> | undefined {
	const chain = attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES));
	const type = TYPES.find((each) => each === chain.string(CHAIN.type));
	const hook = named(HOOKS, chain.nested(CHAIN.hook)?.be32(HOOK.number));
	const priority = chain.nested(CHAIN.hook)?.be32(HOOK.priority);
	const policy = named(POLICIES, chain.be32(CHAIN.policy));
	if (type === undefined || hook === undefined || priority === undefined || policy === undefined) return undefined;
	return { type, hook, priority: priority | 0, policy };
}

/** One rule as it is listed. */
export function decodeRules(body: Buffer): Rule {
	return decodeRule(
		attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES)).bytes(RULE.expressions) ?? Buffer.of(),
	);
}

function tableRequest(ref: TableRef, flags: number): Request {
	const body = Buffer.concat([encodeTableRef(ref), attribute.be32(TABLE.flags, 0)]);
	return { label: `add table ${nameOf(ref)}`, type: NEWTABLE, flags, body };
}

function chainRequest(ref: ChainRef, { type, hook, priority, policy }: BaseChain): Request {
	const body = Buffer.concat([
		encodeChainRef(ref),
		attribute.string(CHAIN.type, type),
		attribute.be32(CHAIN.policy, POLICIES[policy]),
		attribute.nested(CHAIN.hook, [attribute.be32(HOOK.number, HOOKS[hook]), attribute.be32(HOOK.priority, priority)]),
	]);
	return { label: `add chain ${nameOf(ref)} ${ref.chain}`, type: NEWCHAIN, flags: NLM_F_CREATE, body };
}

function ruleRequest(ref: ChainRef, rule: Rule): Request {
	const label = `add rule to ${nameOf(ref)} ${ref.chain}`;
	return { label, type: NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND, body: encodeRules(ref, rule) };
}

function nameOf({ family, table }: TableRef): string {
	return `${family} ${table}`;
}
