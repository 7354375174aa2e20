/** Filters of a list, each present or not, as one WHERE. */
import type { SqlValue } from "#lib/store/store.ts";

/** SQL with one question mark, and its value. */
export type Condition = readonly [sql: string, value: SqlValue];

export function whereOf(conditions: readonly Condition[]): { readonly where: string; readonly params: SqlValue[] } {
	return {
		where: conditions.map(([sql]) => sql).join(" AND "),
		params: conditions.map(([, value]) => value),
	};
}
