import { describe, expect, test } from "vitest";
import { catalogue } from "#lib/fault/catalogue.ts";
import { pageOf, pageToken, parsePage, parsePageByName } from "./page.ts";

const { INVALID_PAGE_TOKEN } = catalogue("test", {
	INVALID_PAGE_TOKEN: { code: "INVALID_ARGUMENT", message: () => "The page token is not one of the test's." },
});
const rows = (pageSize: number, token = "") => parsePage({ pageSize, pageToken: token }, INVALID_PAGE_TOKEN);
const names = (token: string) => parsePageByName({ pageSize: 5, pageToken: token }, INVALID_PAGE_TOKEN);

describe("what is asked for", () => {
	test("0 is 100, and no page has more than 1000", () => {
		expect([0, 7, 1_000, 4_000_000_000].map((size) => rows(size).limit)).toEqual([100, 7, 1_000, 1_000]);
	});

	test("a token leads behind the item that it was made of", () => {
		expect([rows(1), rows(1, pageToken(12))]).toEqual([
			{ after: 0, limit: 1 },
			{ after: 12, limit: 1 },
		]);
		expect([names("").after, names(pageToken("größe 1")).after]).toEqual(["", "größe 1"]);
		expect(pageToken(undefined)).toBe("");
	});

	test.each(["x", "12", "YWZ0ZXIgLTE", "YWZ0ZXIgMDE", `${pageToken(12)}=`, pageToken("a")])(
		"%j is no token",
		(token) => {
			const refused = expect.objectContaining({ reason: "INVALID_PAGE_TOKEN", field: "page_token" });
			expect(() => rows(1, token)).toThrow(refused);
		},
	);

	test.each(["x", "12", Buffer.from("after ").toString("base64url"), "YWZ0ZXIg_w"])(
		"%j is no name's token",
		(token) => {
			expect(() => names(token)).toThrow(expect.objectContaining({ reason: "INVALID_PAGE_TOKEN" }));
		},
	);
});

test("a page ends with `next` only when something comes behind it", () => {
	const numbered = (row: number): number => row * 10;
	expect(pageOf([1, 2, 3], 2, numbered)).toEqual({ items: [1, 2], next: 20 });
	expect(pageOf([1, 2], 2, numbered)).toEqual({ items: [1, 2], next: undefined });
	expect(pageOf([], 2, numbered)).toEqual({ items: [], next: undefined });
});
