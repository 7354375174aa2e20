import { describe, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { BindSource, MountSpec, ResolvedMount, TmpfsSource, VolumeSource } from "#gen/wharf/volume/v1/volume.ts";
import { anonymousVolumesJson, askedMountsJson, mountJson } from "./mounts-json.ts";

const spec = (mount: Partial<MountSpec>) => ({ ...MountSpec.fromPartial({ destination: "/x" }), ...mount });
const asked = (...mounts: Partial<MountSpec>[]) => askedMountsJson({ mounts: mounts.map(spec), volumesFrom: [] });
const volume = (value: Partial<VolumeSource>) => ({
	source: { $case: "volume" as const, value: { ...VolumeSource.fromPartial({}), ...value } },
});
const bind = (value: Partial<BindSource>) => ({
	source: { $case: "bind" as const, value: { ...BindSource.fromPartial({ path: "/srv" }), ...value } },
});
const tmpfs = (value: Partial<TmpfsSource>) => ({
	source: { $case: "tmpfs" as const, value: { ...TmpfsSource.fromPartial({}), ...value } },
});

describe("what there is", () => {
	const of = (mount: object) => mountJson(ResolvedMount.fromPartial({ destination: "/x", type: "bind", ...mount }));

	test("a volume, by where it is and not by what is shown of it", () => {
		const options = ["rbind", "ro", "rro", "rprivate"];
		const mount = { source: "/views/1", origin: "/volumes/data/_data", volume: "data", driver: "sshfs" };
		expect(of({ ...mount, options, mode: "ro,z", readOnly: true })).toEqual({
			Type: "volume",
			Name: "data",
			Source: "/volumes/data/_data",
			Destination: "/x",
			Driver: "sshfs",
			Mode: "ro,z",
			RW: false,
			Propagation: "",
		});
	});

	test("a directory of the host", () => {
		expect(of({ source: "/srv", origin: "/srv", options: ["rbind", "rw", "rslave"] })).toEqual({
			Type: "bind",
			Source: "/srv",
			Destination: "/x",
			Mode: "",
			RW: true,
			Propagation: "rslave",
		});
	});

	test("memory", () => {
		expect(of({ source: "tmpfs", type: "tmpfs", options: ["noexec", "rprivate"], mode: "size=64m" })).toEqual({
			Type: "tmpfs",
			Source: "",
			Destination: "/x",
			Mode: "size=64m",
			RW: true,
			Propagation: "",
		});
	});
});

describe("what was asked for", () => {
	test("nothing", () => expect(asked()).toEqual({ Binds: null, VolumesFrom: null }));

	test.each([
		["data:/x", volume({ name: "data" })],
		[
			"data:/x:ro,z,nocopy",
			{ ...volume({ name: "data", noCopy: true }), readOnly: true, relabel: "RELABEL_SHARED" as const },
		],
		["data:/x:rw,Z", { ...volume({ name: "data" }), relabel: "RELABEL_PRIVATE" as const, mode: "rw,Z" }],
		["/srv:/x", bind({ create: true, propagation: "rprivate" })],
		["/srv:/x:ro,rslave", { ...bind({ create: true, propagation: "rslave" }), readOnly: true }],
	])("-v can say %s", (text, mount) => expect(asked(mount)).toEqual({ Binds: [text], VolumesFrom: null }));

	test.each([
		[volume({ name: "data", subpath: "a/b" }), { Type: "volume", Source: "data", VolumeOptions: { Subpath: "a/b" } }],
		[
			volume({ name: "data", driver: "sshfs", options: { device: "h:/" }, labels: { a: "1" }, noCopy: true }),
			{
				Type: "volume",
				Source: "data",
				VolumeOptions: {
					NoCopy: true,
					Labels: { a: "1" },
					DriverConfig: { Name: "sshfs", Options: { device: "h:/" } },
				},
			},
		],
		[bind({ propagation: "rprivate" }), { Type: "bind", Source: "/srv", BindOptions: { Propagation: "rprivate" } }],
		[
			bind({ create: true, recursion: "BIND_RECURSION_DISABLED" }),
			{ Type: "bind", Source: "/srv", BindOptions: { NonRecursive: true, CreateMountpoint: true } },
		],
		[
			bind({ recursion: "BIND_RECURSION_WRITABLE" }),
			{ Type: "bind", Source: "/srv", BindOptions: { ReadOnlyNonRecursive: true } },
		],
		[
			bind({ recursion: "BIND_RECURSION_READONLY" }),
			{ Type: "bind", Source: "/srv", BindOptions: { ReadOnlyForceRecursive: true } },
		],
		[tmpfs({ sizeBytes: 65_536n, mode: 0o700 }), { Type: "tmpfs", TmpfsOptions: { SizeBytes: 65_536, Mode: 0o700 } }],
	])("only --mount can say the rest (%#)", (mount, json) => {
		expect(asked(mount)).toEqual({ Binds: null, VolumesFrom: null, Mounts: [{ Target: "/x", ...json }] });
	});

	test("it is read-only", () => {
		expect(asked({ ...volume({ name: "data", subpath: "a" }), readOnly: true })).toMatchObject({
			Mounts: [{ ReadOnly: true }],
		});
	});

	test("--tmpfs", () => {
		expect(asked(tmpfs({ mode: 0o1777 }))).toMatchObject({ Tmpfs: { "/x": "" } });
		expect(asked({ ...tmpfs({ sizeBytes: 1n }), mode: "ro,size=1" })).toMatchObject({ Tmpfs: { "/x": "ro,size=1" } });
	});

	test("--volumes-from", () => {
		const volumesFrom = [{ container: "a" }, { container: "b", readOnly: true }];
		expect(askedMountsJson(ContainerSpec.fromPartial({ volumesFrom }))).toEqual({
			Binds: null,
			VolumesFrom: ["a", "b:ro"],
		});
	});

	test("volumes without a name are the configuration's", () => {
		const mounts = [volume({ name: "" }), { ...volume({ name: "data" }), destination: "/y" }].map(spec);
		expect(anonymousVolumesJson(mounts)).toEqual({ "/x": {} });
		expect(anonymousVolumesJson(mounts.slice(1))).toBeNull();
		expect(asked(volume({ name: "" }))).toEqual({ Binds: null, VolumesFrom: null });
		expect(asked({ ...volume({ name: "" }), readOnly: true })).toMatchObject({
			Mounts: [{ Source: "", ReadOnly: true }],
		});
	});
});
