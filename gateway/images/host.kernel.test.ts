import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { RootFileSystems } from "./host.ts";

const ID = "c".repeat(64);

let scratch = "";
let roots: RootFileSystems;

beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "wharf-rootfs-"));
	roots = new RootFileSystems(scratch, createLog({ service: "test", level: "silent" }));
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** As proc_mounts(5) has them: the type of each file system that is mounted below the scratch folder. */
function mounts(): string[] {
	const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
	return lines.filter((line) => line.split(" ")[1]?.startsWith(scratch)).map((line) => line.split(" ")[2] ?? "");
}

test("the host's tree, writable and apart; what was written is there after the next mount", async () => {
	await roots.prepare(ID);
	roots.ensureMounted(ID);
	roots.ensureMounted(ID);
	expect(mounts()).toEqual(["overlay"]);
	const inside = (path: string): string => join(roots.rootfs(ID), path);
	expect(readFileSync(inside("etc/hostname"), "utf8")).toBe(readFileSync("/etc/hostname", "utf8"));
	writeFileSync(inside("etc/wharf-was-here"), "inside");
	rmSync(inside("etc/hostname"));
	expect(existsSync("/etc/wharf-was-here")).toBe(false);
	expect(existsSync("/etc/hostname")).toBe(true);

	roots.unmount(ID);
	roots.unmount(ID);
	expect(mounts()).toEqual([]);
	roots.ensureMounted(ID);
	expect(readFileSync(inside("etc/wharf-was-here"), "utf8")).toBe("inside");
	expect(existsSync(inside("etc/hostname"))).toBe(false);
	expect(await roots.observe()).toEqual({ folders: new Set([ID]), mounted: new Set([ID]) });

	await roots.remove(ID);
	await roots.remove(ID);
	expect(mounts()).toEqual([]);
	expect(existsSync(roots.dir(ID))).toBe(false);
	expect(await roots.observe()).toEqual({ folders: new Set(), mounted: new Set() });
});

test("another image is not there", () => {
	expect(roots.treeOf("host")).toBe("/");
	expect(() => roots.treeOf("debian:12")).toThrow('There is no image "debian:12".');
});
