import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import type { ContainerRecord } from "../compose/container.ts";
import { GeneratedFiles } from "./generated-files.ts";

const RECORD = {
	id: "c".repeat(64),
	spec: ContainerSpec.fromPartial({ hostname: "web.example.org", networks: [{ network: "front" }] }),
} as ContainerRecord; // the files ask for nothing else
const [FRONT, BACK] = ["172.18.0.2/16", "172.19.0.2/16"].map((address) =>
	Endpoint.fromPartial({ addresses: [address] }),
) as [Endpoint, Endpoint];

let dir = "";
let files: GeneratedFiles;
const read = (name: string): string => readFileSync(join(dir, name), "utf8");
const inode = (name: string): number => statSync(join(dir, name)).ino;

beforeEach(async () => {
	dir = mkdtempSync(join(tmpdir(), "wharf-files-"));
	files = new GeneratedFiles(dir);
	await files.write({ record: RECORD, endpoints: [FRONT], resolver: "127.0.0.11" });
});

afterEach(() => rmSync(dir, { recursive: true }));

test("a start writes all three", () => {
	expect(read("hosts")).toContain("172.18.0.2\tweb.example.org web\n");
	expect(read("hostname")).toBe("web.example.org\n");
	expect(read("resolv.conf")).toMatch(/^nameserver 127\.0\.0\.11\n/);
	expect([...files.mounts.keys()]).toEqual(["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]);
});

test("a network that comes and goes changes its line, in the file that is mounted", async () => {
	const before = [inode("hosts"), inode("resolv.conf")];
	appendFileSync(join(dir, "hosts"), "10.0.0.1 mine\n");
	await files.connected({ record: RECORD, endpoints: [], resolver: "127.0.0.11" }, BACK);
	expect(read("hosts")).toContain("172.19.0.2\tweb.example.org web\n");
	await files.disconnected({ record: RECORD, endpoints: [], resolver: "127.0.0.11" }, BACK);
	expect(read("hosts")).not.toContain("172.19.0.2");
	expect(read("hosts")).toMatch(/172\.18\.0\.2[^\n]*\n10\.0\.0\.1 mine\n$/);
	expect([inode("hosts"), inode("resolv.conf")]).toEqual(before);
});

test("resolv.conf follows the networks until the user has written to it", async () => {
	await files.disconnected({ record: RECORD, endpoints: [], resolver: "" }, FRONT);
	expect(read("resolv.conf")).not.toContain("127.0.0.11");
	appendFileSync(join(dir, "resolv.conf"), "options timeout:1\n");
	const mine = read("resolv.conf");
	await files.connected({ record: RECORD, endpoints: [], resolver: "127.0.0.11" }, FRONT);
	expect(read("resolv.conf")).toBe(mine);
});
