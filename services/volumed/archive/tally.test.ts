import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { HOSTILE, type Member, tarOf } from "../test-support/archive.ts";
import { type Foot, manifestEntry } from "./manifest.ts";
import { EntryPolicy } from "./policy.ts";
import { Tally } from "./tally.ts";

/** Reads an archive in pieces of `size` bytes. */
function read(archive: Buffer, { size = archive.length || 1, strip = 0 } = {}) {
	const tally = new Tally({ policy: new EntryPolicy(strip), onRefusal: "refuse" });
	const out: Buffer[] = [];
	for (let at = 0; at < archive.length; at += size) {
		for (const piece of tally.push(archive.subarray(at, at + size))) out.push(Buffer.from(piece));
	}
	tally.end();
	const lines = Buffer.concat(tally.lines()).toString().trim().split("\n");
	return { tally, passed: Buffer.concat(out), records: lines.map((line) => (line === "" ? {} : JSON.parse(line))) };
}

const MEMBERS: readonly Member[] = [
	{ name: "./", type: "5", mode: 0o1777 },
	{ name: "./text", content: "x".repeat(1300), mode: 0o4755 },
	{ name: "./empty", content: "" },
	{ name: "a", pax: { path: "./long/päth", mtime: "-1.5", uid: "3000000" }, content: "y" },
	{ name: "./link", type: "2", link: "/etc" },
	{ name: "./hard", type: "1", link: "./text" },
	{ name: "./fifo", type: "6" },
	{ name: "./whiteout", type: "3" },
	{ name: "././@LongLink", type: "L", content: `${"n".repeat(200)}\0` },
	{ name: "short", content: "z" },
];

describe("an archive that streams by", () => {
	const archive = tarOf(MEMBERS);

	test.each([1, 7, 511, 512, 513, 4096, 1 << 20])("is the same in pieces of %d bytes", (size) => {
		const { tally, passed, records } = read(archive, { size });
		expect(passed.equals(archive.subarray(0, -1024))).toBe(true);
		expect(records).toEqual(read(archive).records);
		expect(tally.foot().sha256).toBe(createHash("sha256").update(passed).digest("hex"));
	});

	test("every entry is what its headers say together", () => {
		const { records } = read(archive);
		expect(records).toHaveLength(9);
		expect(records[0]).toMatchObject({ path: "./", type: "directory", mode: "1777" });
		expect(records[1]).toMatchObject({
			mode: "4755",
			size: 1300,
			sha256: createHash("sha256").update("x".repeat(1300)).digest("hex"),
		});
		expect(records[3]).toMatchObject({ path: "./long/päth", mtime: "-1.500000000", uid: 3_000_000 });
		expect(records[4]).toMatchObject({ type: "symlink", link: "/etc" });
		expect(records[8]).toMatchObject({ path: "n".repeat(200), size: 1 });
	});
});

describe("hostile archives", () => {
	test.each(HOSTILE)("$what is refused, in one piece and in many", ({ archive, reason }) => {
		for (const size of [archive.length || 1, 100]) {
			expect(() => read(archive, { size })).toThrow(expect.objectContaining({ reason }));
		}
	});

	test("nothing of a refused entry has come out", () => {
		const archive = tarOf([
			{ name: "good", content: "1" },
			{ name: "../bad", content: "secret" },
		]);
		const tally = new Tally({ policy: new EntryPolicy(), onRefusal: "refuse" });
		const out: Buffer[] = [];
		expect(() => {
			for (let at = 0; at < archive.length; at += 64) out.push(...tally.push(archive.subarray(at, at + 64)));
		}).toThrow("its name has `..`");
		expect(Buffer.concat(out).toString()).not.toContain("bad");
	});

	test("dropped parts are judged as they come to lie", () => {
		const archive = tarOf([
			{ name: "a/link", type: "2", link: "/etc" },
			{ name: "b/link/x", content: "1" },
		]);
		expect(() => read(archive)).not.toThrow();
		expect(() => read(archive, { strip: 1 })).toThrow(expect.objectContaining({ reason: "ENTRY_REFUSED" }));
	});

	test("links inside and outwards that nothing goes through are kept", () => {
		const members = [
			{ name: "d/", type: "5" },
			{ name: "d/out", type: "2", link: "../../../etc" },
			{ name: "d/outside", content: "1" },
		];
		expect(read(tarOf(members)).records).toHaveLength(3);
	});
});

describe("the manifest", () => {
	const plain = read(tarOf(MEMBERS));
	const foot: Foot = { ...plain.tally.foot(), sockets: ["./s"], warnings: [] };
	const lines = plain.tally.lines();
	const whole = Buffer.concat([tarOf(MEMBERS, Buffer.alloc(0)), ...manifestEntry("data", new Date(0), lines, foot)]);

	test("is found at the end, taken out, and says what was read", () => {
		for (const size of [whole.length, 333]) {
			const { tally, passed } = read(whole, { size });
			expect(passed.equals(tarOf(MEMBERS, Buffer.alloc(0)))).toBe(true);
			expect(tally.manifest?.foot).toMatchObject({ ...tally.foot(), sockets: ["./s"] });
			expect(Buffer.concat(tally.lines()).equals(tally.manifest?.lines ?? Buffer.alloc(0))).toBe(true);
		}
	});

	test("the whole is made of whole records", () => {
		expect(whole.length % 10_240).toBe(0);
	});

	test("a volume's own file of that name is a file like others", () => {
		const archive = tarOf([{ name: ".wharf/manifest.jsonl", content: "mine" }]);
		expect(read(archive).tally.manifest).toBeUndefined();
	});
});
