import { describe, expect, test } from "vitest";
import {
	inMountOrder,
	type MountSpec,
	parseDestination,
	parseSubpath,
	refuseDuplicates,
	resolve,
} from "./attachment.ts";
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

describe("what a runtime is told", () => {
	const name = parseVolumeName("data");
	const volume = {
		kind: "volume",
		name,
		copy: true,
		driver: "",
		options: new Map(),
		labels: new Map(),
		subpath: "",
	} as const;
	const origin = { path: "/v/data", volume: "data", driver: "local" };
	const bind = { kind: "bind", path: "/h", create: false, propagation: "rslave", recursion: "enabled" } as const;
	const ofHost = { path: "/h", volume: "", driver: "" };

	test("of a volume", () => {
		expect(resolve({ ...plain, destination: "/x", readOnly: true, mode: "ro", source: volume }, origin, "/p")).toEqual({
			destination: "/x",
			source: "/v/data",
			type: "bind",
			options: ["rbind", "ro", "rro", "rprivate"],
			volume: "data",
			readOnly: true,
			driver: "local",
			mode: "ro",
			origin: "/v/data",
			view: undefined,
			create: false,
			relabel: undefined,
		});
	});

	test("of a part of a volume, and of mapped owners: a place that is made", () => {
		const part = { ...plain, destination: "/x", source: { ...volume, subpath: "in" } };
		expect(resolve(part, origin, "/p")).toMatchObject({ source: "/p", origin: "/v/data", view: { subpath: "in" } });
		const owners = { uids: [{ onDisk: 0, seen: 1000, count: 1 }], gids: [] };
		expect(resolve({ ...plain, destination: "/x", source: bind, owners }, ofHost, "/p")).toMatchObject({
			source: "/p",
			origin: "/h",
			view: { owners, propagation: "rslave" },
		});
	});

	test.each([
		["enabled", true, ["rbind", "ro", "rro", "rslave"]],
		["enabled", false, ["rbind", "rw", "rslave"]],
		["writable", true, ["rbind", "ro", "rslave"]],
		["readonly", true, ["rbind", "ro", "rro", "rslave"]],
		["disabled", true, ["bind", "ro", "rslave"]],
	] as const)("of a bind whose mounts below are %s, read-only %s", (recursion, readOnly, options) => {
		const spec = { ...plain, destination: "/x", readOnly, source: { ...bind, recursion } };
		expect(resolve(spec, ofHost, "/p").options).toEqual(options);
	});

	test("of memory, whose defaults can be undone", () => {
		const memory = { kind: "tmpfs", sizeBytes: 65_536n, mode: 0o755, options: [] as string[] } as const;
		const of = (options: readonly string[]) =>
			resolve(
				{ ...plain, destination: "/x", readOnly: true, source: { ...memory, options } },
				{ path: "", volume: "", driver: "" },
				"",
			);
		expect(of([])).toMatchObject({
			type: "tmpfs",
			options: ["noexec", "nosuid", "nodev", "mode=755", "size=65536", "ro", "rprivate"],
		});
		expect(of(["exec", "nr_inodes=1k"]).options).toEqual([
			"nosuid",
			"nodev",
			"mode=755",
			"size=65536",
			"nr_inodes=1k",
			"ro",
			"rprivate",
		]);
	});
});
