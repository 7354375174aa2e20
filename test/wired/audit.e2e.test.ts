/** The audit itself: with one stray of each kind planted, by other programs than wharf, it must say so; and nothing before and after. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { rows } from "../support/audit/stores.ts";
import { Host } from "../support/host.ts";
import { kill } from "../support/services.ts";

const RECONCILERS = ["netd", "ipamd", "volumed", "gateway"];

let host: Host;
let container: string;
let sandbox: string;

beforeAll(async () => {
	host = await Host.boot();
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	container = await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"front",
		"-p",
		"8080:80",
		"-v",
		"data:/data",
		"host",
		"sleep",
		"1000",
	);
	sandbox = String(rows(host.root, "netd", "SELECT netns_path FROM sandboxes")[0]?.["netns_path"]);
	// What is planted stays as it is: nobody reconciles.
	for (const service of RECONCILERS) await kill(host, service, "STOP");
	expect(await audit(host)).toEqual([]);
});

afterAll(async () => {
	for (const service of RECONCILERS) await kill(host, service, "CONT");
	await host.wharfOk("down", "--all", "--volumes");
	await host[Symbol.asyncDispose]();
});

interface Stray {
	readonly kind: string;
	readonly plant: () => Promise<unknown>;
	readonly remove: () => Promise<unknown>;
	readonly says: RegExp;
}

const ip = (...args: string[]) => host.ok("ip", args);
const nft = (...args: string[]) => host.ok("nft", args);
const at = (...names: string[]): string => join(host.root, ...names);

async function inStore(service: string, sql: string): Promise<void> {
	const database = new DatabaseSync(at("state", `${service}.db`));
	database.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
	database.close();
}

const STRAYS: readonly Stray[] = [
	{
		kind: "a veth",
		plant: () => ip("link", "add", "wv-0123456789ab", "type", "veth", "peer", "name", "p"),
		remove: () => ip("link", "del", "wv-0123456789ab"),
		says: /link veth wv-0123456789ab is there and not stored/,
	},
	{
		kind: "a bridge",
		plant: () => ip("link", "add", "wh-0123456789ab", "type", "bridge"),
		remove: () => ip("link", "del", "wh-0123456789ab"),
		says: /link bridge wh-0123456789ab is there and not stored/,
	},
	{
		kind: "a link taken off its bridge",
		plant: async () => ip("link", "set", await legName(), "nomaster"),
		remove: async () => ip("link", "set", await legName(), "master", await bridgeName()),
		says: /veth wv-.* is stored and not there/,
	},
	{
		kind: "a namespace",
		plant: async () => {
			await host.ok("touch", [at("run/netns/stray")]);
			await host.ok("mount", ["--bind", "/run/netns/outside", at("run/netns/stray")]);
		},
		remove: async () => {
			await host.ok("umount", [at("run/netns/stray")]);
			await host.ok("rm", [at("run/netns/stray")]);
		},
		says: /namespace .*stray is there and not stored/,
	},
	{
		kind: "an interface inside a sandbox",
		plant: () => host.ok("nsenter", [`--net=${sandbox}`, "ip", "link", "add", "stray0", "type", "bridge"]),
		remove: () => host.ok("nsenter", [`--net=${sandbox}`, "ip", "link", "del", "stray0"]),
		says: /interface stray0 .*is there and not stored/,
	},
	{
		kind: "an element of a map",
		plant: () => nft("add element inet wharf published4 { tcp . 9999 : 172.18.0.99 . 80 }"),
		remove: () => nft("delete element inet wharf published4 { tcp . 9999 }"),
		says: /published tcp 9999 -> 172\.18\.0\.99 80 is there and not stored/,
	},
	{
		kind: "an element that is missing",
		plant: async () => nft(`delete element inet wharf bridges { "${await bridgeName()}" }`),
		remove: async () => nft(`add element inet wharf bridges { "${await bridgeName()}" }`),
		says: /element of bridges .* is stored and not there/,
	},
	{
		kind: "a lease",
		plant: () =>
			inStore(
				"ipamd",
				"INSERT INTO lease (subnet, address, holder, owner, name, created_at) VALUES (1, x'AC110063', 'netd', 'nobody', '', 0)",
			),
		remove: () => inStore("ipamd", "DELETE FROM lease WHERE owner = 'nobody'"),
		says: /lease 172\.17\.0\.99 of nobody is there and not stored/,
	},
	{
		kind: "a row that is under way",
		plant: () => inStore("netd", "UPDATE endpoints SET state = 'creating'"),
		remove: () => inStore("netd", "UPDATE endpoints SET state = 'active'"),
		says: /endpoints row .* is creating/,
	},
	{
		kind: "a root file system",
		plant: async () => {
			for (const name of ["rootfs", "u", "w"]) await mkdir(at("containers/stray", name), { recursive: true });
			const layers = `lowerdir=/,upperdir=${at("containers/stray/u")},workdir=${at("containers/stray/w")}`;
			await host.ok("mount", ["-t", "overlay", "overlay", "-o", layers, at("containers/stray/rootfs")]);
		},
		remove: async () => {
			await host.ok("umount", [at("containers/stray/rootfs")]);
			await rm(at("containers/stray"), { recursive: true });
		},
		says: /root file system of container stray is there and not stored/,
	},
	{
		kind: "another mount",
		plant: async () => {
			await host.ok("mkdir", [at("stray")]);
			await host.ok("mount", ["-t", "tmpfs", "tmpfs", at("stray")]);
		},
		remove: async () => {
			await host.ok("umount", [at("stray")]);
			await host.ok("rmdir", [at("stray")]);
		},
		says: /mount .*\/stray is there and not stored/,
	},
	{
		kind: "a container's process",
		plant: async () => {
			host.start("bash", ["-c", "exec -a 'conmon --cid stray' sleep 1000"]);
			await host.ok("sh", ["-c", "until pgrep -f '^conmon --cid stray' >/dev/null; do sleep 0.05; done"]);
		},
		remove: () => host.ok("pkill", ["-KILL", "-f", "^conmon --cid stray"]),
		says: /monitor of container stray is there and not stored/,
	},
	{
		kind: "a container that is stored alone",
		plant: () => inStore("gateway", `UPDATE containers SET pid = 999999 WHERE id = '${container}'`),
		remove: () => inStore("gateway", `UPDATE containers SET pid = ${realPid()} WHERE id = '${container}'`),
		says: /process 999999 is not there/,
	},
	{
		kind: "a volume's directory",
		plant: () => mkdir(at("volumes/stray/_data"), { recursive: true }),
		remove: () => rm(at("volumes/stray"), { recursive: true }),
		says: /directory of volume stray is there and not stored/,
	},
	{
		kind: "a half-restored volume",
		plant: () => mkdir(at("volumes/data/_data.new-1")),
		remove: () => rm(at("volumes/data/_data.new-1"), { recursive: true }),
		says: /_data\.new-1 is there and not stored/,
	},
	{
		kind: "an attachment",
		plant: () =>
			inStore(
				"volumed",
				"INSERT INTO attachment (id, holder, container_id, container_name, asked, mounts, created_at) VALUES ('x', 'gateway', 'nobody', '', '', '[]', 0)",
			),
		remove: () => inStore("volumed", "DELETE FROM attachment WHERE id = 'x'"),
		says: /attachment of container nobody is held/,
	},
	{
		kind: "another control group than the container's",
		plant: () => inStore("volumed", "UPDATE attachment SET cgroup = '/wharf/other'"),
		remove: () => inStore("volumed", `UPDATE attachment SET cgroup = '/wharf/${container}'`),
		says: /container web is not in "\/wharf\/other"/,
	},
	{
		kind: "a pause that is stored",
		plant: () => inStore("volumed", "INSERT INTO pause VALUES ('/wharf/other')"),
		remove: () => inStore("volumed", "DELETE FROM pause"),
		says: /\/wharf\/other is stored as paused/,
	},
	{
		kind: "a container that stands still",
		plant: () => freezing("FROZEN", "1"),
		remove: () => freezing("THAWED", "0"),
		says: /container web stands still/,
	},
];

test.each(STRAYS)("$kind is found", async ({ plant, remove, says }) => {
	pid ??= Number(rows(host.root, "gateway", "SELECT pid FROM containers")[0]?.["pid"]);
	await plant();
	expect((await audit(host)).join("\n")).toMatch(says);
	await remove();
	expect(await audit(host)).toEqual([]);
});

let pid: number | undefined;

function realPid(): number {
	return pid ?? 0;
}

/** Where both are mounted, v1's freezer alone, as runc has it. */
async function freezing(v1: string, v2: string): Promise<void> {
	const [folder] = (await host.ok("find", ["/sys/fs/cgroup", "-path", `*/wharf/${container}`]))
		.split("\n")
		.sort((a, b) => Number(b.includes("/freezer/")) - Number(a.includes("/freezer/")));
	const script = `if [ -e ${folder}/freezer.state ]; then echo ${v1} >${folder}/freezer.state; else echo ${v2} >${folder}/cgroup.freeze; fi`;
	await host.ok("sh", ["-c", script]);
}

async function legName(): Promise<string> {
	return String(rows(host.root, "netd", "SELECT host_interface FROM endpoints")[0]?.["host_interface"]);
}

async function bridgeName(): Promise<string> {
	return String(rows(host.root, "netd", "SELECT interface FROM networks WHERE name = 'front'")[0]?.["interface"]);
}
