/**
 * Lists in pages: what a request asks for, and what an answer has.
 *
 * A token is opaque. It names the item that the page before ended with, so a list may change between two pages.
 */
import type { Fault } from "#lib/fault/fault.ts";

const DEFAULT_SIZE = 100;
const LARGEST_SIZE = 1_000;

export interface PageRequest<Cursor = number> {
	/** Only what comes behind this; 0 or empty: from the beginning. */
	readonly after: Cursor;
	readonly limit: number;
}

export interface Page<T, Cursor = number> {
	readonly items: readonly T[];
	/** Where the next page begins: behind this. Undefined: that was all. */
	readonly next: Cursor | undefined;
}

interface Asked {
	readonly pageSize: number;
	readonly pageToken: string;
}

/** A service's INVALID_PAGE_TOKEN. */
type Refusal = (metadata: Record<string, never>, details: { readonly field: string }) => Fault;

/** Of a list that is ordered by the numbers of its rows. */
export function parsePage(asked: Asked, refusal: Refusal): PageRequest {
	return { after: Number(cursorOf(asked, /^[1-9][0-9]{0,14}$/, refusal)), limit: limitOf(asked) };
}

/** Of a list that is ordered by names. */
export function parsePageByName(asked: Asked, refusal: Refusal): PageRequest<string> {
	return { after: cursorOf(asked, /^[^]+$/, refusal), limit: limitOf(asked) };
}

/** `found` is up to one more than the page may have, so that the last page is known to be the last. */
export function pageOf<T, Cursor>(found: readonly T[], limit: number, cursor: (item: T) => Cursor): Page<T, Cursor> {
	const items = found.slice(0, limit);
	const last = found.length > limit ? items.at(-1) : undefined;
	return { items, next: last && cursor(last) };
}

export function pageToken(next: number | string | undefined): string {
	return next === undefined ? "" : Buffer.from(`after ${next}`).toString("base64url");
}

function limitOf({ pageSize }: Asked): number {
	return pageSize === 0 ? DEFAULT_SIZE : Math.min(pageSize, LARGEST_SIZE);
}

function cursorOf({ pageToken: token }: Asked, pattern: RegExp, refusal: Refusal): string {
	if (token === "") return "";
	const text = Buffer.from(token, "base64url").toString();
	const cursor = text.slice("after ".length);
	if (pageToken(cursor) !== token || !pattern.test(cursor)) throw refusal({}, { field: "page_token" });
	return cursor;
}
