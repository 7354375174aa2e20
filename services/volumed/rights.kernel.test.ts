/** Of what a restore gives rights by, it takes its own backups' word and nobody else's. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { backup, Daemon, restore } from "./test-support/daemon.ts";

let daemon: Daemon;
let content: string;
const at = (name: string): string => join(daemon.root, name);

const SCRIPT = `
cd "$1"
cp /usr/bin/true setuid; chmod 4755 setuid
cp /usr/bin/true setgid; chown 0:50 setgid; chmod 2755 setgid
cp /usr/bin/true capable; setcap cap_net_raw+ep capable
mkdir dir; chown 0:50 dir; chmod 2775 dir; setfattr -n trusted.of -v dir dir
echo plain >plain; setfattr -n user.of -v plain plain; chmod 1640 plain
perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($_)) || die for "socket", "dir/socket"'
chown 12:34 socket; chmod 0703 socket; touch -d '2001-02-03 04:05:06.789' socket
ln setuid dir/again
touch -d '2001-02-03 04:05:06.5' dir .
`;

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId: "make", name: "from" }));
	content = daemon.content("from");
	execFileSync("sh", ["-euc", SCRIPT, "sh", content]);
	mkdirSync(at("out"));
});
afterAll(() => daemon[Symbol.asyncDispose]());

function look(path: string): string {
	const script = `cd "$1"; find . -printf '%p %y %m %U:%G %T@ %n\\n' | sort; getfattr -R -h -d -m - -e hex . | sort`;
	return execFileSync("sh", ["-c", script, "sh", path], { encoding: "utf8" });
}
const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);
const attributes = (path: string): string =>
	execFileSync("getfattr", ["--absolute-names", "-d", "-m", "-", path], { encoding: "utf8" });

test("its own backup brings all of it back, sockets by the manifest", async () => {
	const { result } = await backup(daemon, { volume: "from", path: at("out/own"), compression: "COMPRESSION_ZSTD" });
	expect(result?.warnings).toEqual([]);
	const restored = await restore(daemon, { volume: "own", path: at("out/own"), create: true });
	expect(restored).toMatchObject({ verified: true, warnings: [] });
	expect(look(daemon.content("own"))).toBe(look(content));
	const socket = lstatSync(join(daemon.content("own"), "socket"));
	expect([socket.isSocket(), socket.uid, socket.gid, mode(join(daemon.content("own"), "socket"))]).toEqual([
		true,
		12,
		34,
		"703",
	]);
});

const refused = async (volume: string, archive: Buffer): Promise<readonly string[]> => {
	const result = await restore(daemon, { volume, create: true }, archive);
	const to = daemon.content(volume);
	expect(["setuid", "setgid", "capable", "dir/again"].map((name) => mode(join(to, name)))).toEqual([
		"755",
		"755",
		"755",
		"755",
	]);
	expect(attributes(join(to, "capable"))).not.toContain("security.capability");
	expect(attributes(join(to, "dir"))).not.toContain("trusted");
	expect([attributes(join(to, "plain")).includes('user.of="plain"'), mode(join(to, "plain"))]).toEqual([true, "1640"]);
	return result?.warnings ?? [];
};

const TOLD = [
	expect.stringMatching(/^\.\/capable: its attribute security\.capability would give rights/) as string,
	expect.stringMatching(/^\.\/dir\/: its attribute trusted\.of would give rights/) as string,
	expect.stringMatching(/^\.\/setgid: its mode 2755 would give rights/) as string,
	// Whichever of its names comes first.
	expect.stringMatching(/^\.\/(?:setuid|dir\/again): its mode 4755 would give rights/) as string,
];

test("another program's archive gives no rights, and that is told", async () => {
	const options = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--format=posix"];
	const archive = execFileSync("tar", ["-c", ...options, "--exclude=socket", "-C", content, "."], {
		maxBuffer: 1 << 28,
	});
	const warnings = await refused("other", archive);
	expect(warnings).toHaveLength(TOLD.length);
	expect(warnings).toEqual(expect.arrayContaining(TOLD));
});

test("nor does a backup of another volumed, whose manifest vouches for its content only", async () => {
	await using other = new Daemon();
	await other.start();
	await other.volumes.createVolume(CreateVolumeRequest.fromPartial({ requestId: "make", name: "from" }));
	execFileSync("cp", ["-a", `${content}/.`, other.content("from")]);
	const { bytes } = await backup(other, { volume: "from" });
	const warnings = await refused("foreign", bytes);
	expect(warnings).toHaveLength(TOLD.length);
	expect(warnings).toEqual(expect.arrayContaining(TOLD));
	expect(lstatSync(join(daemon.content("foreign"), "dir/socket")).isSocket()).toBe(true);
});

test("its own backup brings them back however it was compressed meanwhile, for it is known by its manifest", async () => {
	const { bytes } = await backup(daemon, { volume: "from" });
	writeFileSync(at("out/own.tar"), bytes);
	const anew = execFileSync("gzip", ["-c", at("out/own.tar")], { maxBuffer: 1 << 28 });
	for (const [volume, archive] of Object.entries({ anew, same: bytes })) {
		const restored = await restore(daemon, { volume, create: true }, archive);
		expect(restored?.warnings).toEqual([]);
		expect(mode(join(daemon.content(volume), "setuid"))).toBe("4755");
	}
});
