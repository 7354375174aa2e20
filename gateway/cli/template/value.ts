/**
 * The values of templates: JSON's, with whole numbers (bigint) apart from fractions, and Go's maps apart from its structs.
 *
 * Of a map a key that is missing is nil, of a struct it is a mistake; a map without keys is false, a struct never is.
 */

export type Value = null | boolean | bigint | number | string | readonly Value[] | Fields;

/** What a name is beside the entries, as Go's methods are; undefined where it is nothing. */
type Method = (name: string, args: readonly Value[]) => Value | undefined;

interface FieldsOptions {
	readonly isMap?: boolean;
	/** Printed as an empty one, and in JSON as null. */
	readonly isNil?: boolean;
	readonly method?: Method;
}

/** A map, or a struct. */
export class Fields {
	readonly entries: ReadonlyMap<string, Value>;
	readonly isMap: boolean;
	readonly isNil: boolean;
	readonly method: Method;

	constructor(entries: Iterable<readonly [string, Value]>, options: FieldsOptions = {}) {
		this.entries = new Map(entries);
		this.isMap = options.isMap ?? false;
		this.isNil = options.isNil ?? false;
		this.method = options.method ?? (() => undefined);
	}

	/** In the order in which Go prints them and ranges over them: by bytes. */
	sorted(): (readonly [string, Value])[] {
		return [...this.entries].sort(([a], [b]) => compareText(a, b));
	}
}

/** Printed as an empty list, and in JSON as null. */
export const NIL_LIST: readonly Value[] = Object.freeze([]);

export function compareText(a: string, b: string): number {
	return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function isList(value: Value): value is readonly Value[] {
	return Array.isArray(value);
}

/** Go's truth: not zero, not empty, not nil. */
export function isTrue(value: Value): boolean {
	if (value instanceof Fields) return !value.isMap || value.entries.size > 0;
	if (isList(value)) return value.length > 0;
	return value !== null && value !== false && value !== "" && value !== 0n && value !== 0;
}

/** For sentences. */
export function kindOf(value: Value): string {
	if (value === null) return "nil";
	if (value instanceof Fields) return "a map";
	if (isList(value)) return "a list";
	if (typeof value === "bigint") return "a whole number";
	return typeof value === "number" ? "a fraction" : `a ${typeof value}`;
}
