/** Pages of a list, oldest first: a token names the last row that was given. */
import { faults } from "./faults.ts";

export interface PageRequest {
	readonly after: number;
	readonly limit: number;
}

export interface Page<T> {
	readonly items: readonly T[];
	/** Empty: that was all. */
	readonly nextToken: string;
}

const DEFAULT_SIZE = 100;
const MAX_SIZE = 1_000;
const TOKEN = /^p([1-9][0-9]{0,15})$/;

export function parsePage(size: number, token: string): PageRequest {
	const limit = size === 0 ? DEFAULT_SIZE : Math.min(size, MAX_SIZE);
	if (token === "") return { after: 0, limit };
	const seq = TOKEN.exec(Buffer.from(token, "base64url").toString("latin1"))?.[1];
	if (seq === undefined) throw faults.INVALID_PAGE_TOKEN({}, { field: "page_token" });
	return { after: Number(seq), limit };
}

/** `rows` are up to `limit + 1`, so that the last page knows it is the last. */
export function pageOf<T extends { readonly seq: number }>(rows: readonly T[], { limit }: PageRequest): Page<T> {
	const items = rows.slice(0, limit);
	const last = items.at(-1);
	const more = rows.length > limit && last !== undefined;
	return { items, nextToken: more ? Buffer.from(`p${last.seq}`, "latin1").toString("base64url") : "" };
}
