import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import type { ContainerRecord } from "../compose/container.ts";
import { GeneratedFiles, type Surroundings } from "./generated-files.ts";

type SpecChange = Partial<ContainerSpec>;

const record = (change: SpecChange = {}): ContainerRecord =>
	({
		id: "c".repeat(64),
		name: "web",
		spec: { ...ContainerSpec.fromPartial({ hostname: "web", networks: [{ network: "front" }] }), ...change },
	}) as ContainerRecord; // the files ask for nothing else
const [FRONT, BACK] = ["172.18.0.2/16", "172.19.0.2/16"].map((address) =>
	Endpoint.fromPartial({ addresses: [address] }),
) as [Endpoint, Endpoint];
const around = (more: Partial<Surroundings> = {}): Surroundings => ({
	record: record(),
	endpoints: [FRONT],
	resolver: "127.0.0.11",
	dnsServers: [],
	hostGateways: [],
	linked: [],
	...more,
});

let dir = "";
let files: GeneratedFiles;
const read = (name: string): string => readFileSync(join(dir, name), "utf8");
const inode = (name: string): number => statSync(join(dir, name)).ino;

beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "wharf-files-"));
	files = new GeneratedFiles(dir);
});

afterEach(() => rmSync(dir, { recursive: true }));

test("a start writes all three", async () => {
	await files.write(around({ record: record({ hostname: "web.example.org" }) }));
	expect(read("hosts")).toContain("172.18.0.2\tweb.example.org web\n");
	expect(read("hosts").includes("::1\tlocalhost")).toBe(existsSync("/proc/net/if_inet6"));
	expect(read("hostname")).toBe("web.example.org\n");
	expect(read("resolv.conf")).toMatch(/^nameserver 127\.0\.0\.11\n/);
	expect([...files.mounts.keys()]).toEqual(["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]);
});

test("a domain goes with the host name; other hosts and links stand before the container itself", async () => {
	const extraHosts = [
		{ name: "db", address: "192.0.2.9" },
		{ name: "host", address: "host-gateway" },
	];
	const linked = [{ address: "172.17.0.9", names: ["kv", "redis"] }];
	const one = record({ domainname: "example.org", extraHosts });
	await files.write(around({ record: one, linked, hostGateways: ["172.18.0.1", "fd00::1"] }));
	expect(read("hosts").split("\n").slice(-6)).toEqual([
		"192.0.2.9\tdb",
		"172.18.0.1\thost",
		"fd00::1\thost",
		"172.17.0.9\tkv redis",
		"172.18.0.2\tweb.example.org web",
		"",
	]);
	expect(read("hostname")).toBe("web\n");
});

test("the servers are in the file where no resolver asks them", async () => {
	const dns = { servers: ["192.0.2.53"], search: ["a.test"], options: ["rotate"] };
	const settings = { record: record({ dns }), dnsServers: dns.servers };
	await files.write(around({ ...settings, resolver: "" }));
	expect(read("resolv.conf")).toBe("nameserver 192.0.2.53\nsearch a.test\noptions rotate\n");
	await files.follow(around(settings));
	expect(read("resolv.conf")).toBe("nameserver 127.0.0.11\nsearch a.test\noptions rotate ndots:0\n");
});

test("networks that come and go change both files, in those that are mounted", async () => {
	await files.write(around());
	const before = [read("hosts"), read("resolv.conf"), inode("hosts"), inode("resolv.conf")];
	await files.follow(around({ endpoints: [BACK], resolver: "" }));
	expect(read("hosts")).toContain("172.19.0.2\tweb\n");
	expect(read("hosts")).not.toContain("172.18.0.2");
	expect(read("resolv.conf")).not.toContain("127.0.0.11");
	await files.follow(around());
	expect([read("hosts"), read("resolv.conf"), inode("hosts"), inode("resolv.conf")]).toEqual(before);
});

test.each(["hosts", "resolv.conf"])(
	"%s is left alone once somebody has written to it, until the next start",
	async (name) => {
		const other = name === "hosts" ? "resolv.conf" : "hosts";
		await files.write(around());
		const [mine, theirs] = [`${read(name)}# mine\n`, read(other)];
		appendFileSync(join(dir, name), "# mine\n");
		await files.follow(around({ endpoints: [BACK], resolver: "" }));
		expect(read(name)).toBe(mine);
		expect(read(other)).not.toBe(theirs);
		await files.write(around());
		expect(read(name)).toBe(mine.replace("# mine\n", ""));
	},
);

test("a process that ends between writing and keeping has not made the file somebody's", async () => {
	await files.write(around());
	const kept = read("written.json");
	await files.follow(around({ endpoints: [BACK] }));
	const { hosts, ...rest } = JSON.parse(read("written.json")) as Record<string, string[]>;
	// As it is after the file was written and before its hash stands alone.
	const both = [...(JSON.parse(kept) as Record<string, string[]>)["hosts"]!, ...hosts!];
	writeFileSync(join(dir, "written.json"), JSON.stringify({ ...rest, hosts: both }));
	await files.follow(around());
	expect(read("hosts")).toContain("172.18.0.2\tweb\n");
});
