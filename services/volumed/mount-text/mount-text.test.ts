import { describe, expect, test } from "vitest";
import { parseMountText } from "./mount-text.ts";

const HERE = { workingDirectory: "/home/me", volumeDriver: "" };
const COMMON = { readOnly: false, relabel: undefined, owners: undefined, mode: "" };
const VOLUME = { kind: "volume", copy: true, driver: "", options: new Map(), labels: new Map(), subpath: "" };
const BIND = { kind: "bind", create: false, propagation: "rprivate", recursion: "enabled" };
const ofPath = (path: string, destination: string, more: object = {}) => ({
	...COMMON,
	destination,
	source: { ...BIND, path, ...more },
});
const ofVolume = (more: object, destination = "/foo") => ({
	...COMMON,
	destination,
	source: { ...VOLUME, name: undefined, ...more },
});
const ofTmpfs = (sizeBytes: bigint, mode: number) => ({
	...COMMON,
	destination: "/target",
	source: { kind: "tmpfs", sizeBytes, mode, options: [] },
});
const AB = ofPath("/foo", "/bar");
const FOO = ofPath("/foo", "/foo");
const RO = { readOnly: true };
const map = (pairs: Record<string, string>) => new Map(Object.entries(pairs));

describe("--mount that is taken", () => {
	test.each([
		["type=bind,source=.,target=/target", ofPath("/home/me", "/target")],
		["type=bind,source=./,target=/target", ofPath("/home/me", "/target")],
		["type=bind,source=../,target=/target", ofPath("/home", "/target")],
		["type=bind,source=..,target=/target", ofPath("/home", "/target")],
		["type=bind,src=/source,dst=/target", ofPath("/source", "/target")],
		["type=bind,source=/source,target=/target", ofPath("/source", "/target")],
		["type=bind,source=/source,destination=/target", ofPath("/source", "/target")],
		["  type=bind,source=/source,target=/target/\n", ofPath("/source", "/target")],
		["TYPE=Bind,SRC=/source,Dst=/target", ofPath("/source", "/target")],
		['type=bind,"source=/a,b",target=/target', ofPath("/a,b", "/target")],
		['type=bind,"source=/a""b",target=/target', ofPath('/a"b', "/target")],
		['"type=bind","source=/a","target=/target"', ofPath("/a", "/target")],
		["type=bind,source=/first,source=/a,target=/target", ofPath("/a", "/target")],
		["target=/target,source=foo", ofVolume({ name: "foo" }, "/target")],
		["target=/foo", ofVolume({})],
		["type=volume,target=/foo,readonly", { ...ofVolume({}), ...RO }],
		["type=bind,target=/foo,source=/foo", FOO],
		["type=bind,target=/foo,source=/foo,readonly", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,readonly=1", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,readonly=true", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,readonly=0", FOO],
		["type=bind,target=/foo,source=/foo,readonly=false", FOO],
		["type=bind,target=/foo,source=/foo,ro", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,ro=1", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,ro=true", { ...FOO, ...RO }],
		["type=bind,target=/foo,source=/foo,ro=0", FOO],
		["type=bind,target=/foo,source=/foo,ro=false", FOO],
		["type=bind,target=/foo,source=/foo,consistency=Cached", FOO],
		["type=bind,target=/foo,source=/foo,bind-propagation=rSlave", ofPath("/foo", "/foo", { propagation: "rslave" })],
		["type=bind,target=/foo,source=/foo,bind-create-src", ofPath("/foo", "/foo", { create: true })],
		["type=bind,target=/foo,source=/foo,bind-create-src=1", ofPath("/foo", "/foo", { create: true })],
		["type=bind,target=/foo,source=/foo,bind-create-src=true", ofPath("/foo", "/foo", { create: true })],
		["type=bind,target=/foo,source=/foo,bind-create-src=0", FOO],
		["type=bind,target=/foo,source=/foo,bind-create-src=false", FOO],
		["type=bind,source=/foo,target=/bar,bind-recursive=enabled", AB],
		["type=bind,source=/foo,target=/bar,bind-recursive=disabled", ofPath("/foo", "/bar", { recursion: "disabled" })],
		[
			"type=bind,source=/foo,target=/bar,bind-recursive=writable,readonly",
			{ ...ofPath("/foo", "/bar", { recursion: "writable" }), ...RO },
		],
		[
			"type=bind,source=/foo,target=/bar,bind-recursive=readonly,readonly,bind-propagation=rprivate",
			{ ...ofPath("/foo", "/bar", { recursion: "readonly" }), ...RO },
		],
		["type=volume,target=/foo,source=foo", ofVolume({ name: "foo" })],
		["type=volume,target=/foo,source=foo,volume-nocopy", ofVolume({ name: "foo", copy: false })],
		["type=volume,target=/foo,source=foo,volume-nocopy=1", ofVolume({ name: "foo", copy: false })],
		["type=volume,target=/foo,source=foo,volume-nocopy=true", ofVolume({ name: "foo", copy: false })],
		["type=volume,target=/foo,source=foo,volume-nocopy=0", ofVolume({ name: "foo" })],
		["type=volume,target=/foo,source=foo,volume-nocopy=false", ofVolume({ name: "foo" })],
		["type=volume,target=/foo,volume-label=foo=foo-value", ofVolume({ labels: map({ foo: "foo-value" }) })],
		[
			"type=volume,target=/foo,volume-label=foo=foo-value,volume-label=bar=bar-value",
			ofVolume({ labels: map({ foo: "foo-value", bar: "bar-value" }) }),
		],
		["type=volume,target=/foo,volume-label=foo=,volume-label=bar", ofVolume({ labels: map({ foo: "", bar: "" }) })],
		["type=volume,target=/foo,volume-driver=my-driver", ofVolume({ driver: "my-driver" })],
		["type=volume,target=/foo,volume-opt=foo=foo-value", ofVolume({ options: map({ foo: "foo-value" }) })],
		[
			"type=volume,target=/foo,volume-opt=foo=foo-value,volume-opt=bar=bar-value",
			ofVolume({ options: map({ foo: "foo-value", bar: "bar-value" }) }),
		],
		["type=volume,target=/foo,volume-opt=foo=,volume-opt=bar", ofVolume({ options: map({ foo: "", bar: "" }) })],
		[
			'type=volume,target=/foo,"volume-opt=o=addr=192.0.2.1,rw"',
			ofVolume({ options: map({ o: "addr=192.0.2.1,rw" }) }),
		],
		[
			"type=volume,volume-driver=my-driver,target=/foo,volume-label=foo=foo-value,volume-label=empty=,volume-opt=foo=foo-value,volume-opt=empty=",
			ofVolume({
				driver: "my-driver",
				labels: map({ foo: "foo-value", empty: "" }),
				options: map({ foo: "foo-value", empty: "" }),
			}),
		],
		["source=hello,target=/foo,volume-subpath=world", ofVolume({ name: "hello", subpath: "world" })],
		["source=hello,target=/foo,volume-subpath=./a//b/../c/", ofVolume({ name: "hello", subpath: "a/c" })],
		["source=hello,target=/foo,volume-subpath=.", ofVolume({ name: "hello", subpath: "" })],
		["source=hello,target=/foo,volume-subpath=..a", ofVolume({ name: "hello", subpath: "..a" })],
		[
			"source=hello,target=/foo,idmap=uids=0-10-1;gids=2-3-4",
			{
				...ofVolume({ name: "hello" }),
				owners: { uids: [{ onDisk: 0, seen: 10, count: 1 }], gids: [{ onDisk: 2, seen: 3, count: 4 }] },
			},
		],
		["type=tmpfs,target=/target", ofTmpfs(0n, 0o1777)],
		["type=tmpfs,target=/target,readonly", { ...ofTmpfs(0n, 0o1777), ...RO }],
		["type=tmpfs,target=/target,tmpfs-size=1m,tmpfs-mode=0700", ofTmpfs(1_048_576n, 0o700)],
		["type=tmpfs,target=/target,tmpfs-size=1MB,tmpfs-mode=700", ofTmpfs(1_048_576n, 0o700)],
		["type=tmpfs,target=/target,tmpfs-size=1.5GiB,tmpfs-mode=1770", ofTmpfs(1_610_612_736n, 0o1770)],
		["type=tmpfs,target=/target,tmpfs-size=65536", ofTmpfs(65_536n, 0o1777)],
		["type=tmpfs,target=/target,tmpfs-size=10b", ofTmpfs(10n, 0o1777)],
	])("%j", (text, expected) => expect(parseMountText(text, HERE)).toEqual(expected));

	test("with the driver that is said beside it, unless it says its own", () => {
		const beside = { ...HERE, volumeDriver: "external" };
		expect(parseMountText("target=/foo", beside)).toEqual(ofVolume({ driver: "external" }));
		expect(parseMountText("target=/foo,volume-driver=own", beside)).toEqual(ofVolume({ driver: "own" }));
	});
});

const ON_FOO = "type=bind,target=/foo,source=/foo";
const ON_BAR = "type=bind,source=/foo,target=/bar";

describe("--mount that is refused", () => {
	test.each([
		["", "INVALID_MOUNT"],
		["  ", "INVALID_MOUNT"],
		[",", "INVALID_MOUNT"],
		["type=volume,target=/foo,", "INVALID_MOUNT"],
		["type=volume,target=/foo,bogus=foo", "UNKNOWN_MOUNT_OPTION"],
		["type=volume,target=/foo,bogus", "UNKNOWN_MOUNT_OPTION"],
		["type=volume,target=/foo,toString=1", "UNKNOWN_MOUNT_OPTION"],
		["type=volume,target=/foo,=x", "UNKNOWN_MOUNT_OPTION"],
		["type=volume, src=/foo,target=/foo", "INVALID_MOUNT"],
		["type=volume,src =/foo,target=/foo", "INVALID_MOUNT"],
		["type=volume,src=,target=/foo", "INVALID_MOUNT"],
		["type=volume,src= /foo,target=/foo", "INVALID_MOUNT"],
		["type=volume,src=/foo ,target=/foo", "INVALID_MOUNT"],
		["type=volume,src,target=/foo", "INVALID_MOUNT"],
		["type=tmpfs,target=/foo,tmpfs-size=foo", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-size=-1", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-size=1mib2", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-size=9999999999999999999", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-size=50%", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-mode=foo", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-mode=8", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-mode=17777", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,tmpfs-mode=0", "INVALID_OPTION"],
		["type=tmpfs,target=/foo,source=foo", "INVALID_MOUNT"],
		["type=tmpfs,target=/foo,idmap=uids=0-1-1", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=/foo,bind-propagation=rprivate", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=hello,bind-recursive=enabled", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=hello,image-subpath=x", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=hello,tmpfs-size=1m", "INVALID_MOUNT"],
		["type=bind,target=/foo,source=/foo,volume-nocopy=true", "INVALID_MOUNT"],
		["type=bind,target=/foo,source=/foo,image-subpath=x", "INVALID_MOUNT"],
		["type=tmpfs,target=/foo,bind-create-src", "INVALID_MOUNT"],
		["type=volume", "INVALID_MOUNT"],
		["type=bind", "INVALID_MOUNT"],
		["type=bind,target=/foo", "INVALID_MOUNT"],
		["type=bind,target=/foo,source=foo", "INVALID_MOUNT"],
		["type=bind,target=/foo,source=~/foo", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=/foo", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=./foo", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=-x", "INVALID_NAME"],
		["type=volume,target=foo,source=hello", "INVALID_DESTINATION"],
		["type=volume,target=/,source=hello", "INVALID_DESTINATION"],
		["type=invalid,target=/foo", "INVALID_OPTION"],
		["type=glob,source=/foo*,target=/foo", "INVALID_OPTION"],
		["type=image,source=foo,target=/target,image-subpath=/bar", "INVALID_MOUNT"],
		["type=image,source=hello,target=/foo", "INVALID_MOUNT"],
		["type=npipe,source=foo,target=/foo", "INVALID_MOUNT"],
		["type=cluster,source=foo,target=/foo", "INVALID_MOUNT"],
		[`${ON_FOO},readonly=`, "INVALID_MOUNT"],
		[`${ON_FOO},readonly= true`, "INVALID_MOUNT"],
		[`${ON_FOO},readonly=no`, "INVALID_OPTION"],
		[`${ON_FOO},readonly=TRUE`, "INVALID_OPTION"],
		["type=volume,target=/foo,source=foo,volume-nocopy=", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=foo,volume-nocopy= true", "INVALID_MOUNT"],
		["type=volume,target=/foo,source=foo,volume-nocopy=no", "INVALID_OPTION"],
		[`${ON_FOO},bind-create-src=`, "INVALID_MOUNT"],
		[`${ON_FOO},bind-create-src= true`, "INVALID_MOUNT"],
		[`${ON_FOO},bind-create-src=no`, "INVALID_OPTION"],
		[`${ON_FOO},bind-propagation=unbindable`, "INVALID_OPTION"],
		[`${ON_FOO},consistency=eventual`, "INVALID_OPTION"],
		[`${ON_FOO},idmap`, "INVALID_OPTION"],
		[`${ON_FOO},idmap=0-1-2`, "INVALID_OPTION"],
		[`${ON_BAR},bind-nonrecursive`, "INVALID_MOUNT"],
		[`${ON_BAR},bind-recursive=all`, "INVALID_OPTION"],
		[`${ON_BAR},bind-recursive=Readonly`, "INVALID_OPTION"],
		[`${ON_BAR},bind-recursive=writable`, "INVALID_MOUNT"],
		[`${ON_BAR},bind-recursive=readonly`, "INVALID_MOUNT"],
		[`${ON_BAR},bind-recursive=readonly,readonly`, "INVALID_MOUNT"],
		[`${ON_BAR},bind-recursive=readonly,readonly,bind-propagation=rslave`, "INVALID_MOUNT"],
		// Docker drops these two without a word.
		["type=volume,target=/foo,volume-label==foo-value", "INVALID_MOUNT"],
		["type=volume,target=/foo,volume-opt==foo-value", "INVALID_MOUNT"],
		["target=/foo,volume-subpath=world", "INVALID_MOUNT"],
		["source=hello,target=/foo,volume-subpath=/world", "INVALID_OPTION"],
		["source=hello,target=/foo,volume-subpath=..", "INVALID_OPTION"],
		["source=hello,target=/foo,volume-subpath=a/../../b", "INVALID_OPTION"],
		['source=hello,"target=/foo', "INVALID_MOUNT"],
		['source=hello,target="/foo"', "INVALID_MOUNT"],
		['source=hello,"target"=/foo', "INVALID_MOUNT"],
		['source=he"llo,target=/foo', "INVALID_MOUNT"],
		["source=hello\ntarget=/foo", "INVALID_MOUNT"],
	])("%j is %s", (text, reason) => {
		expect(() => parseMountText(text, HERE)).toThrow(expect.objectContaining({ reason }));
	});

	test("relative sources without a working directory", () => {
		expect(() => parseMountText("type=bind,source=./x,target=/x", { ...HERE, workingDirectory: undefined })).toThrow(
			"there is no working directory",
		);
	});

	test.each([
		["type=bind,sorce=/a,target=/b", 'there is no option "sorce"; did you mean source?'],
		["type=bind,source=/a,target=/b,bind-propogation=slave", "did you mean bind-propagation?"],
		["type=volume,source=/a,target=/b", "its source is a path, which is for type=bind"],
		["type=bind,source=/a,target=/b,tmpfs-mode=700", "tmpfs-mode is for type=tmpfs, and it is a bind."],
		['type=bind,source="/a,b",target=/b', 'a quote stands around a whole field: "source=/a,b".'],
		['type=bind,"source=/a,b,target=/b', "a quote is not closed."],
		["type=bind\nsource=/a", "it has more than one line."],
		["type=bind,source=/a,target=/b,bind-nonrecursive", "bind-recursive=disabled"],
	])("%j says: %s", (text, words) => expect(() => parseMountText(text, HERE)).toThrow(words));
});
