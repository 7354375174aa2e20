/** Volumes at the command line, SEEDS V1, V2, V3, V8, V11, V14, V16: made, filled, shared, told of and removed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { inspectContainer, inspectVolume, linesOf, mountAt, treeOf } from "../support/mounts.ts";
import { kill, settled } from "../support/services.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
});

afterAll(() => takeDown(host));

const wharf = (...args: string[]): Promise<string> => host.wharfOk(...args);
const mountpoint = async (name: string): Promise<string> => (await inspectVolume(host, name)).Mountpoint;
const names = async (...filters: string[]): Promise<string[]> =>
	linesOf(await wharf("volume", "ls", "-q", ...filters.flatMap((filter) => ["-f", filter])));
/** As `1 wharf: …`. */
async function refused(...args: string[]): Promise<string> {
	const { exitCode, stdout, stderr } = await host.wharf(args);
	expect(stdout).toBe("");
	return `${exitCode} ${stderr}`;
}
const run = (mounts: readonly string[], script: string): Promise<string> =>
	wharf("run", "--rm", "--network", "none", ...mounts, "host", "sh", "-c", script);
const start = (name: string, ...mounts: string[]): Promise<string> =>
	wharf("run", "-d", "--name", name, "--network", "none", ...mounts, "host", "sleep", "1000");
const isOnDisk = async (name: string): Promise<boolean> =>
	(await host.run("test", ["-d", `${host.root}/volumes/${name}`])).exitCode === 0;

describe("V1", () => {
	test("create, ls, inspect and rm as the documents type them", async () => {
		expect(await wharf("volume", "create", "my-vol")).toBe("my-vol");
		expect(linesOf(await wharf("volume", "ls")).map((line) => line.split(/\s{2,}/))).toEqual([
			["DRIVER", "VOLUME NAME"],
			["local", "my-vol"],
		]);
		expect(JSON.parse(await wharf("volume", "inspect", "my-vol"))).toEqual([
			{
				CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string,
				Driver: "local",
				Labels: {},
				Mountpoint: `${host.root}/volumes/my-vol/_data`,
				Name: "my-vol",
				Options: {},
				Scope: "local",
			},
		]);
		expect(await host.ok("stat", ["-c", "%F %a %U:%G", await mountpoint("my-vol")])).toBe("directory 755 root:root\n");
		expect(await wharf("volume", "rm", "my-vol")).toBe("my-vol");
		expect(await names()).toEqual([]);
		expect(await isOnDisk("my-vol")).toBe(false);
	});

	test("a name is made up; one that is there just so is the answer, and with other options, labels or driver it is refused", async () => {
		const name = await wharf("volume", "create");
		expect(name).toMatch(/^[0-9a-f]{64}$/);
		await wharf("volume", "create", "--label", "team=blue", "fixed");
		expect(await wharf("volume", "create", "--label", "team=blue", "fixed")).toBe("fixed");
		const before = await inspectVolume(host, "fixed");
		const again = (...args: string[]): Promise<string> => refused("volume", "create", ...args, "fixed");
		expect(await again()).toMatch(/^1 wharf: The volume fixed is there already, with the label team=blue/);
		expect(await again("--label", "team=red")).toMatch(/^1 .*team/);
		expect(await again("--label", "team=blue", "-o", "size=1m")).toMatch(/^1 .*size/);
		expect(await again("-d", "sshfs", "-o", "device=me@host.test:/x")).toMatch(/^1 .*the driver local and not sshfs/);
		expect(await inspectVolume(host, "fixed")).toEqual(before);
		await wharf("volume", "rm", name, "fixed");
	});

	test("several at once, one of which is not there: the others go, and that one is told", async () => {
		for (const name of ["one", "two"]) await wharf("volume", "create", name);
		const { exitCode, stdout, stderr } = await host.wharf(["volume", "rm", "one", "nosuch", "two"]);
		expect([exitCode, stdout]).toEqual([1, "one\ntwo\n"]);
		expect(stderr).toMatch(/There is no volume nosuch/);
		expect(await names()).toEqual([]);
	});

	test("labels, by which they are found, and which can be changed while it is used; filters together", async () => {
		await wharf("volume", "create", "--label", "team=blue", "--label", "draft", "app-data");
		await wharf("volume", "create", "--label", "team=red", "app-logs");
		await wharf("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "scratch");
		await start("user", "-v", "app-data:/data");
		expect(await names("label=team")).toEqual(["app-data", "app-logs"]);
		expect(await names("label=team=red")).toEqual(["app-logs"]);
		expect(await names("name=app", "label=draft")).toEqual(["app-data"]);
		expect(await names("name=^scr")).toEqual(["scratch"]);
		expect(await names("dangling=true")).toEqual(["app-logs", "scratch"]);
		expect(await names("dangling=false")).toEqual(["app-data"]);
		expect(await names("driver=local")).toHaveLength(3);
		expect(await names("driver=nosuch")).toEqual([]);
		expect(await refused("volume", "ls", "-f", "lable=x")).toMatch(/^1 .*label/);

		await wharf(
			"volume",
			"update",
			"--label",
			"team=green",
			"--label",
			"since=2026",
			"--label-rm",
			"draft",
			"app-data",
		);
		expect((await inspectVolume(host, "app-data")).Labels).toEqual({ team: "green", since: "2026" });
		const [line] = linesOf(await wharf("volume", "ls", "--format", "json", "-f", "label=since"));
		expect(JSON.parse(line ?? "")).toMatchObject({
			Name: "app-data",
			Labels: "team=green,since=2026",
			Driver: "local",
		});
		expect((await inspectVolume(host, "scratch")).Options).toEqual({ device: "tmpfs", type: "tmpfs" });
		await wharf("rm", "-f", "user");
		await wharf("volume", "rm", "app-data", "app-logs", "scratch");
	});

	test("how much is in it, as du(1) counts what lies in its directory", async () => {
		await run(
			["-v", "sized:/data"],
			"mkdir /data/deep && head -c 300000 /dev/urandom >/data/deep/x && ln /data/deep/x /data/y",
		);
		const [inspected] = JSON.parse(await wharf("volume", "inspect", "-s", "sized")) as {
			UsageData: { Size: number };
		}[];
		const du = await host.ok("sh", ["-c", 'cd "$0" && du -c -s -B1 -- * | tail -1', await mountpoint("sized")]);
		const counted = Number(du.split("\t")[0]);
		expect(inspected?.UsageData.Size).toBe(counted);
		expect(await wharf("volume", "ls", "--size", "-f", "name=sized")).toMatch(
			/^DRIVER +VOLUME NAME +SIZE +FILES\n.*kB/,
		);
		await wharf("volume", "rm", "sized");
	});

	test("rename: what is in it moves along; not while somebody uses it, and not to a name that is taken", async () => {
		await run(["-v", "old:/data"], "echo kept >/data/note");
		await start("user", "-v", "old:/data");
		expect(await refused("volume", "rename", "old", "new")).toMatch(/^1 .*old is in use by user \(/);
		await wharf("rm", "-f", "user");
		await wharf("volume", "create", "taken");
		expect(await refused("volume", "rename", "old", "taken")).toMatch(/^1 .*There is a volume taken already/);
		expect(await wharf("volume", "rename", "old", "new")).toBe("new");
		expect(await host.ok("cat", [`${await mountpoint("new")}/note`])).toBe("kept\n");
		expect(await isOnDisk("old")).toBe(false);
		expect(await run(["-v", "new:/data"], "cat /data/note")).toBe("kept");
		expect(await names()).toEqual(["new", "taken"]);
		await wharf("volume", "rm", "new", "taken");
	});

	test("prune: only told first; those without a name, then all of them, by label; never one that is used or published", async () => {
		const anonymous = await wharf("volume", "create");
		for (const name of ["named", "kept", "shown", "used"]) await wharf("volume", "create", "--label", name, name);
		await host.ok("mkdir", ["/run/shown"]);
		await wharf("volume", "publish", "shown", "/run/shown");
		await wharf("create", "--name", "user", "-v", "used:/data", "host", "true");
		expect(await wharf("volume", "prune", "--dry-run")).toMatch(
			new RegExp(`^Volumes that would be deleted:\n${anonymous}\n\nTotal reclaimable space: `),
		);
		const all = ["volume", "prune", "--all", "--filter", "label!=kept"];
		expect(linesOf(await wharf(...all, "--dry-run")).slice(1, -1)).toEqual([anonymous, "named"].sort());
		expect(await names()).toEqual([anonymous, "kept", "named", "shown", "used"].sort());

		expect(await refused("volume", "prune")).toMatch(/^1 /);
		expect(await wharf("volume", "prune", "-f")).toContain(`Deleted Volumes:\n${anonymous}\n`);
		expect(await wharf(...all, "-f")).toContain("Deleted Volumes:\nnamed\n\n");
		expect(await names()).toEqual(["kept", "shown", "used"]);
		expect(await isOnDisk("used")).toBe(true);
		await wharf("rm", "user");
		await wharf("volume", "unpublish", "/run/shown");
		expect(linesOf(await wharf("volume", "prune", "-a", "-f")).slice(1, -1)).toEqual(["kept", "shown", "used"]);
		expect(await host.ok("ls", ["-d", "/run/shown"])).toBe("/run/shown\n");
	});

	test("publish at a path of the host: there across kill -9 of volumed and after somebody's umount, until unpublish", async () => {
		await run(["-v", "site:/data"], "mkdir /data/part && echo hello >/data/part/note");
		const data = await mountpoint("site");
		expect(await wharf("volume", "publish", "site", "/run/site")).toBe("/run/site");
		await wharf("volume", "publish", "site", "/run/part", "--subpath", "part", "--ro");
		expect(await host.ok("cat", ["/run/site/part/note", "/run/part/note"])).toBe("hello\nhello\n");
		expect((await mountAt(host, "/run/part"))?.options.split(",")).toContain("ro");
		expect((await host.run("touch", ["/run/part/x"])).stderr).toContain("Read-only file system");
		await host.ok("sh", ["-c", "echo from the host >/run/site/host"]);
		expect(await host.ok("cat", [`${data}/host`])).toBe("from the host\n");
		expect((await inspectVolume(host, "site"))["PublishedAt"]).toEqual(["/run/part", "/run/site"]);
		expect(await refused("volume", "rm", "site")).toMatch(
			/^1 .*in use by the path \/run\/part, the path \/run\/site\./,
		);
		expect(await refused("volume", "publish", "site", "/run/part")).toMatch(/^1 .*published at \/run\/part already/);

		await kill(host, "volumed");
		expect(await host.ok("cat", ["/run/site/host"])).toBe("from the host\n");
		await settled(host);
		await host.ok("umount", ["/run/part"]);
		await kill(host, "volumed");
		await settled(host);
		await eventually(async () => expect(await host.ok("cat", ["/run/part/note"])).toBe("hello\n"));
		expect((await mountAt(host, "/run/part"))?.options.split(",")).toContain("ro");
		expect((await mountAt(host, "/run/site"))?.options.split(",")).toContain("rw");
		expect(await audit(host)).toEqual([]);

		for (const path of ["/run/site", "/run/part"]) expect(await wharf("volume", "unpublish", path)).toBe(path);
		expect([await mountAt(host, "/run/site"), await mountAt(host, "/run/part")]).toEqual([undefined, undefined]);
		expect((await host.run("ls", ["-d", "/run/site", "/run/part"])).stdout).toBe("");
		expect(await host.ok("cat", [`${data}/part/note`])).toBe("hello\n");
		await wharf("volume", "rm", "site");
	});
});

test("V2: volumes without a name: several of a container, kept by rm, gone with rm -v and --rm, never while another one uses them", async () => {
	await start("test1", "-v", "/volume1", "-v", "/volume2");
	await wharf("exec", "test1", "sh", "-c", "echo hello >/volume1/test.txt; echo two >/volume2/test.txt");
	const { Mounts, Config } = await inspectContainer(host, "test1");
	expect(Config.Volumes).toEqual({ "/volume1": {}, "/volume2": {} });
	const [first = "", second = ""] = Mounts.map(({ Name = "" }) => Name);
	expect(Mounts.map(({ Destination }) => Destination)).toEqual(["/volume1", "/volume2"]);
	expect([first, second].join(" ")).toMatch(/^[0-9a-f]{64} [0-9a-f]{64}$/);
	expect(await host.ok("cat", [`${await mountpoint(first)}/test.txt`, `${await mountpoint(second)}/test.txt`])).toBe(
		"hello\ntwo\n",
	);
	await wharf("rm", "-f", "test1");
	expect(await names()).toEqual([first, second].sort());

	await start("test2", "-v", "/volume1", "-v", "named:/data");
	await start("test3", "--volumes-from", "test2");
	const [shared = ""] = (await inspectContainer(host, "test2")).Mounts.flatMap(({ Name = "" }) =>
		Name === "named" ? [] : [Name],
	);
	await wharf("rm", "-f", "-v", "test2");
	expect(await names()).toContain(shared);
	await wharf("exec", "test3", "touch", "/volume1/still");
	await wharf("rm", "-f", "-v", "test3");
	expect(await names()).toEqual([first, second, "named"].sort());
	expect(await isOnDisk(shared)).toBe(false);

	expect(await run(["-v", "/volume1", "-v", "named:/data"], "ls -d /volume1 /data")).toBe("/data\n/volume1");
	expect(await names()).toEqual([first, second, "named"].sort());
	await wharf("volume", "rm", first, second, "named");
});

describe("V3", () => {
	test("a name that does not exist is made, and filled from the image with owners and modes, an empty directory's too; nocopy is not", async () => {
		const flags = [
			"-v",
			"skel:/etc/skel",
			"-v",
			"local:/var/local",
			"-v",
			"bare:/etc/apt:nocopy",
			"-v",
			"new:/nowhere/yet",
		];
		expect(await run(flags, "ls -A /etc/apt /nowhere/yet; ls -A /etc/skel | wc -l")).toBe(
			`/etc/apt:\n\n/nowhere/yet:\n${linesOf(await host.ok("ls", ["-A", "/etc/skel"])).length}`,
		);
		expect(await names()).toEqual(["bare", "local", "new", "skel"]);
		expect(await host.ok("diff", ["-r", "/etc/skel", await mountpoint("skel")])).toBe("");
		expect(await treeOf(host, await mountpoint("skel"))).toEqual(await treeOf(host, "/etc/skel"));
		const [empty] = await treeOf(host, "/var/local");
		expect(empty).toMatch(/^ d 2775 0:/);
		expect((await treeOf(host, await mountpoint("local")))[0]).toBe(empty);
		expect(await host.ok("stat", ["-c", "%a %u:%g", await mountpoint("new")])).toBe("755 0:0\n");
	});

	test("a second container finds it as the first has left it: emptied, it stays empty", async () => {
		await run(["-v", "skel:/etc/skel"], "find /etc/skel -mindepth 1 -delete");
		expect(await run(["-v", "skel:/etc/skel", "-v", "bare:/etc/apt"], "ls -A /etc/skel /etc/apt")).toBe(
			"/etc/apt:\n\n/etc/skel:",
		);
		expect(await host.ok("ls", ["-A", "/etc/skel"])).not.toBe("");
		await wharf("volume", "rm", "bare", "local", "new", "skel");
	});
});

test("V8: a volume in use stays, and all of its users are named; after the containers' removal it goes", async () => {
	await start("web", "-v", "data:/data");
	await wharf("create", "--name", "later", "-v", "data:/data:ro", "host", "true");
	const said = await refused("volume", "rm", "data");
	expect(said).toMatch(/^1 wharf: The volume data is in use by .*\.\n/);
	for (const name of ["web", "later"]) {
		expect(said).toContain(`${name} (${(await inspectContainer(host, name)).Id.slice(0, 12)})`);
	}
	expect(await refused("volume", "rm", "-f", "data")).toMatch(/^1 .*in use/);
	await wharf("exec", "web", "touch", "/data/works-still");
	await wharf("rm", "-f", "web");
	expect(await refused("volume", "rm", "data")).toMatch(/^1 .*in use by later \([0-9a-f]{12}\)\./);
	await wharf("rm", "later");
	await wharf("volume", "rm", "data");
	expect(await isOnDisk("data")).toBe(false);
});

test("V11, V16: inspect says what a container mounts, as Docker does, and as the kernel has it", async () => {
	await host.ok("mkdir", ["-p", "/run/webapp"]);
	const volumes = ["-v", "/scratch", "-v", "data:/data:ro,nocopy", "--mount", "source=myvol2,target=/app"];
	await start("devtest", ...volumes, "-v", "/run/webapp:/opt/webapp:ro,rprivate", "--tmpfs", "/cache:size=1m");
	const inspected = await inspectContainer(host, "devtest");
	const [anonymous = ""] = inspected.Mounts.flatMap(({ Name = "" }) => (/^[0-9a-f]{64}$/.test(Name) ? [Name] : []));
	const volume = (Name: string, Destination: string) => ({
		...{ Type: "volume", Name, Source: `${host.root}/volumes/${Name}/_data`, Destination, Driver: "local" },
		...{ Mode: "", RW: true, Propagation: "" },
	});
	const byDestination = [...inspected.Mounts].sort((a, b) => a.Destination.localeCompare(b.Destination));
	expect(byDestination).toEqual([
		volume("myvol2", "/app"),
		{ Type: "tmpfs", Source: "", Destination: "/cache", Mode: "size=1m", RW: true, Propagation: "" },
		{ ...volume("data", "/data"), Mode: "ro,nocopy", RW: false },
		{
			...{ Type: "bind", Source: "/run/webapp", Destination: "/opt/webapp" },
			...{ Mode: "ro,rprivate", RW: false, Propagation: "rprivate" },
		},
		volume(anonymous, "/scratch"),
	]);
	expect(inspected).toMatchObject({
		Config: { Volumes: { "/scratch": {} } },
		HostConfig: {
			Binds: ["data:/data:ro,nocopy", "/run/webapp:/opt/webapp:ro,rprivate", "myvol2:/app"],
			Tmpfs: { "/cache": "size=1m" },
		},
	});
	for (const { Destination, Type } of inspected.Mounts) {
		const found = await mountAt(host, Destination, "devtest");
		const isReadOnly = ["/data", "/opt/webapp"].includes(Destination);
		expect(found?.options.split(",").includes("ro")).toBe(isReadOnly);
		expect(found?.fstype === "tmpfs" && found.options.includes("size=1024k")).toBe(Type === "tmpfs");
		expect(found?.propagation).toBe("private");
	}
	await wharf("create", "--name", "plain", "host", "true");
	expect(await inspectContainer(host, "plain")).toMatchObject({ Mounts: [], Config: { Volumes: null } });
	await wharf("rm", "-f", "-v", "devtest", "plain");
	await wharf("volume", "rm", "data", "myvol2");
});

test("V14: what one container writes to a shared volume another one reads at once, and follows", async () => {
	await start("writer", "-v", "logs:/var/log/app");
	const follow = ["sh", "-c", "touch /logs/app.log; exec tail -n +1 -f /logs/app.log"];
	await wharf("run", "-d", "--name", "reader", "--network", "none", "-v", "logs:/logs", "host", ...follow);
	for (const line of ["first", "second"]) {
		await wharf("exec", "writer", "sh", "-c", `echo ${line} >>/var/log/app/app.log`);
		expect(linesOf(await wharf("exec", "reader", "cat", "/logs/app.log")).at(-1)).toBe(line);
	}
	await eventually(async () => expect(await wharf("logs", "reader")).toBe("first\nsecond"));
	expect(await host.ok("cat", [`${await mountpoint("logs")}/app.log`])).toBe("first\nsecond\n");
	await wharf("rm", "-f", "writer", "reader");
	await wharf("volume", "rm", "logs");
});
