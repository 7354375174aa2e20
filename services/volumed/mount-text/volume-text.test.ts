import { describe, expect, test } from "vitest";
import { parseVolumeText } from "./volume-text.ts";

const HERE = { workingDirectory: "/home/me", volumeDriver: "" };
const COMMON = { readOnly: false, relabel: undefined, owners: undefined, mode: "" };
const VOLUME = { kind: "volume", copy: true, driver: "", options: new Map(), labels: new Map(), subpath: "" };

const bind = (path: string, destination: string, propagation = "rprivate") => ({
	...COMMON,
	destination,
	source: { kind: "bind", path, create: true, propagation, recursion: "enabled" },
});
const volume = (name: string | undefined, destination: string) => ({
	...COMMON,
	destination,
	source: { ...VOLUME, name },
});
const A = bind("/hostPath", "/containerPath");
const as = (mode: string, propagation: string, more: object = {}) => ({
	...bind("/hostPath", "/containerPath", propagation),
	mode,
	...more,
});
const [ro, z, Z] = [{ readOnly: true }, { relabel: "shared" }, { relabel: "private" }];

describe("-v that is taken", () => {
	test.each([
		["/home", volume(undefined, "/home")],
		["/path/foo", volume(undefined, "/path/foo")],
		["/a", volume(undefined, "/a")],
		["/with space", volume(undefined, "/with space")],
		["/home:/home", bind("/home", "/home")],
		["/home:/something/else", bind("/home", "/something/else")],
		["/home:/with space", bind("/home", "/with space")],
		["/tmp/x/y:/foo/x/y", bind("/tmp/x/y", "/foo/x/y")],
		["/:/host", bind("/", "/host")],
		["/path:/path,ro", bind("/path", "/path,ro")],
		["/srv//a/../b/:/srv/", bind("/srv/b", "/srv")],
		["relative:/absolute-path", volume("relative", "/absolute-path")],
		["0123456789name:/d", volume("0123456789name", "/d")],
		["MiXeDcAsEnAmE:/d", volume("MiXeDcAsEnAmE", "/d")],
		["hostPath:/containerPath:ro", { ...volume("hostPath", "/containerPath"), ...ro, mode: "ro" }],
		[
			"name:/target:nocopy",
			{ ...volume("name", "/target"), source: { ...VOLUME, name: "name", copy: false }, mode: "nocopy" },
		],
		["name:/x:rw", { ...volume("name", "/x"), mode: "rw" }],
		["name:/x:z,cached", { ...volume("name", "/x"), ...z, mode: "z,cached" }],
		["/hostPath:/containerPath:rw", { ...A, mode: "rw" }],
		["/rw:/ro", bind("/rw", "/ro")],
		["./foo:/target", bind("/home/me/foo", "/target")],
		["../other:/target", bind("/home/other", "/target")],
		[".:/target", bind("/home/me", "/target")],
		["..:/target", bind("/home", "/target")],
		[".hidden:/target", bind("/home/me/.hidden", "/target")],
		["./foo:/target:ro", { ...bind("/home/me/foo", "/target"), ...ro, mode: "ro" }],
		["./foo:/target:rw", { ...bind("/home/me/foo", "/target"), mode: "rw" }],
		["/a:/b:consistent", { ...bind("/a", "/b"), mode: "consistent" }],
		["/a:/b:delegated", { ...bind("/a", "/b"), mode: "delegated" }],
		["/hostPath:/containerPath:shared", as("shared", "shared")],
		["/hostPath:/containerPath:rshared", as("rshared", "rshared")],
		["/hostPath:/containerPath:slave", as("slave", "slave")],
		["/hostPath:/containerPath:rslave", as("rslave", "rslave")],
		["/hostPath:/containerPath:private", as("private", "private")],
		["/hostPath:/containerPath:rprivate", as("rprivate", "rprivate")],
		["/hostPath:/containerPath:ro,shared", as("ro,shared", "shared", ro)],
		["/hostPath:/containerPath:ro,slave", as("ro,slave", "slave", ro)],
		["/hostPath:/containerPath:ro,private", as("ro,private", "private", ro)],
		["/hostPath:/containerPath:ro,z,shared", as("ro,z,shared", "shared", { ...ro, ...z })],
		["/hostPath:/containerPath:ro,Z,slave", as("ro,Z,slave", "slave", { ...ro, ...Z })],
		["/hostPath:/containerPath:Z,ro,slave", as("Z,ro,slave", "slave", { ...ro, ...Z })],
		["/hostPath:/containerPath:slave,Z,ro", as("slave,Z,ro", "slave", { ...ro, ...Z })],
		["/hostPath:/containerPath:Z,slave,ro", as("Z,slave,ro", "slave", { ...ro, ...Z })],
		["/hostPath:/containerPath:slave,ro,Z", as("slave,ro,Z", "slave", { ...ro, ...Z })],
		["/hostPath:/containerPath:rslave,ro,Z", as("rslave,ro,Z", "rslave", { ...ro, ...Z })],
		["/hostPath:/containerPath:ro,rshared,Z", as("ro,rshared,Z", "rshared", { ...ro, ...Z })],
		["/hostPath:/containerPath:ro,Z,rprivate", as("ro,Z,rprivate", "rprivate", { ...ro, ...Z })],
	])("%j", (text, expected) => expect(parseVolumeText(text, HERE)).toEqual(expected));

	test("with the driver that is said beside it, of volumes only", () => {
		const beside = { ...HERE, volumeDriver: "external" };
		expect(parseVolumeText("name:/named2", beside).source).toEqual({ ...VOLUME, name: "name", driver: "external" });
		expect(parseVolumeText("/named2", beside).source).toEqual({ ...VOLUME, name: undefined, driver: "external" });
		expect(parseVolumeText("/a:/b", beside)).toEqual(bind("/a", "/b"));
	});

	test("with other owners", () => {
		const owners = (text: string) => parseVolumeText(`/a:/b:ro,idmap=${text}`, HERE).owners;
		const range = { onDisk: 0, seen: 100_000, count: 65_536 };
		expect(owners("uids=0-100000-65536")).toEqual({ uids: [range], gids: [range] });
		expect(owners("uids=0-100000-65536;gids=5-6-1#7-8-2")).toEqual({
			uids: [range],
			gids: [
				{ onDisk: 5, seen: 6, count: 1 },
				{ onDisk: 7, seen: 8, count: 2 },
			],
		});
		expect(owners("uids=0-0-4294967295")?.uids).toEqual([{ onDisk: 0, seen: 0, count: 4_294_967_295 }]);
	});
});

describe("-v that is refused", () => {
	test.each([
		["", "INVALID_MOUNT"],
		["./", "INVALID_DESTINATION"],
		["../", "INVALID_DESTINATION"],
		[".", "INVALID_DESTINATION"],
		["name", "INVALID_DESTINATION"],
		["/", "INVALID_DESTINATION"],
		["/:../", "INVALID_DESTINATION"],
		["/:path", "INVALID_DESTINATION"],
		["/tmp:tmp", "INVALID_DESTINATION"],
		["/tmp:/", "INVALID_DESTINATION"],
		["/tmp:/a/..", "INVALID_DESTINATION"],
		[":", "INVALID_MOUNT"],
		["/tmp:", "INVALID_MOUNT"],
		[":foo", "INVALID_MOUNT"],
		[":test", "INVALID_MOUNT"],
		[":/test", "INVALID_MOUNT"],
		[":/vol", "INVALID_MOUNT"],
		["tmp:", "INVALID_MOUNT"],
		[":test:", "INVALID_MOUNT"],
		["::", "INVALID_MOUNT"],
		[":::", "INVALID_MOUNT"],
		["/tmp:::", "INVALID_MOUNT"],
		[":/tmp::", "INVALID_MOUNT"],
		["/foo::ro", "INVALID_MOUNT"],
		["/foo::rw", "INVALID_MOUNT"],
		["/foo:/foo:", "INVALID_MOUNT"],
		["/foo:/foo:ro:foo", "INVALID_MOUNT"],
		["/path:rw", "INVALID_MOUNT"],
		["/path:ro", "INVALID_MOUNT"],
		["/path:ro,z", "INVALID_MOUNT"],
		["/rw:rw", "INVALID_MOUNT"],
		["path:ro", "INVALID_MOUNT"],
		["/path:shared", "INVALID_MOUNT"],
		["/path:slave", "INVALID_MOUNT"],
		["/path:private", "INVALID_MOUNT"],
		["/path:/path:sw", "UNKNOWN_MOUNT_OPTION"],
		["/path:/path:rwz", "UNKNOWN_MOUNT_OPTION"],
		["/tmp:/tmp4:foo", "UNKNOWN_MOUNT_OPTION"],
		["/path:/path:ro,", "UNKNOWN_MOUNT_OPTION"],
		["/path:/path:RO", "UNKNOWN_MOUNT_OPTION"],
		["name:/target:bogus", "UNKNOWN_MOUNT_OPTION"],
		["name:/target:copy", "UNKNOWN_MOUNT_OPTION"],
		["/path:/path:ro,rshared,rslave", "INVALID_MOUNT"],
		["/path:/path:ro,z,rshared,rslave", "INVALID_MOUNT"],
		["/path:/path:ro,rw", "INVALID_MOUNT"],
		["/path:/path:ro,ro", "INVALID_MOUNT"],
		["/path:/path:z,Z", "INVALID_MOUNT"],
		["/path:/path:cached,delegated", "INVALID_MOUNT"],
		["/path:/path:nocopy", "INVALID_MOUNT"],
		["name:/absolute-path:shared", "INVALID_MOUNT"],
		["name:/absolute-path:rshared", "INVALID_MOUNT"],
		["name:/absolute-path:slave", "INVALID_MOUNT"],
		["name:/absolute-path:rslave", "INVALID_MOUNT"],
		["name:/absolute-path:private", "INVALID_MOUNT"],
		["name:/absolute-path:rprivate", "INVALID_MOUNT"],
		// Docker's command line leaves `~` to the daemon, which refuses it as a name.
		["~/thing:/target", "INVALID_MOUNT"],
		["a:/x", "INVALID_NAME"],
		["local/name:/tmp:rw", "INVALID_NAME"],
		["-v:/tmp", "INVALID_NAME"],
		["/a:/b:idmap", "INVALID_OPTION"],
		["/a:/b:idmap=", "INVALID_OPTION"],
		["/a:/b:idmap=uids=", "INVALID_OPTION"],
		["/a:/b:idmap=gids=0-1-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-1-0", "INVALID_OPTION"],
		["/a:/b:idmap=uids=@0-1-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-1-1;uids=0-1-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-100-10#9-200-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-100-10#10-109-1", "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-1-4294967295", "INVALID_OPTION"],
		[`/a:/b:idmap=uids=${Array.from({ length: 341 }, (_, id) => `${id}-${id}-1`).join("#")}`, "INVALID_OPTION"],
		["/a:/b:idmap=uids=0-1-1,idmap=uids=0-1-1", "INVALID_MOUNT"],
		[`/${"x".repeat(5000)}:/b`, "INVALID_MOUNT"],
	])("%j is %s", (text, reason) => {
		expect(() => parseVolumeText(text, HERE)).toThrow(expect.objectContaining({ reason }));
	});

	test("relative sources without a working directory", () => {
		for (const source of [".", "./x", "..", "../x"]) {
			expect(() => parseVolumeText(`${source}:/x`, { ...HERE, workingDirectory: undefined })).toThrow(
				expect.objectContaining({ reason: "INVALID_MOUNT" }),
			);
		}
	});

	test("the sentence is one for people", () => {
		const sentence = (text: string) => {
			try {
				return JSON.stringify(parseVolumeText(text, HERE));
			} catch (error) {
				return String(error);
			}
		};
		expect(sentence("/path:/path:rwz")).toBe(
			'Fault: "/path:/path:rwz" is no mount: there is no option "rwz"; did you mean rw?',
		);
		expect(sentence("/path:/path:readonly")).toContain("did you mean ro?");
		expect(sentence("/a:/b:idmap")).toContain("uids=0-100000-65536");
		expect(sentence("data:/x:rslave")).toBe(
			'Fault: "data:/x:rslave" is no mount: rslave is for paths of the host, and its source is a volume.',
		);
		expect(sentence(`/a:/b:${"x".repeat(9000)}`).length).toBeLessThan(600);
	});
});
