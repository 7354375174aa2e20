import { describe, expect, test } from "vitest";
import { resolve } from "./resolve.ts";
import { parseVolumeName } from "./volume.ts";

const plain = { readOnly: false, relabel: undefined, owners: undefined, mode: "" } as const;

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
