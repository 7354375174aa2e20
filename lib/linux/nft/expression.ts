/**
 * Expressions of a rule, as nft(8) makes them of `ip daddr 127.0.0.11`, `udp dport set 53` and `notrack`.
 *
 * All of them use the first register. What the kernel lists is decoded to the same values; an expression with anything else
 * in it, or another register, is `other`.
 */
import * as attribute from "../netlink/attribute.ts";
import type { Field } from "./field.ts";

/** Bytes of a packet, counted from the beginning of a header. */
export interface Place {
	readonly header: keyof typeof HEADERS;
	readonly offset: number;
	readonly lengthBytes: number;
}

export type Expression =
	/** Loads a property of the packet that is not in its bytes. */
	| { readonly kind: "meta"; readonly key: keyof typeof META_KEYS }
	/** Loads bytes of the packet. */
	| { readonly kind: "payload"; readonly at: Place }
	/** Ends the rule unless the register has this value. */
	| { readonly kind: "equals"; readonly value: Field }
	/** Loads a value. */
	| { readonly kind: "immediate"; readonly value: Field }
	/** Writes the register into the packet and mends the Internet checksum at an offset from the same header. */
	| { readonly kind: "write"; readonly at: Place; readonly checksumOffset: number }
	| { readonly kind: "notrack" }
	/** Somebody else's, as it is listed. */
	| { readonly kind: "other"; readonly name: string };

export type Rule = readonly Expression[];

const HEADERS = { link: 0, network: 1, transport: 2 } as const;
const META_KEYS = { nfproto: 15, l4proto: 16 } as const;
const REGISTER = 1;
const OPERATION_EQUALS = 0;
const CHECKSUM_INTERNET = 1;

const LIST_ELEM = 1;
const EXPRESSION = { name: 1, data: 2 } as const;
const META = { register: 1, key: 2 } as const;
const PAYLOAD = {
	register: 1,
	base: 2,
	offset: 3,
	length: 4,
	source: 5,
	checksumType: 6,
	checksumOffset: 7,
	checksumFlags: 8,
} as const;
const COMPARE = { register: 1, operation: 2, data: 3 } as const;
const IMMEDIATE = { register: 1, data: 2 } as const;
const DATA_VALUE = 1;

/** Rules are made of the same few expressions, which whoever makes many of them keeps: each is encoded once. */
const encoded = new WeakMap<Expression, attribute.Attribute>();

/** A list of expressions under the attribute `type`. */
export function encodeRule(type: number, rule: Rule): attribute.Attribute {
	return attribute.nested(type, rule.map(encodeExpression));
}

function encodeExpression(expression: Expression): attribute.Attribute {
	const known = encoded.get(expression);
	if (known !== undefined) return known;
	const [name, data] = nameAndData(expression);
	const fresh = attribute.nested(LIST_ELEM, [
		attribute.string(EXPRESSION.name, name),
		data.length === 0 ? undefined : attribute.nested(EXPRESSION.data, data),
	]);
	encoded.set(expression, fresh);
	return fresh;
}

function nameAndData(expression: Expression): readonly [name: string, data: attribute.Attributes] {
	switch (expression.kind) {
		case "meta":
			return ["meta", [attribute.be32(META.key, META_KEYS[expression.key]), attribute.be32(META.register, REGISTER)]];
		case "payload":
			return ["payload", [attribute.be32(PAYLOAD.register, REGISTER), ...place(expression.at)]];
		case "equals":
			return [
				"cmp",
				[
					attribute.be32(COMPARE.register, REGISTER),
					attribute.be32(COMPARE.operation, OPERATION_EQUALS),
					value(COMPARE.data, expression.value),
				],
			];
		case "immediate":
			return ["immediate", [attribute.be32(IMMEDIATE.register, REGISTER), value(IMMEDIATE.data, expression.value)]];
		case "write":
			return [
				"payload",
				[
					attribute.be32(PAYLOAD.source, REGISTER),
					...place(expression.at),
					attribute.be32(PAYLOAD.checksumType, CHECKSUM_INTERNET),
					attribute.be32(PAYLOAD.checksumOffset, expression.checksumOffset),
				],
			];
		case "notrack":
			return ["notrack", []];
		case "other":
			throw new TypeError(`an expression ${expression.name} can be listed and not written`);
	}
}

function place({ header, offset, lengthBytes }: Place): attribute.Attribute[] {
	return [
		attribute.be32(PAYLOAD.base, HEADERS[header]),
		attribute.be32(PAYLOAD.offset, offset),
		attribute.be32(PAYLOAD.length, lengthBytes),
	];
}

function value(type: number, bytes: Field): attribute.Attribute {
	return attribute.nested(type, [attribute.bytes(DATA_VALUE, bytes)]);
}

/** The rule in the payload of a list of expressions. */
export function decodeRule(list: Buffer): Rule {
	return Array.from(attribute.sequence(list), ([, payload]) => {
		const expression = attribute.AttributeSet.decode(payload);
		const name = expression.string(EXPRESSION.name) ?? "";
		return decodeExpression(name, expression.nested(EXPRESSION.data)) ?? { kind: "other", name };
	});
}

/** Undefined for what none of ours is. */
function decodeExpression(name: string, data: attribute.AttributeSet | undefined): Expression | undefined {
	if (name === "notrack") return { kind: "notrack" };
	if (data === undefined) return undefined;
	switch (name) {
		case "meta": {
			const key = named(META_KEYS, data.be32(META.key));
			return key !== undefined && data.be32(META.register) === REGISTER ? { kind: "meta", key } : undefined;
		}
		case "payload":
			return decodePayload(data);
		case "cmp": {
			const bytes = decodeValue(data, COMPARE.data);
			const isOurs = data.be32(COMPARE.register) === REGISTER && data.be32(COMPARE.operation) === OPERATION_EQUALS;
			return isOurs && bytes !== undefined ? { kind: "equals", value: bytes } : undefined;
		}
		case "immediate": {
			const bytes = decodeValue(data, IMMEDIATE.data);
			const isOurs = data.be32(IMMEDIATE.register) === REGISTER;
			return isOurs && bytes !== undefined ? { kind: "immediate", value: bytes } : undefined;
		}
		default:
			return undefined;
	}
}

function decodePayload(data: attribute.AttributeSet): Expression | undefined {
	const header = named(HEADERS, data.be32(PAYLOAD.base));
	const offset = data.be32(PAYLOAD.offset);
	const lengthBytes = data.be32(PAYLOAD.length);
	if (header === undefined || offset === undefined || lengthBytes === undefined) return undefined;
	const at = { header, offset, lengthBytes };
	if (data.be32(PAYLOAD.register) === REGISTER) return { kind: "payload", at };
	const checksumOffset = data.be32(PAYLOAD.checksumOffset);
	const isOurs =
		data.be32(PAYLOAD.source) === REGISTER &&
		data.be32(PAYLOAD.checksumType) === CHECKSUM_INTERNET &&
		(data.be32(PAYLOAD.checksumFlags) ?? 0) === 0;
	return isOurs && checksumOffset !== undefined ? { kind: "write", at, checksumOffset } : undefined;
}

function decodeValue(data: attribute.AttributeSet, type: number): Field | undefined {
	const bytes = data.nested(type)?.bytes(DATA_VALUE);
	return bytes === undefined ? undefined : Uint8Array.from(bytes);
}

/** The name of a number. */
export function named<K extends string>(
	numbers: Readonly<Record<K, number>>,
	number: number | undefined,
): K | undefined {
	// Object.keys forgets that the keys are the type's.
	return (Object.keys(numbers) as K[]).find((name) => numbers[name] === number);
}
