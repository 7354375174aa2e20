/** An element of an nf_tables set or map, as nfnetlink writes it. Hash sets only: no intervals, no timeouts. */
import * as attribute from "../netlink/attribute.ts";

/** The families of tables, with their numbers (NFPROTO_*). */
const FAMILIES = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;
export type TableFamily = keyof typeof FAMILIES;

export interface TableRef {
	readonly family: TableFamily;
	readonly table: string;
}

export interface SetRef extends TableRef {
	/** The name of a set or a map. */
	readonly set: string;
}

type Verdict =
	| { readonly verdict: "accept" | "drop" | "continue" | "return" }
	| { readonly verdict: "jump" | "goto"; readonly chain: string };

/** What a map has under a key: bytes (`concatenation`), or what to do. */
export type Datum = Uint8Array | Verdict;

export interface Element {
	readonly key: Uint8Array;
	/** Absent in a set. */
	readonly data?: Datum | undefined;
}

const NFGENMSG_BYTES = 4;
const LIST = { table: 1, set: 2, elements: 3 } as const;
const LIST_ELEM = 1;
const ELEM = { key: 1, data: 2 } as const;
const DATA = { value: 1, verdict: 2 } as const;
const VERDICT = { code: 1, chain: 2 } as const;
const VERDICT_CODES = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;

/** `struct nfgenmsg`. `resource` is in network order. */
export function header(family: number, resource = 0): Buffer {
	const out = Buffer.alloc(NFGENMSG_BYTES);
	out.writeUInt8(family, 0);
	out.writeUInt16BE(resource, 2);
	return out;
}

export function familyNumber(family: TableFamily): number {
	return FAMILIES[family];
}

/** Undefined for a number that no family of tables has. */
export function familyNamed(number: number): TableFamily | undefined {
	// The keys of FAMILIES are the families.
	return (Object.keys(FAMILIES) as TableFamily[]).find((family) => FAMILIES[family] === number);
}

/** The body of a message about elements of a set; without elements, about all of them. */
export function encodeElements({ family, table, set }: SetRef, elements: readonly Element[]): Buffer {
	return Buffer.concat([
		header(FAMILIES[family]),
		attribute.string(LIST.table, table),
		attribute.string(LIST.set, set),
		...(elements.length === 0 ? [] : [attribute.nested(LIST.elements, elements.map(encodeElement))]),
	]);
}

function encodeElement({ key, data }: Element): attribute.Attribute {
	return attribute.nested(LIST_ELEM, [
		attribute.nested(ELEM.key, [attribute.bytes(DATA.value, key)]),
		data === undefined ? undefined : attribute.nested(ELEM.data, [encodeDatum(data)]),
	]);
}

function encodeDatum(data: Datum): attribute.Attribute {
	if (data instanceof Uint8Array) return attribute.bytes(DATA.value, data);
	return attribute.nested(DATA.verdict, [
		attribute.be32(VERDICT.code, VERDICT_CODES[data.verdict]),
		"chain" in data ? attribute.string(VERDICT.chain, data.chain) : undefined,
	]);
}

/** The elements in one message of a dump. */
export function decodeElements(body: Buffer): Element[] {
	const list = attribute.AttributeSet.decode(body.subarray(NFGENMSG_BYTES)).bytes(LIST.elements);
	if (list === undefined) return [];
	const elements: Element[] = [];
	for (const [, payload] of attribute.sequence(list)) {
		const element = attribute.AttributeSet.decode(payload);
		const key = element.nested(ELEM.key)?.bytes(DATA.value);
		if (key === undefined) continue; // a catch-all
		const data = element.nested(ELEM.data);
		elements.push(data === undefined ? { key } : { key, data: decodeDatum(data) });
	}
	return elements;
}

function decodeDatum(data: attribute.AttributeSet): Datum {
	const value = data.bytes(DATA.value);
	if (value !== undefined) return value;
	const verdict = data.nested(DATA.verdict);
	const code = (verdict?.be32(VERDICT.code) ?? 0) | 0; // signed
	const chain = verdict?.string(VERDICT.chain) ?? "";
	switch (code) {
		case VERDICT_CODES.jump:
			return { verdict: "jump", chain };
		case VERDICT_CODES.goto:
			return { verdict: "goto", chain };
		case VERDICT_CODES.accept:
			return { verdict: "accept" };
		case VERDICT_CODES.continue:
			return { verdict: "continue" };
		case VERDICT_CODES.return:
			return { verdict: "return" };
		default:
			return { verdict: "drop" };
	}
}

/** Which part of a message about one element the kernel found fault with, from the offset of the attribute in it. */
export function partAt(ref: SetRef, offset: number | undefined): "table" | "set" | "element" {
	if (offset === undefined) return "element";
	const table = 16 + NFGENMSG_BYTES;
	const set = table + attribute.string(LIST.table, ref.table).length;
	if (offset < set) return "table";
	return offset < set + attribute.string(LIST.set, ref.set).length ? "set" : "element";
}
