/** The functions of templates: Go's, and Docker's own (json, join, split, lower, upper, title, pad, truncate). */
import type { TooLong } from "./bounded-text.ts";
import { isAnyOf, order } from "./comparing.ts";
import { jsonOf } from "./json.ts";
import { joined, sprint, sprintf, sprintln } from "./sprintf.ts";
import { Fields, isList, isTrue, kindOf, type Value } from "./value.ts";

/** Throws the fault of the call. */
export type Fail = (problem: string) => never;

export interface TemplateFunction {
	readonly min: number;
	readonly max: number;
	/** `and` and `or`: the first argument of this truth ends it and is its value, else the last one. */
	readonly endsAt?: boolean;
	/** Gets as many as it declares. */
	run(args: readonly Value[], fail: Fail, tooLong: TooLong): Value;
}

const MANY = Number.POSITIVE_INFINITY;
const last = (args: readonly Value[]): Value => args.at(-1) ?? null;
const compared = (isSo: (order: number) => boolean): TemplateFunction => ({
	min: 2,
	max: 2,
	run: ([a = null, b = null], fail) => isSo(order(a, b, fail)),
});
const ofText = (body: (text: string) => string): TemplateFunction => ({
	min: 1,
	max: 1,
	run: ([text = null], fail) => body(textOf(text, fail)),
});

export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>(
	Object.entries({
		and: { min: 1, max: MANY, endsAt: false, run: last },
		or: { min: 1, max: MANY, endsAt: true, run: last },
		not: { min: 1, max: 1, run: ([value = null]) => !isTrue(value) },
		eq: { min: 2, max: MANY, run: isAnyOf },
		ne: { min: 2, max: 2, run: (args, fail) => !isAnyOf(args, fail) },
		lt: compared((order) => order < 0),
		le: compared((order) => order <= 0),
		gt: compared((order) => order > 0),
		ge: compared((order) => order >= 0),
		len: { min: 1, max: 1, run: ([value = null], fail) => BigInt(lengthOf(value, fail)) },
		index: {
			min: 1,
			max: MANY,
			run: ([value = null, ...keys], fail) => keys.reduce((found, key) => at(found, key, fail), value),
		},
		slice: { min: 1, max: 4, run: ([value = null, ...bounds], fail) => part(value, bounds, fail) },
		print: { min: 0, max: MANY, run: (args, _, tooLong) => sprint(args, tooLong) },
		println: { min: 0, max: MANY, run: (args, _, tooLong) => sprintln(args, tooLong) },
		printf: {
			min: 1,
			max: MANY,
			run: ([format = null, ...args], fail, tooLong) => sprintf(textOf(format, fail), args, tooLong),
		},
		json: { min: 1, max: 1, run: ([value = null]) => jsonOf(value) },
		join: {
			min: 2,
			max: 2,
			run: ([list = null, between = null], fail, tooLong) => joined(listOf(list, fail), textOf(between, fail), tooLong),
		},
		split: { min: 2, max: 2, run: ([text = null, at = null], fail) => textOf(text, fail).split(textOf(at, fail)) },
		lower: ofText((text) => text.toLowerCase()),
		upper: ofText((text) => text.toUpperCase()),
		title: ofText((text) => text.replace(/(^|[\p{ASCII}--[A-Za-z0-9_]]|\s)(\p{L})/gv, (found) => found.toUpperCase())),
		pad: {
			min: 3,
			max: 3,
			run: ([text = null, before = null, behind = null], fail) => padded(text, before, behind, fail),
		},
		truncate: {
			min: 2,
			max: 2,
			run: ([text = null, length = null], fail) => bytesOf(textOf(text, fail), 0, wholeOf(length, fail)),
		},
	} satisfies Record<string, TemplateFunction>),
);

function textOf(value: Value, fail: Fail): string {
	return typeof value === "string" ? value : fail(`it takes a string, and was given ${kindOf(value)}`);
}

/** Not below 0, and not above what a list may have. */
function wholeOf(value: Value, fail: Fail): number {
	if (typeof value !== "bigint") return fail(`it takes a whole number, and was given ${kindOf(value)}`);
	return value < 0n || value > 0x7f_ff_ff_ffn ? fail(`${value} is out of range`) : Number(value);
}

/** Of a string, its bytes. */
function lengthOf(value: Value, fail: Fail): number {
	if (typeof value === "string") return Buffer.byteLength(value);
	if (isList(value)) return value.length;
	return value instanceof Fields ? value.entries.size : fail(`${kindOf(value)} has no length`);
}

function at(value: Value, key: Value, fail: Fail): Value {
	if (value instanceof Fields) return entry(value, textOf(key, fail), fail);
	if (typeof value !== "string" && !isList(value)) return fail(`nothing is within ${kindOf(value)}`);
	const index = wholeOf(key, fail);
	const found = typeof value === "string" ? Buffer.from(value)[index] : value[index];
	if (found === undefined) return fail(`there is no ${index}: it has ${lengthOf(value, fail)}, from 0`);
	return typeof value === "string" ? BigInt(Number(found)) : found;
}

/** A map's key that is missing has the zero of its values: of strings the empty one. */
function entry({ entries, isMap }: Fields, key: string, fail: Fail): Value {
	const found = entries.get(key);
	if (found !== undefined) return found;
	if (!isMap) return fail(`there is no ${JSON.stringify(key)}`);
	return [...entries.values()].every((value) => typeof value === "string") ? "" : null;
}

function part(value: Value, bounds: readonly Value[], fail: Fail): Value {
	if (typeof value !== "string" && !isList(value)) return fail(`${kindOf(value)} has no parts`);
	if (typeof value === "string" && bounds.length > 2) return fail("a string has two bounds");
	const length = lengthOf(value, fail);
	const [from = 0, to = length, capacity = length] = bounds.map((bound) => wholeOf(bound, fail));
	if (from > to || to > capacity || capacity > length)
		return fail(`there is no part from ${from} to ${to}: it has ${length}, from 0`);
	return typeof value === "string" ? bytesOf(value, from, to) : value.slice(from, to);
}

function bytesOf(text: string, from: number, to: number): string {
	return Buffer.from(text).subarray(from, to).toString();
}

function listOf(value: Value, fail: Fail): readonly Value[] {
	return isList(value) ? value : fail(`it takes a list, and was given ${kindOf(value)}`);
}

const MAX_PAD = 1_000_000;

function padded(value: Value, before: Value, behind: Value, fail: Fail): string {
	const [text, left, right] = [textOf(value, fail), wholeOf(before, fail), wholeOf(behind, fail)];
	if (left > MAX_PAD || right > MAX_PAD) return fail(`it takes at most ${MAX_PAD} blanks`);
	return text === "" ? "" : " ".repeat(left) + text + " ".repeat(right);
}
