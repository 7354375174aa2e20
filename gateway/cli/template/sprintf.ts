/** Go's fmt.Sprintf, Sprint and Sprintln over the values of templates. */
import { joinedText, MAX_TEXT, type TooLong } from "./bounded-text.ts";
import { Fields, isList, type Value } from "./value.ts";
import type { Verb } from "./verb.ts";
import { formatted, plain, typeOf } from "./verbs.ts";

const DIRECTIVE = /%([-+# 0]*)(\d*)(?:(\.)(\d*))?([^])?/gu;
/** Go's own. */
const MAX_WIDTH = 1_000_000;

export function sprintf(format: string, args: readonly Value[], tooLong: TooLong): string {
	return joinedText(parts(format, args, tooLong), "", tooLong);
}

function* parts(format: string, args: readonly Value[], tooLong: TooLong): Iterable<string> {
	let used = 0;
	let from = 0;
	for (const found of format.matchAll(DIRECTIVE)) {
		yield format.slice(from, found.index);
		from = found.index + found[0].length;
		const letter = found[5];
		if (letter === undefined) yield "%!(NOVERB)";
		else if (letter === "%") yield "%";
		else yield directive(found, letter, args.slice(used, ++used), tooLong);
	}
	yield format.slice(from);
	if (used < args.length) yield `%!(EXTRA ${joinedText(each(args.slice(used), typed), ", ", tooLong)})`;
}

/** Of one argument, or of none, which is missing. */
function directive(found: RegExpMatchArray, letter: string, [value]: readonly Value[], tooLong: TooLong): string {
	const [, flags = "", width = "", point, precision = ""] = found;
	const [columns, places] = [Number(width), Number(precision)];
	const complaint = (columns > MAX_WIDTH ? "%!(BADWIDTH)" : "") + (places > MAX_WIDTH ? "%!(BADPREC)" : "");
	if (value === undefined) return `${complaint}%!${letter}(MISSING)`;
	const verb: Verb = {
		letter,
		flags,
		width: columns > MAX_WIDTH ? 0 : columns,
		precision: point === undefined || places > MAX_WIDTH ? undefined : places,
	};
	// Each value within gets the width.
	if (Math.max(verb.width, verb.precision ?? 0) * valuesIn(value) > MAX_TEXT) return tooLong();
	return complaint + formatted(value, verb);
}

function valuesIn(value: Value): number {
	const within = value instanceof Fields ? [...value.entries].flat() : isList(value) ? value : [];
	return within.reduce<number>((sum, one) => sum + valuesIn(one), 1);
}

function typed(value: Value): string {
	return value === null ? "<nil>" : `${typeOf(value)}=${plain(value)}`;
}

/** A blank between two of which neither is a string. */
export function sprint(args: readonly Value[], tooLong: TooLong): string {
	function* parts(): Iterable<string> {
		for (const [index, value] of args.entries()) {
			const isApart = index > 0 && typeof value !== "string" && typeof args[index - 1] !== "string";
			yield (isApart ? " " : "") + plain(value);
		}
	}
	return joinedText(parts(), "", tooLong);
}

/** A blank between any two. */
export function sprintln(args: readonly Value[], tooLong: TooLong): string {
	return `${joined(args, " ", tooLong)}\n`;
}

export function joined(values: readonly Value[], between: string, tooLong: TooLong): string {
	return joinedText(each(values, plain), between, tooLong);
}

/** One after the other, as they are wanted. */
function* each(values: readonly Value[], text: (value: Value) => string): Iterable<string> {
	for (const value of values) yield text(value);
}
