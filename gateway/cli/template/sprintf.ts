/** Go's fmt.Sprintf, Sprint and Sprintln over the values of templates. */
import type { Value } from "./value.ts";
import { formatted, plain, typeOf } from "./verbs.ts";

const DIRECTIVE = /%([-+# 0]*)(\d*)(?:(\.)(\d*))?([^])?/gu;
/** Go's own. */
const MAX_WIDTH = 1_000_000;

export function sprintf(format: string, args: readonly Value[]): string {
	let used = 0;
	const text = format.replace(DIRECTIVE, (...found: (string | undefined)[]) => {
		const [, flags = "", width = "", point, precision = "", letter] = found;
		if (letter === undefined) return "%!(NOVERB)";
		if (letter === "%") return "%";
		const [columns, places] = [Number(width), Number(precision)];
		const complaint = (columns > MAX_WIDTH ? "%!(BADWIDTH)" : "") + (places > MAX_WIDTH ? "%!(BADPREC)" : "");
		if (used >= args.length) return `${complaint}%!${letter}(MISSING)`;
		const value = args[used++] ?? null;
		const verb = {
			letter,
			flags,
			width: columns > MAX_WIDTH ? 0 : columns,
			precision: point === undefined || places > MAX_WIDTH ? undefined : places,
		};
		return complaint + formatted(value, verb);
	});
	const extra = args.slice(used).map((value) => (value === null ? "<nil>" : `${typeOf(value)}=${plain(value)}`));
	return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

/** A blank between two of which neither is a string. */
export function sprint(args: readonly Value[]): string {
	return args
		.map((value, index) => {
			const before = args[index - 1];
			const isApart = index > 0 && typeof value !== "string" && typeof before !== "string";
			return (isApart ? " " : "") + plain(value);
		})
		.join("");
}
