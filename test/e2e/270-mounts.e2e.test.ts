/** Mounts of containers, SEEDS V4, V5, V6, V7, V13, V15: every word of the grammars, what it does in the kernel, and what it refuses. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { inspectContainer, inspectVolume, linesOf, mountAt, mountsBelow, treeOf } from "../support/mounts.ts";
import { kill, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

/** A memory of the host's own: nothing of this machine is written to. */
const SRC = "/run/src";

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.ok("mkdir", ["-p", `${SRC}/tree/sub`, `${SRC}/plain`, "/run/shared", "/run/ext4"]);
	await host.ok("mount", ["-t", "tmpfs", "below", `${SRC}/tree/sub`]);
	await write(`${SRC}/tree/top`, "top");
	await write(`${SRC}/tree/sub/deep`, "deep");
	await write(`${SRC}/plain/file`, "file");
});

afterAll(() => takeDown(host));

const wharf = (...args: string[]): Promise<string> => host.wharfOk(...args);
const write = (path: string, text: string): Promise<string> => host.ok("sh", ["-c", `echo ${text} >"$0"`, path]);
const read = async (path: string): Promise<string> => (await host.ok("cat", [path])).trim();
const run = (mounts: readonly string[], script: string): Promise<string> =>
	wharf("run", "--rm", "--network", "none", ...mounts, "host", "sh", "-c", script);
const start = (name: string, ...mounts: string[]): Promise<string> =>
	wharf("run", "-d", "--name", name, "--network", "none", ...mounts, "host", "sleep", "1000");
const inside = (container: string, script: string): Promise<string> => wharf("exec", container, "sh", "-c", script);
/** As `125 wharf: …`; nothing is left of it. */
async function refused(...args: string[]): Promise<string> {
	const { exitCode, stdout, stderr } = await host.wharf(args);
	expect(stdout).toBe("");
	expect(stderr).not.toMatch(/\n\s+at |undefined|\[object/);
	return `${exitCode} ${stderr}`;
}
const refusedRun = (...mounts: string[]): Promise<string> =>
	refused("run", "--rm", "--network", "none", ...mounts, "host", "true");
/** Each path's writing, as `/a yes` or `/a Read-only file system`. */
const TRY = 'for d; do if m=$(touch $d/w 2>&1); then echo $d yes; else echo $d "${m##*: }"; fi; done';
async function writable(container: string, ...paths: string[]): Promise<string[]> {
	return linesOf(await wharf("exec", container, "sh", "-c", TRY, "sh", ...paths));
}
const no = (path: string): string => `${path} Read-only file system`;
const yes = (path: string): string => `${path} yes`;
const optionsAt = async (path: string, container?: string): Promise<string[]> =>
	(await mountAt(host, path, container))?.options.split(",") ?? [];

describe("V4", () => {
	test("-v of the host: a directory that is missing is made, a file, a relative path; what is written is seen on the other side", async () => {
		const mounts = `-v ${SRC}/made/v1:/v1 -v ${SRC}/plain/file:/a/file -v ./plain:/relative -v /etc/hosts:/etc/hosts:ro`;
		const script = "echo from inside >/v1/note; echo changed >/a/file; cat /relative/file; sha256sum </etc/hosts";
		const typed = `cd ${SRC} && exec ${host.program} run --rm --network none ${mounts} host sh -c '${script}'`;
		const [seen, sum] = linesOf(await host.ok("sh", ["-c", typed]));
		expect([seen, sum]).toEqual(["changed", (await host.ok("sh", ["-c", "sha256sum </etc/hosts"])).trim()]);
		expect(await read(`${SRC}/made/v1/note`)).toBe("from inside");
		expect(await read(`${SRC}/plain/file`)).toBe("changed");
		expect(await host.ok("stat", ["-c", "%F %a %U:%G", `${SRC}/made/v1`])).toBe("directory 755 root:root\n");
		await write(`${SRC}/plain/file`, "file");
	});

	test("ro refuses; z, Z, cached, delegated and consistent change nothing here", async () => {
		const words = ["ro", "z", "Z", "cached", "delegated", "consistent", "rw", "ro,z"];
		const at = (word: string): string => `/m-${word.replace(",", "-")}`;
		await start("words", ...words.flatMap((word) => ["-v", `${SRC}/plain:${at(word)}:${word}`]));
		const expected = words.map((word) => (word.startsWith("ro") ? no(at(word)) : yes(at(word))));
		expect(await writable("words", ...words.map(at))).toEqual(expected);
		await write(`${SRC}/plain/live`, "live");
		expect(await inside("words", "cat /m-ro/live /m-cached/live")).toBe("live\nlive");
		await wharf("rm", "-f", "words");
	});

	test("V5: each propagation of a source that is shared: what the host mounts below it later is seen, or not; what is mounted inside stays there", async () => {
		await host.ok("mount", ["-t", "tmpfs", "shared", "/run/shared"]);
		await host.ok("mount", ["--make-shared", "/run/shared"]);
		const words = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
		const mounts = words.map((word) => `type=bind,source=/run/shared,target=/p/${word},bind-propagation=${word}`);
		await start("spread", ...mounts.flatMap((mount) => ["--mount", mount]), "-v", "/run/shared:/p/v:rslave");
		const is = Object.fromEntries(
			await Promise.all(words.map(async (word) => [word, (await mountAt(host, `/p/${word}`, "spread"))?.propagation])),
		);
		expect(is).toEqual({
			...{ private: "private", rprivate: "private", slave: "private,slave", rslave: "private,slave" },
			...{ shared: expect.stringMatching(/^shared/) as string, rshared: expect.stringMatching(/^shared/) as string },
		});

		await host.ok("mkdir", ["/run/shared/late"]);
		await host.ok("mount", ["-t", "tmpfs", "late", "/run/shared/late"]);
		await write("/run/shared/late/seen", "yes");
		const seen = await inside("spread", "cd /p; ls -d */late/seen");
		expect(linesOf(seen)).toEqual(["rshared", "rslave", "shared", "slave", "v"].map((word) => `${word}/late/seen`));

		const { State } = await inspectContainer(host, "spread");
		const mountInside = (word: string): Promise<string> => {
			const at = `/p/${word}/from-${word}`;
			const script = `mkdir ${at} && mount -t tmpfs inner ${at} && touch ${at}/x`;
			return host.ok("nsenter", ["-t", String(State.Pid), "-m", "--", "sh", "-c", script]);
		};
		for (const word of ["slave", "rslave", "rprivate"]) await mountInside(word);
		expect((await mountsBelow(host, "/run/shared")).map(({ target }) => target)).toEqual([
			"/run/shared",
			"/run/shared/late",
		]);
		await wharf("rm", "-f", "spread");
		await host.ok("umount", ["/run/shared/late"]);
	});

	test("a source that is not shared cannot be: it is said, with what to do", async () => {
		for (const word of ["shared", "rshared", "slave", "rslave"]) {
			expect(await refusedRun("-v", `${SRC}/plain:/x:${word}`)).toMatch(
				new RegExp(
					`^125 wharf: ${SRC}/plain is not on a mount that is shared, .*${word} needs\\.\\n.*mount --make-shared`,
				),
			);
		}
		expect(await wharf("ps", "-aq")).toBe("");
	});
});

describe("V5", () => {
	test("binds: readonly all the way down, or as bind-recursive says; a source that is missing is an error", async () => {
		const bind = (target: string, more: string): string[] => [
			"--mount",
			`type=bind,source=${SRC}/tree,target=${target}${more}`,
		];
		await start(
			"binds",
			...bind("/plain", ""),
			...bind("/ro", ",readonly"),
			...bind("/enabled", ",bind-recursive=enabled,ro"),
			...bind("/disabled", ",bind-recursive=disabled"),
			...bind("/top-only", ",bind-recursive=writable,readonly"),
			...bind("/all", ",bind-recursive=readonly,readonly,bind-propagation=rprivate"),
		);
		const places = ["/plain", "/ro", "/enabled", "/disabled", "/top-only", "/all"];
		const paths = places.flatMap((place) => [place, `${place}/sub`]);
		expect(await writable("binds", ...paths)).toEqual([
			...[yes("/plain"), yes("/plain/sub"), no("/ro"), no("/ro/sub"), no("/enabled"), no("/enabled/sub")],
			...[yes("/disabled"), yes("/disabled/sub"), no("/top-only"), yes("/top-only/sub"), no("/all"), no("/all/sub")],
		]);
		expect(await inside("binds", "cat /ro/sub/deep /disabled/top; ls /disabled/sub")).toBe("deep\ntop\nw");
		for (const place of ["/ro", "/all"]) {
			const found = await mountsBelow(host, place, "binds");
			expect(found.map(({ target }) => target)).toEqual([place, `${place}/sub`]);
			for (const { options } of found) expect(options.split(",")).toContain("ro");
		}
		await wharf("rm", "-f", "binds");

		expect(await refusedRun("--mount", `type=bind,source=${SRC}/missing,target=/x`)).toMatch(
			new RegExp(`^125 wharf: The host has no ${SRC}/missing to mount`),
		);
		expect((await host.run("ls", ["-d", `${SRC}/missing`])).stdout).toBe("");
		await run(["--mount", `type=bind,source=${SRC}/missing/deep,target=/x,bind-create-src`], "echo made >/x/note");
		expect(await read(`${SRC}/missing/deep/note`)).toBe("made");
	});

	test("volumes: driver, options, labels, nocopy, a part, none of a name; memory: size and mode", async () => {
		await wharf("volume", "create", "parts");
		const { Mountpoint } = await inspectVolume(host, "parts");
		await host.ok("sh", [
			"-c",
			`cd ${Mountpoint} && mkdir -p deep/part && echo part >deep/part/note && echo one >file`,
		]);
		const memory = "volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs";
		const mounts = [
			`type=volume,source=mem,target=/mem,${memory},volume-opt=o=size=1m,volume-label=team=blue`,
			"source=bare,target=/etc/skel,volume-nocopy",
			"source=parts,target=/part,volume-subpath=deep/part",
			"source=parts,target=/one,volume-subpath=file,readonly",
			"type=volume,dst=/anonymous,volume-label=kind=scratch",
			"type=tmpfs,target=/tm,tmpfs-size=1m,tmpfs-mode=1770",
			"type=tmpfs,destination=/tr,readonly",
		];
		await start("keys", ...mounts.flatMap((mount) => ["--mount", mount]));
		expect(
			await inside("keys", "cat /part/note /one; ls -A /etc/skel; stat -c '%a %n' /tm /tr; echo more >/part/more"),
		).toBe("part\none\n1770 /tm\n1777 /tr");
		expect(
			await inside(
				"keys",
				"head -c 3000000 /dev/zero >/mem/x; head -c 3000000 /dev/zero >/tm/x; stat -c %s /mem/x /tm/x",
			),
		).toBe("1048576\n1048576");
		expect(await read(`${Mountpoint}/deep/part/more`)).toBe("more");
		expect(await writable("keys", "/tr", "/tm")).toEqual([no("/tr"), expect.stringMatching(/^\/tm /) as string]);
		expect(await inside("keys", "echo x >>/one || echo refused")).toBe("refused");
		const mem = await inspectVolume(host, "mem");
		expect([mem.Labels, mem.Options]).toEqual([{ team: "blue" }, { device: "tmpfs", o: "size=1m", type: "tmpfs" }]);
		const { Mounts } = await inspectContainer(host, "keys");
		const { Name: anonymous = "" } = Mounts.find(({ Destination }) => Destination === "/anonymous") ?? {};
		expect((await inspectVolume(host, anonymous)).Labels).toMatchObject({ kind: "scratch" });
		expect(await audit(host)).toEqual([]);
		await wharf("rm", "-f", "-v", "keys");
		expect(linesOf(await wharf("volume", "ls", "-q"))).toEqual(["bare", "mem", "parts"]);
		expect((await mountsBelow(host, host.root)).map(({ target }) => target)).not.toContain(mem.Mountpoint);
	});

	test("a part of a volume that is missing, or leads out of it by a link, is refused, at create and at start", async () => {
		const { Mountpoint } = await inspectVolume(host, "parts");
		await host.ok("sh", ["-c", `cd ${Mountpoint} && ln -s /etc out && ln -s deep inner && mkdir later`]);
		const part = (subpath: string): string => `source=parts,target=/x,volume-subpath=${subpath}`;
		for (const subpath of ["nosuch", "out", "out/apt", "inner/part", "file/x"]) {
			expect(await refusedRun("--mount", part(subpath))).toMatch(new RegExp(`^125 wharf: The part "${subpath}" of `));
		}
		await wharf("create", "--name", "later", "--mount", part("later"), "host", "ls", "/x");
		await host.ok("sh", ["-c", `cd ${Mountpoint} && rmdir later && ln -s /etc later`]);
		expect(await refused("start", "later")).toMatch(/^1 wharf: The part "later" of /);
		await host.ok("sh", ["-c", `cd ${Mountpoint} && rm later && mkdir later && touch later/back`]);
		await wharf("start", "later");
		await wharf("wait", "later");
		expect(await wharf("logs", "later")).toBe("back");
		await wharf("rm", "later");
		await wharf("volume", "rm", "bare", "mem", "parts");
	});
});

test("V6: --tmpfs is memory, as it was asked for, and gone with the container's run", async () => {
	await start("memory", "--tmpfs", "/run:size=64m", "--tmpfs", "/t:size=1m,mode=700,exec");
	expect(await mountAt(host, "/run", "memory")).toMatchObject({
		fstype: "tmpfs",
		options: expect.stringMatching(/^(?=.*noexec)(?=.*nosuid)(?=.*nodev)(?=.*size=65536k)/) as string,
	});
	expect(await optionsAt("/t", "memory")).not.toContain("noexec");
	expect(await inside("memory", "echo x >/run/gone; stat -c %a /t; findmnt -bno SIZE /run")).toBe("700\n67108864");
	await wharf("stop", "-t", "0", "memory");
	await wharf("start", "memory");
	expect(await inside("memory", "ls /run")).toBe("");
	await wharf("rm", "-f", "memory");
});

test("V7: --volumes-from: all of the other's mounts, of two, chained, read-only, of one that never ran, and of none that is gone", async () => {
	await start("dbdata", "-v", "/dbdata", "-v", "named:/named", "-v", `${SRC}/plain:/plain:ro`);
	await wharf("create", "--name", "never-ran", "-v", "other:/other", "--tmpfs", "/mem", "host", "true");
	await inside("dbdata", "echo rows >/dbdata/table");
	await start("db1", "--volumes-from", "dbdata", "--volumes-from", "never-ran");
	await start("db3", "--volumes-from", "db1:ro", "-v", "own:/named");
	expect(await inside("db1", "cat /dbdata/table /plain/file; ls -d /named /other /mem")).toBe(
		"rows\nfile\n/mem\n/named\n/other",
	);
	expect(await writable("db1", "/dbdata", "/named", "/plain", "/other", "/mem")).toEqual([
		...[yes("/dbdata"), yes("/named"), no("/plain"), yes("/other"), yes("/mem")],
	]);
	expect(await writable("db3", "/dbdata", "/named", "/plain", "/other")).toEqual([
		...[no("/dbdata"), yes("/named"), no("/plain"), no("/other")],
	]);
	const nameAt = async (container: string, place: string): Promise<string | undefined> =>
		(await inspectContainer(host, container)).Mounts.find(({ Destination }) => Destination === place)?.Name;
	expect(await nameAt("db3", "/dbdata")).toBe(await nameAt("dbdata", "/dbdata"));
	expect(await nameAt("db3", "/named")).toBe("own");
	await inside("db1", "echo more >>/dbdata/table");
	expect(await inside("db3", "cat /dbdata/table")).toBe("rows\nmore");

	await wharf("rm", "-f", "dbdata");
	expect(await inside("db1", "cat /dbdata/table")).toBe("rows\nmore");
	expect(await refusedRun("--volumes-from", "dbdata")).toMatch(/^125 wharf: There is no container "?dbdata/);
	expect(await refusedRun("--volumes-from", "db1:rx")).toMatch(/^125 wharf: .*db1:rx/);
	await wharf("rm", "-f", "-v", "db1", "db3", "never-ran");
	expect(linesOf(await wharf("volume", "ls", "-q"))).toEqual(["named", "other", "own"]);
	await wharf("volume", "rm", "named", "other", "own");
});

test("V13: a bind over a directory that is not empty hides it, and leaves it as it was", async () => {
	const before = await treeOf(host, "/etc/apt");
	expect(before.length).toBeGreaterThan(1);
	expect(await run(["-v", `${SRC}/tree:/etc/apt`], "ls /etc/apt; touch /etc/apt/new; rm /etc/apt/new")).toBe(
		"sub\ntop\nw",
	);
	expect(await treeOf(host, "/etc/apt")).toEqual(before);
	await host.ok("rm", [`${SRC}/tree/w`]);
});

test("V15: the host's tree, read-only all the way down", async () => {
	await start("inspector", "-v", "/:/host:ro");
	const places = [`/host${SRC}`, `/host${SRC}/tree/sub`, "/host/run", `/host${host.root}`];
	expect(await writable("inspector", ...places)).toEqual(places.map(no));
	expect(await inside("inspector", `cat /host${SRC}/tree/sub/deep`)).toBe("deep");
	const found = await mountsBelow(host, "/host", "inspector");
	expect(found.map(({ target }) => target)).toEqual(
		expect.arrayContaining(["/host", "/host/run", `/host${SRC}/tree/sub`]),
	);
	expect(found.filter(({ options }) => !options.split(",").includes("ro"))).toEqual([]);
	await wharf("rm", "-f", "inspector");
});

describe("destinations", () => {
	test("the outer one is mounted before the inner one, however they are typed", async () => {
		await wharf("volume", "create", "inner");
		const typed = [
			"-v",
			"inner:/a/b/c",
			"--tmpfs",
			"/a/b",
			"-v",
			"outer:/a",
			"--mount",
			"type=tmpfs,target=/a/b/c/d/e",
		];
		expect(await run(typed, "touch /a/1 /a/b/2 /a/b/c/3 /a/b/c/d/e/4; findmnt -rno TARGET | grep ^/a | sort")).toBe(
			"/a\n/a/b\n/a/b/c\n/a/b/c/d/e",
		);
		const there = async (name: string): Promise<string> =>
			(await host.ok("find", [(await inspectVolume(host, name)).Mountpoint, "-type", "f", "-printf", "%P"])).trim();
		expect([await there("outer"), await there("inner")]).toEqual(["1", "3"]);
		await wharf("volume", "rm", "inner", "outer");
	});

	test("two mounts at one destination are refused", async () => {
		const pairs = [
			["-v", "aa:/x", "-v", "bb:/x/"],
			["-v", `${SRC}/plain:/x`, "--tmpfs", "/x"],
			["--mount", "type=tmpfs,target=//x/.", "-v", "/x"],
		];
		for (const pair of pairs)
			expect(await refusedRun(...pair)).toMatch(/^125 wharf: Two mounts have the destination \/x\./);
		expect(await wharf("volume", "ls", "-q")).toBe("");
	});

	test("one that is a link in the image is followed inside the container, and never outside", async () => {
		expect(await host.ok("readlink", ["/var/run"])).toBe("/run\n");
		const mounts = ["-v", "linked:/var/run/linked", "-v", `${SRC}/plain:/bin/of-ours:ro`];
		expect(
			await run(
				mounts,
				"echo x >/run/linked/note; cat /usr/bin/of-ours/file; findmnt -rno TARGET | grep -E 'linked|ours' | sort",
			),
		).toBe("file\n/run/linked\n/usr/bin/of-ours");
		expect(await read(`${(await inspectVolume(host, "linked")).Mountpoint}/note`)).toBe("x");
		expect((await host.run("ls", ["-d", "/run/linked", "/usr/bin/of-ours"])).stdout).toBe("");
		await wharf("volume", "rm", "linked");
	});

	test("a file where a directory must be, and the other way round, in one sentence", async () => {
		expect(await refusedRun("-v", "data:/etc/passwd")).toMatch(/^125 wharf: The image has a file at \/etc\/passwd/);
		const unfit: readonly [string, string, string][] = [
			[`${SRC}/plain`, "/etc/passwd", "there is a file, and it is a directory"],
			[`${SRC}/plain/file`, "/etc/skel", "there is a directory, and it is a file"],
			[`${SRC}/plain`, "/etc/passwd/below", "a part of that path is a file"],
		];
		for (const [source, destination, problem] of unfit) {
			expect(await refusedRun("-v", `${source}:${destination}`)).toMatch(
				new RegExp(`^125 wharf: The mount at ${destination} of container \\w+ does not fit: ${problem}\\.\n`),
			);
		}
		expect(await refusedRun("-v", `${SRC}/plain/file/below:/x`)).toMatch(
			/^125 wharf: "\/run\/src\/plain\/file\/below" cannot be mounted: no directory can be made there \(ENOTDIR\)\./,
		);
		expect([await wharf("ps", "-aq"), await wharf("volume", "ls", "-q")]).toEqual(["", ""]);
		expect(await audit(host)).toEqual([]);
	});
});

test("a source that vanishes between create and start: it is said, nothing is left, and start works when it is back", async () => {
	await host.ok("mkdir", [`${SRC}/vanishing`]);
	const mounts = [
		"--mount",
		`type=bind,source=${SRC}/vanishing,target=/x`,
		"-v",
		"data:/data",
		"-v",
		`${SRC}/remade:/y`,
	];
	await wharf("create", "--name", "late", ...mounts, "host", "ls", "/x");
	await host.ok("rmdir", [`${SRC}/vanishing`, `${SRC}/remade`]);
	expect(await refused("start", "late")).toMatch(new RegExp(`^1 wharf: The host has no ${SRC}/vanishing to mount\\.`));
	expect(await audit(host)).toEqual([]);
	await host.ok("mkdir", [`${SRC}/vanishing`]);
	await host.ok("touch", [`${SRC}/vanishing/back`]);
	await wharf("start", "late");
	await wharf("wait", "late");
	expect(await wharf("logs", "late")).toBe("back");
	expect(await host.ok("ls", ["-d", `${SRC}/remade`])).toBe(`${SRC}/remade\n`);
	await wharf("rm", "late");
	await wharf("volume", "rm", "data");
});

test("V5: owners are mapped on ext4: the container and the disk each see their own", async () => {
	await host.ok("truncate", ["-s", "16M", "/run/ext4.image"]);
	await host.ok("mkfs.ext4", ["-q", "/run/ext4.image"]);
	await host.ok("mount", ["-o", "loop", "/run/ext4.image", "/run/ext4"]);
	await host.ok("sh", [
		"-c",
		"cd /run/ext4 && mkdir data && touch data/zero data/thousand && chown 1000:1000 data/thousand",
	]);
	const map = "idmap=uids=0-100000-65536";
	await start(
		"mapped",
		"-v",
		`/run/ext4/data:/v:${map}`,
		"--mount",
		`type=bind,source=/run/ext4/data,target=/m,readonly,${map};gids=0-200000-65536`,
	);
	expect(await inside("mapped", "stat -c '%u:%g %n' /v/zero /v/thousand /m/zero /m/thousand")).toBe(
		"100000:100000 /v/zero\n101000:101000 /v/thousand\n100000:200000 /m/zero\n101000:201000 /m/thousand",
	);
	await inside("mapped", "setpriv --reuid 101000 --regid 101000 --clear-groups true; chown 101000:101000 /v/zero");
	expect(await host.ok("stat", ["-c", "%u:%g", "/run/ext4/data/zero"])).toBe("1000:1000\n");
	expect(await writable("mapped", "/m")).toEqual([no("/m")]);
	expect(await audit(host)).toEqual([]);
	await wharf("rm", "-f", "mapped");
	await host.ok("umount", ["/run/ext4"]);
});

describe("into a running container", () => {
	test("a volume, and the host's tree read-only with what is mounted below; taken out again", async () => {
		await start("live");
		expect(await wharf("volume", "mount", "live", "data:/data")).toBe("/data");
		await wharf("volume", "mount", "live", `type=bind,source=${SRC}/tree,target=/srv/tree,readonly`);
		expect(await writable("live", "/data", "/srv/tree", "/srv/tree/sub")).toEqual([
			yes("/data"),
			no("/srv/tree"),
			no("/srv/tree/sub"),
		]);
		expect(await inside("live", "cat /srv/tree/sub/deep")).toBe("deep");
		expect(await host.ok("ls", [(await inspectVolume(host, "data")).Mountpoint])).toBe("w\n");
		for (const { options } of await mountsBelow(host, "/srv/tree", "live")) expect(options.split(",")).toContain("ro");
		expect(await refused("volume", "rm", "data")).toMatch(/^1 wharf: The volume data is in use by live \(/);
		expect(await refused("volume", "mount", "live", "other:/data")).toMatch(
			/^1 wharf: Something is mounted at \/data of live already/,
		);

		await kill(host, "volumed");
		await settled(host);
		expect(await inside("live", "ls /data")).toBe("w");
		expect(await audit(host)).toEqual([]);
		for (const place of ["/data", "/srv/tree"]) expect(await wharf("volume", "unmount", "live", place)).toBe(place);
		expect([await mountAt(host, "/data", "live"), await mountAt(host, "/srv/tree", "live")]).toEqual([
			undefined,
			undefined,
		]);
		await wharf("volume", "rm", "data");
	});

	test("a destination behind a link to outside stays inside the container", async () => {
		const link = `mkdir -p ${SRC}/plain; ln -s ${SRC}/plain /to-outside; ln -s ../../../../../..${SRC}/plain /up`;
		await inside("live", link);
		await wharf("volume", "mount", "live", "escape:/to-outside/deep");
		await wharf("volume", "mount", "live", "again:/up/over");
		expect(await inside("live", `findmnt -rno TARGET | grep ^${SRC} | sort`)).toBe(
			`${SRC}/plain/deep\n${SRC}/plain/over`,
		);
		expect((await host.run("ls", ["-d", `${SRC}/plain/deep`, `${SRC}/plain/over`])).stdout).toBe("");
		expect((await mountsBelow(host, "/run")).filter(({ target }) => target.startsWith(`${SRC}/plain`))).toEqual([]);
	});

	test("what is not there to mount, or to mount into, is said; when the container ends its volumes are free", async () => {
		expect(await refused("volume", "mount", "live", `type=bind,source=${SRC}/nowhere,target=/x`)).toMatch(
			new RegExp(`^1 wharf: The host has no ${SRC}/nowhere to mount`),
		);
		expect(await refused("volume", "mount", "live", "fresh:/etc/passwd")).toMatch(
			/^1 wharf: Nothing can be mounted at \/etc\/passwd/,
		);
		expect(await refused("volume", "mount", "nobody", "fresh:/x")).toMatch(/^1 wharf: .*nobody/);
		expect(linesOf(await wharf("volume", "ls", "-q"))).toEqual(["again", "escape"]);
		await wharf("stop", "-t", "0", "live");
		expect(await refused("volume", "mount", "live", "fresh:/x")).toMatch(/^1 wharf: .*live/);
		await eventually(async () => expect(await audit(host)).toEqual([]));
		expect(linesOf(await wharf("volume", "rm", "again", "escape"))).toEqual(["again", "escape"]);
		await wharf("rm", "live");
	});
});
