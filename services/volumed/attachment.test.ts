import { describe, expect, test } from "vitest";
import { inMountOrder, type MountSpec, parseDestination, parseSubpath, refuseDuplicates } from "./attachment.ts";
import { parseVolumeName } from "./volume.ts";

const plain = { readOnly: false, relabel: undefined, owners: undefined, mode: "" } as const;
const tmpfs = (destination: string): MountSpec => ({
	...plain,
	destination,
	source: { kind: "tmpfs", sizeBytes: 0n, mode: 0o1777, options: [] },
});

describe("names of volumes", () => {
	test.each(["ab", "0a", "a.b-c_d", "A1", "a".repeat(128), "0".repeat(64)])("%s", (name) => {
		expect(parseVolumeName(name)).toBe(name);
	});
	test.each(["", "a", ".a", "-a", "_a", "a/b", "a b", "..", "a\0b", "ä1", "a".repeat(129), "/abs"])(
		"not %j",
		(name) => {
			expect(() => parseVolumeName(name)).toThrow(expect.objectContaining({ reason: "INVALID_NAME" }));
		},
	);
});

describe("destinations", () => {
	test.each([
		["/a", "/a"],
		["/a/", "/a"],
		["//a//b/./c", "/a/b/c"],
	])("%s is %s", (text, parsed) => {
		expect(parseDestination(text)).toBe(parsed);
	});
	test.each(["", "a", "./a", "/", "//", "/.", "/a/..", "/../a", "/a\0b", `/${"x".repeat(5000)}`])("not %j", (text) => {
		expect(() => parseDestination(text)).toThrow(expect.objectContaining({ reason: "INVALID_DESTINATION" }));
	});

	test("outer ones come before inner ones, and none twice", () => {
		const order = inMountOrder(["/a/b/c", "/z", "/a/b", "/a"].map(tmpfs)).map(({ destination }) => destination);
		expect(order).toEqual(["/a", "/z", "/a/b", "/a/b/c"]);
		expect(() => refuseDuplicates([tmpfs("/a"), tmpfs("/a")])).toThrow(
			expect.objectContaining({ reason: "DUPLICATE_DESTINATION", field: "mounts" }),
		);
	});
});

describe("subpaths", () => {
	test.each([
		["", ""],
		["a", "a"],
		["a/./b//", "a/b"],
		[".", ""],
	])("%j is %j", (text, parsed) => {
		expect(parseSubpath(text)).toBe(parsed);
	});
	test.each(["/a", "..", "a/../b", "a/..", "a\0b", "x".repeat(5000)])("not %j", (text) => {
		expect(() => parseSubpath(text)).toThrow(expect.objectContaining({ reason: "INVALID_OPTION" }));
	});
});
