import { describe, expect, test } from "vitest";
import { inMountOrder, type MountSpec, parseDestination, resolve } from "./attachment.ts";
import { parseVolumeName } from "./volume.ts";

const tmpfs = (destination: string): MountSpec => ({
	destination,
	readOnly: false,
	source: { kind: "tmpfs", sizeBytes: 0n, mode: 0o1777 },
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
		expect(() => inMountOrder([tmpfs("/a"), tmpfs("/a")])).toThrow(
			expect.objectContaining({ reason: "DUPLICATE_DESTINATION", field: "mounts" }),
		);
	});
});

test("what a runtime is told", () => {
	const name = parseVolumeName("data");
	expect(
		resolve({ destination: "/x", readOnly: true, source: { kind: "volume", name, copy: true } }, "/v/data", name),
	).toEqual({
		destination: "/x",
		source: "/v/data",
		type: "bind",
		options: ["rbind", "ro", "rro", "rprivate"],
		volume: "data",
		readOnly: true,
	});
	const bind = { kind: "bind", path: "/h", create: false, propagation: "rslave" } as const;
	expect(resolve({ destination: "/x", readOnly: false, source: bind }, "/h", "").options).toEqual([
		"rbind",
		"rw",
		"rslave",
	]);
	const memory = { kind: "tmpfs", sizeBytes: 65_536n, mode: 0o755 } as const;
	expect(resolve({ destination: "/x", readOnly: true, source: memory }, "tmpfs", "")).toMatchObject({
		type: "tmpfs",
		options: ["noexec", "nosuid", "nodev", "mode=755", "size=65536", "ro", "rprivate"],
	});
});
