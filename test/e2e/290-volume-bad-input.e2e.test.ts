/** Volumes and mounts that are typed wrong, or cannot be: a typed fault, one sentence, and nothing made, mounted or left, SEEDS V1, V4, V5, V6, V12. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
	AttachmentServiceService,
	AttachRequest,
	type BindSource,
	MountGrammar,
	MountIntoRequest,
	MountSpec,
	ParseMountsRequest,
	PublicationServiceService,
	PublishVolumeRequest,
	CreateVolumeRequest,
	VolumeServiceService,
	type VolumeSource,
} from "#gen/wharf/volume/v1/volume.ts";
import { client } from "#lib/rpc/client.ts";
import { audit } from "../support/audit/audit.ts";
import { fingerprint } from "../support/audit/fingerprint.ts";
import { leftovers } from "../support/audit/leftovers.ts";
import { Host } from "../support/host.ts";
import { linesOf } from "../support/mounts.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;
let before: unknown;

const SRC = "/run/src";

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.ok("mkdir", ["-p", `${SRC}/dir`]);
	await host.ok("touch", [`${SRC}/file`]);
	await host.wharfOk("volume", "create", "--label", "team=blue", "data");
	await host.wharfOk("run", "-d", "--name", "live", "--network", "none", "host", "sleep", "1000");
	before = await everything();
});

afterAll(async () => {
	await host.wharfOk("rm", "-f", "live");
	await takeDown(host);
});

/** All that a refusal must leave as it was: stores, mounts, directories, the sources on the host. */
async function everything(): Promise<unknown> {
	const mounts = await host.ok("cat", ["/proc/self/mountinfo"]);
	const sources = await host.ok("find", ["/run", "-xdev", "-not", "-path", "/run/docker*"]);
	return { ...(await fingerprint(host)), mounts, sources: linesOf(sources).sort() };
}

async function refuses(args: readonly string[], status: number, sentence: RegExp): Promise<void> {
	const { exitCode, stdout, stderr } = await host.wharf(args);
	expect(stderr).toMatch(sentence);
	expect(stderr).toMatch(/^wharf: [^\n]+[.?]\n([^\n]+\n)?$/);
	expect(stderr).not.toMatch(/\n\s+at |Error:|undefined|\[object|incident/);
	expect([exitCode, stdout]).toEqual([status, ""]);
}

/** Why a call was refused. */
function faultOf(call: Promise<unknown>): Promise<unknown> {
	return call.then(
		() => "it was done",
		(error: unknown) => error,
	);
}

/** One host with many refusals: what is compared is compared once for all of a group. */
async function nothingChanged(): Promise<void> {
	expect(await everything()).toEqual(before);
	expect(await audit(host)).toEqual([]);
	expect(await host.wharfOk("volume", "ls", "-q")).toBe("data");
	expect(linesOf(await host.wharfOk("ps", "-a"))).toHaveLength(2);
}

const run = (...flags: string[]): string[] => ["run", "--rm", "--network", "none", ...flags, "host", "true"];

/** Words of the grammars that are refused, by Docker's own lists and ours: the text, the reason, a part of the sentence. */
const TEXTS: Readonly<Record<"volume" | "mount" | "tmpfs", readonly [string, string, RegExp][]>> = {
	volume: [
		["", "INVALID_MOUNT", /is no mount/],
		[":", "INVALID_MOUNT", /is empty/],
		["data:", "INVALID_MOUNT", /is empty/],
		[":/x", "INVALID_MOUNT", /is empty/],
		["data:/x:", "INVALID_MOUNT", /is empty/],
		["data:/x:ro:rw", "INVALID_MOUNT", /more parts than SOURCE:DESTINATION:OPTIONS/],
		["/x:ro", "INVALID_MOUNT", /options need a source and a destination/],
		["/x:ro,Z", "INVALID_MOUNT", /options need a source/],
		["data", "INVALID_DESTINATION", /it is no absolute path/],
		["data:x", "INVALID_DESTINATION", /it is no absolute path/],
		["data:./x", "INVALID_DESTINATION", /it is no absolute path/],
		["data:/", "INVALID_DESTINATION", /"\/" cannot be mounted on/],
		["/", "INVALID_DESTINATION", /"\/" cannot be mounted on/],
		["/run/src/dir://", "INVALID_DESTINATION", /cannot be mounted on/],
		["data:/x/../y", "INVALID_DESTINATION", /it has `\.\.`/],
		["data:/x:ro,rw", "INVALID_MOUNT", /ro and rw exclude each other/],
		["data:/x:z,Z", "INVALID_MOUNT", /z and Z exclude each other/],
		["data:/x:ro,ro", "INVALID_MOUNT", /ro is there twice/],
		["/run/src/dir:/x:slave,rslave", "INVALID_MOUNT", /slave and rslave exclude each other/],
		["data:/x:rshared", "INVALID_MOUNT", /rshared is for paths of the host/],
		["/run/src/dir:/x:nocopy", "INVALID_MOUNT", /nocopy is for volumes/],
		["data:/x:raedonly", "UNKNOWN_MOUNT_OPTION", /no option "raedonly"/],
		["data:/x:readonly", "UNKNOWN_MOUNT_OPTION", /did you mean ro\?/],
		["data:/x:rsalve", "UNKNOWN_MOUNT_OPTION", /did you mean rslave\?/],
		["data:/x:idmap", "INVALID_OPTION", /idmap/],
		["a/b:/x", "INVALID_NAME", /"a\/b" is no name of a volume/],
		["x:/x", "INVALID_NAME", /it is too short/],
		["-data:/x", "INVALID_NAME", /does not begin with a letter or a digit/],
		["~/data:/x", "INVALID_MOUNT", /~/],
	],
	mount: [
		["", "INVALID_MOUNT", /it is empty/],
		["type=volume", "INVALID_MOUNT", /it has no target/],
		["type=bind,target=/x", "INVALID_MOUNT", /a bind has no source/],
		["type=bind,source=,target=/x", "INVALID_MOUNT", /the value of source is empty/],
		["type=bind, source=/run/src/dir,target=/x", "INVALID_MOUNT", /there are blanks/],
		["type=bnid,source=/run/src/dir,target=/x", "INVALID_OPTION", /type is bnid; allowed is volume, bind or tmpfs/],
		["type=bind,sorce=/run/src/dir,target=/x", "UNKNOWN_MOUNT_OPTION", /did you mean source\?/],
		[
			"type=bind,source=/run/src/dir,target=/x,bind-propogation=slave",
			"UNKNOWN_MOUNT_OPTION",
			/mean bind-propagation\?/,
		],
		["type=bind,source=/run/src/dir,target=/x,bind-propagation=unbindable", "INVALID_OPTION", /rprivate/],
		["type=bind,source=/run/src/dir,target=/x,readonly=maybe", "INVALID_OPTION", /true, 1, false or 0/],
		["type=bind,source=/run/src/dir,target=/x,bind-nonrecursive", "INVALID_MOUNT", /bind-recursive=disabled/],
		["type=bind,source=/run/src/dir,target=/x,bind-recursive=readonly", "INVALID_MOUNT", /needs readonly beside it/],
		["type=bind,source=/run/src/dir,target=/x,tmpfs-size=1m", "INVALID_MOUNT", /tmpfs-size is for type=tmpfs/],
		["type=bind,source=/run/src/dir,target=/x,volume-nocopy", "INVALID_MOUNT", /volume-nocopy is for type=volume/],
		["type=volume,source=/run/src/dir,target=/x", "INVALID_MOUNT", /its source is a path, which is for type=bind/],
		["type=volume,source=data,target=x", "INVALID_DESTINATION", /it is no absolute path/],
		["source=data,target=/x,volume-subpath=../..", "INVALID_OPTION", /does not lead out of the volume/],
		["source=data,target=/x,volume-subpath=/etc", "INVALID_OPTION", /a relative path/],
		["target=/x,volume-subpath=part", "INVALID_MOUNT", /a new volume is empty/],
		["type=tmpfs,source=x,target=/x", "INVALID_MOUNT", /a tmpfs has no source/],
		["type=tmpfs,target=/x,tmpfs-size=much", "INVALID_OPTION", /65536, 64m or 1\.5g/],
		["type=tmpfs,target=/x,tmpfs-mode=9", "INVALID_OPTION", /tmpfs-mode is 9/],
		["type=image,source=host,target=/x", "INVALID_MOUNT", /images cannot be mounted/],
		["type=cluster,source=data,target=/x", "INVALID_MOUNT", /Swarm/],
		['source=data,"target=/x', "INVALID_MOUNT", /a quote is not closed/],
	],
	tmpfs: [
		["x", "INVALID_DESTINATION", /it is no absolute path/],
		["/", "INVALID_DESTINATION", /cannot be mounted on/],
		["/x:size=much", "INVALID_OPTION", /size is much/],
		["/x:mode=999", "INVALID_OPTION", /mode is 999/],
		["/x:siez=1m", "UNKNOWN_MOUNT_OPTION", /did you mean size\?/],
	],
};

describe.each(["volume", "mount", "tmpfs"] as const)("texts of --%s that are refused", (grammar) => {
	test("over gRPC: a typed fault that says which text it is of", async () => {
		using attachments = client(AttachmentServiceService, { unix: join(host.root, "run/volumed.sock") });
		const grammars = { volume: MountGrammar.VOLUME, mount: MountGrammar.MOUNT, tmpfs: MountGrammar.TMPFS };
		for (const [text, reason, sentence] of TEXTS[grammar]) {
			const texts = [
				{ grammar: MountGrammar.VOLUME, text: "data:/fine" },
				{ grammar: grammars[grammar], text },
			];
			const asked = attachments.parseMounts(ParseMountsRequest.fromPartial({ texts, workingDirectory: "/run" }));
			const message = expect.stringMatching(sentence) as string;
			const fault = { reason, code: "INVALID_ARGUMENT", field: "texts[1]", message };
			expect({ text, fault: await faultOf(asked) }).toMatchObject({ text, fault });
		}
		await nothingChanged();
	});

	test("at the command line: exit status 125, one sentence, and nothing is made", async () => {
		// The sentences are the same: some of each are typed.
		const typed = TEXTS[grammar].filter((_, index) => index % 4 === 1);
		expect(typed).not.toEqual([]);
		for (const [text, , sentence] of typed) await refuses(run(`--${grammar}`, text), 125, sentence);
		await nothingChanged();
	});
});

test("mounts that are well typed and cannot be: over gRPC each its own fault", async () => {
	using attachments = client(AttachmentServiceService, { unix: join(host.root, "run/volumed.sock") });
	const bind = (destination: string, path: string, more: Partial<BindSource> = {}): MountSpec =>
		MountSpec.fromPartial({ destination, source: { $case: "bind", value: { path, ...more } } });
	const volume = (destination: string, name: string, more: Partial<VolumeSource> = {}): MountSpec =>
		MountSpec.fromPartial({ destination, source: { $case: "volume", value: { name, ...more } } });
	const fresh = (destination: string): MountSpec => volume(destination, "fresh");
	const made = bind("/b", `${SRC}/made/deep`, { create: true });
	const nowhere = { type: "none", o: "bind", device: `${SRC}/missing` };
	const cases: readonly (readonly [string, MountSpec[], Partial<AttachRequest>?])[] = [
		["SOURCE_NOT_FOUND", [bind("/x", `${SRC}/missing`)]],
		["INVALID_SOURCE", [bind("/x", "relative")]],
		["INVALID_SOURCE", [bind("/x", `${SRC}/file/below`, { create: true })]],
		["SOURCE_NOT_SHARED", [bind("/x", `${SRC}/dir`, { propagation: "rshared" })]],
		["INVALID_OPTION", [bind("/x", `${SRC}/dir`, { propagation: "unbindable" })]],
		["SOURCE_MISSING", [MountSpec.fromPartial({ destination: "/x" })]],
		["INVALID_DESTINATION", [fresh("x")]],
		["INVALID_DESTINATION", [fresh("/x/../../y")]],
		["INVALID_NAME", [volume("/x", "../etc")]],
		["UNKNOWN_DRIVER", [volume("/x", "fresh", { driver: "nosuch" })]],
		["UNKNOWN_OPTION", [volume("/x", "fresh", { options: { sise: "1m" } })]],
		["VOLUME_EXISTS", [volume("/x", "data", { options: { size: "32m" } })]],
		["SUBPATH_REFUSED", [volume("/x", "data", { subpath: "nosuch" })]],
		["DUPLICATE_DESTINATION", [fresh("/x"), bind("/x/", SRC)]],
		["DESTINATION_IS_FILE", [fresh("/etc/passwd")], { imageRoot: "/" }],
		["INVALID_IDENTIFIER", [fresh("/x")], { holder: "" }],
		["ATTACHMENT_NOT_FOUND", [], { mountsOf: [{ containerId: "nosuch", readOnly: false }] }],
		// What could be made of the first ones is not, when the last one cannot be.
		["SOURCE_NOT_FOUND", [fresh("/a"), made, bind("/c", `${SRC}/missing`)]],
		["MOUNT_FAILED", [fresh("/a"), made, volume("/c", "other", { options: nowhere })]],
	];
	for (const [index, [reason, mounts, more = {}]] of cases.entries()) {
		const whole = { requestId: `bad-${index}`, holder: "test", containerId: `c${index}`, mounts, ...more };
		const fault = await faultOf(attachments.attach(AttachRequest.fromPartial(whole)));
		const message = expect.stringMatching(/\.$/) as string;
		expect({ index, fault }).toMatchObject({ index, fault: { reason, message } });
	}
	const into = { requestId: "bad-into", holder: "test", containerId: "c", pid: 4_194_303, mount: fresh("/x") };
	const fault = await faultOf(attachments.mountInto(MountIntoRequest.fromPartial(into)));
	expect(fault).toMatchObject({ reason: "PROCESS_NOT_FOUND" });
	await nothingChanged();
});

test("volumes and paths of the host: names that are paths, unknown options with the nearest, values, labels; over gRPC and as typed", async () => {
	using volumes = client(VolumeServiceService, { unix: join(host.root, "run/volumed.sock") });
	const named = ["../etc", "a/b", "/abs", ".", "..", ".hidden", "x", "a\0b", "a b", "é".repeat(3), "7".repeat(200)];
	for (const [index, name] of named.entries()) {
		const asked = volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId: `name-${index}`, name }));
		const fault = { reason: "INVALID_NAME", code: "INVALID_ARGUMENT" };
		expect({ name, fault: await faultOf(asked) }).toMatchObject({ name, fault });
	}
	const create = (...args: string[]): string[] => ["volume", "create", ...args, "fresh"];
	const typed: readonly [readonly string[], RegExp][] = [
		[["volume", "create", "../../etc"], /"\.\.\/\.\.\/etc" is no name of a volume/],
		[create("-o", "sise=1m"), /no option "sise"; did you mean size\?/],
		[create("-d", "sshfs", "-o", "identiy_file=/x"), /did you mean identity_file\?/],
		[create("-d", "sshfs"), /device is missing; allowed is user@host:\/path/],
		[create("-d", "sshfs", "-o", "device=root@127.0.0.1:/x", "-o", "o=ProxyCommand=sh"), /ProxyCommand/],
		[create("-o", "size=0"), /size is 0/],
		[create("-o", "size=-1"), /size is -1/],
		[create("-o", "size=much"), /size is much/],
		[create("-o", "size=1m", "-o", "type=tmpfs"), /size/],
		[create("-o", "device=/srv"), /type is missing/],
		[create("-o", "type=none", "-o", "device=/srv"), /none with o=bind/],
		[create("-o", "type=none", "-o", "device=srv", "-o", "o=bind"), /device is srv; allowed is an absolute path/],
		[create("-o", "novalue"), /novalue/],
		[create("--label", "=x"), /=x/],
		[create("-d", "../../run/x"), /There is no volume driver/],
		[["volume", "create", "data"], /The volume data is there already, with the label team=blue/],
		[["volume", "rename", "data", "../x"], /is no name of a volume/],
		[["volume", "publish", "data", "/etc/passwd"], /it is a file/],
		[["volume", "publish", "data", "/nowhere/x"], /there is no directory \/nowhere/],
		[["volume", "publish", "data", `${host.root}/volumes/x`], /wharf has its own in/],
		[["volume", "publish", "data", `${SRC}/shown`, "--subpath", "../.."], /\.\.\/\.\./],
		[["volume", "publish", "data", `${SRC}/shown`, "--subpath", "nosuch"], /The part "nosuch" of/],
		[["volume", "publish", "nosuch", `${SRC}/shown`], /There is no volume nosuch/],
		[["volume", "mount", "live", "data:/etc/passwd"], /Nothing can be mounted at \/etc\/passwd/],
		[["volume", "mount", "live", "type=tmpfs,target=/x"], /tmpfs/],
		[["volume", "mount", "live", "data:x"], /it is no absolute path/],
		[["volume", "ls", "--filter", "name=["], /is no filter/],
		[["volume", "prune", "-f", "--filter", "until=yesterday"], /until/],
	];
	for (const [args, sentence] of typed) await refuses(args, 1, sentence);
	using publications = client(PublicationServiceService, { unix: join(host.root, "run/volumed.sock") });
	for (const path of ["relative", "/run/src/../src/shown", "/", ""]) {
		const wish = { requestId: `path-${path}`, holder: "test", volume: "data", path };
		const asked = publications.publishVolume(PublishVolumeRequest.fromPartial(wish));
		expect({ path, fault: await faultOf(asked) }).toMatchObject({ path, fault: { reason: "INVALID_PATH" } });
	}
	await nothingChanged();
});

test("what cannot be mounted when it is needed: a server that does not answer, a device that is missing, a file system that there is not", async () => {
	const options: Readonly<Record<string, readonly string[]>> = {
		server: ["type=nfs", "device=127.0.0.1:/export", "o=soft,timeo=1,retrans=1,nfsvers=4"],
		device: ["type=ext4", "device=/dev/nosuch"],
		system: ["type=nosuchfs", "device=none"],
		shown: ["type=none", "device=/run/nowhere", "o=bind"],
	};
	for (const [name, pairs] of Object.entries(options)) {
		await host.wharfOk("volume", "create", ...pairs.flatMap((pair) => ["-o", pair]), name);
		await refuses(
			run("-v", `${name}:/x`, "-v", `fresh:/y`, "-v", `${SRC}/made:/z`),
			125,
			/^wharf: The volume \w+ cannot be mounted: /,
		);
		await refuses(
			["volume", "publish", name, `${SRC}/shown`],
			1,
			new RegExp(`^wharf: The volume ${name} cannot be mounted: `),
		);
		await refuses(
			["volume", "mount", "live", `${name}:/x`],
			1,
			new RegExp(`^wharf: The volume ${name} cannot be mounted: `),
		);
	}
	const ssh = ["-d", "sshfs", "-o", "device=root@127.0.0.1:/x", "-o", "port=1", "-o", `known_hosts=${SRC}/file`];
	await host.wharfOk("volume", "create", ...ssh, "remote");
	await refuses(run("-v", "remote:/x"), 125, /^wharf: The volume remote cannot be mounted: .*Connection refused/);
	// A container is made before it is started: what it named and was missing stays, as with Docker.
	await host.wharfOk("volume", "rm", "fresh");
	await host.ok("rmdir", [`${SRC}/made`]);
	await host.wharfOk("volume", "rm", ...Object.keys(options), "remote");
	expect(await host.ok("cat", ["/proc/self/mountinfo"])).toBe((before as { mounts: string }).mounts);
	expect(await host.wharfOk("volume", "ls", "-q")).toBe("data");
	expect(await audit(host)).toEqual([]);
});

test("a place of volumes that is full, or read-only: it is said, nothing is half made, and all is well when it is not any more", async () => {
	await using other = await Host.boot();
	const env = { WHARF_VOLUMED_VOLUMES: "/run/small" };
	const wharf = (...args: string[]) => other.wharf(args, { env, timeoutMs: 120_000 });
	const says = async (sentence: RegExp, ...args: string[]): Promise<void> => {
		const { exitCode, stdout, stderr } = await wharf(...args);
		expect(stderr).toMatch(sentence);
		expect(stderr).not.toMatch(/incident|undefined/);
		expect([exitCode, stdout]).toEqual([args[0] === "run" ? 125 : 1, ""]);
	};
	const listed = async (): Promise<string> => (await wharf("volume", "ls", "-q")).stdout;
	const onDisk = async (): Promise<string[]> => linesOf(await other.ok("ls", ["/run/small"]));
	await other.ok("mkdir", ["/run/small"]);
	await other.ok("mount", ["-t", "tmpfs", "-o", "size=1m,nr_inodes=64", "tmpfs", "/run/small"]);
	expect((await wharf("up")).exitCode).toBe(0);
	expect((await wharf("volume", "create", "kept")).exitCode).toBe(0);

	await other.run("sh", [
		"-c",
		"mkdir /run/small/fill; i=0; while touch /run/small/fill/$i 2>/dev/null; do i=$((i+1)); done",
	]);
	await says(/^wharf: The file system of \/run\/small\/\S* is full: /, "volume", "create", "refused");
	await says(/^wharf: The file system of \/run\/small\/\S* is full: /, ...run("-v", "refused:/x", "-v", "/etc/skel"));
	expect([await listed(), await onDisk()]).toEqual(["kept\n", ["fill", "kept"]]);
	await other.ok("rm", ["-r", "/run/small/fill"]);

	await other.ok("mount", ["-o", "remount,ro", "/run/small"]);
	await says(/^wharf: .*read-only file system/i, "volume", "create", "refused");
	await says(/^wharf: .*read-only file system/i, ...run("-v", "refused:/x"));
	await says(/^wharf: .*read-only file system/i, "volume", "rename", "kept", "other");
	await says(/^wharf: .*read-only file system/i, "volume", "rm", "kept");
	expect([await listed(), await onDisk()]).toEqual(["kept\n", ["kept"]]);
	await other.ok("mount", ["-o", "remount,rw", "/run/small"]);

	expect((await wharf("volume", "create", "refused")).exitCode).toBe(0);
	expect((await wharf(...run("-v", "kept:/x"))).exitCode).toBe(0);
	expect((await wharf("volume", "rename", "kept", "other")).exitCode).toBe(0);
	expect(await listed()).toBe("other\nrefused\n");
	expect((await wharf("down", "--all", "--volumes")).exitCode).toBe(0);
	expect(await onDisk()).toEqual([]);
	expect(await leftovers(other)).toEqual([]);
});
