/** What may go into a statement, and a statement that waits for its transaction. */

/** Booleans, undefined and dates have no meaning in SQLite: whoever stores them says how. */
export type SqlValue = null | number | bigint | string | Uint8Array;

export interface Statement {
	/** One SQL statement. Its text is what prepared statements are cached by: values go into `params`. */
	readonly sql: string;
	readonly params?: readonly SqlValue[];
	/** The transaction is refused with a `ChangesError` unless exactly this many rows changed. */
	readonly changes?: number;
}
