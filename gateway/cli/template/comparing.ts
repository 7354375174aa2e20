/** Go's eq, ne, lt, le, gt and ge: of one kind only, where whole numbers and fractions are two. */
import type { Fail } from "./functions.ts";
import { compareText, Fields, isList, kindOf, NIL_LIST, type Value } from "./value.ts";

/** Like any of the others. */
export function isAnyOf([first = null, ...others]: readonly Value[], fail: Fail): boolean {
	return others.some((other) => isEqual(first, other, fail));
}

function isEqual(a: Value, b: Value, fail: Fail): boolean {
	if (a === null || b === null) return isNil(a) && isNil(b);
	for (const one of [a, b]) {
		if (one instanceof Fields || isList(one)) return fail(`${kindOf(one)} cannot be compared`);
	}
	if (typeof a !== typeof b) return fail(`${kindOf(a)} cannot be compared with ${kindOf(b)}`);
	return a === b;
}

function isNil(value: Value): boolean {
	return value === null || value === NIL_LIST || (value instanceof Fields && value.isNil);
}

/** Less than 0 when `a` is before `b`. */
export function order(a: Value, b: Value, fail: Fail): number {
	if (typeof a === "string" && typeof b === "string") return compareText(a, b);
	const areNumbers = (typeof a === "bigint" || typeof a === "number") && typeof a === typeof b;
	if (!areNumbers) return fail(`${kindOf(a)} is neither before nor behind ${kindOf(b)}`);
	// Of one kind, which is not null.
	return (a as bigint) < (b as bigint) ? -1 : a === b ? 0 : 1;
}
