import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { label, Selinux } from "./selinux.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-selinux-"));
	mkdirSync(join(folder, "selinuxfs"));
	mkdirSync(join(folder, "data"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As it is on a host that has it on. */
function on(): Selinux {
	writeFileSync(join(folder, "selinuxfs/enforce"), "1");
	return new Selinux(join(folder, "selinuxfs"));
}

test("where it is off nothing is refused and nothing is run", async () => {
	const off = new Selinux(join(folder, "selinuxfs"));
	expect(off.isEnabled()).toBe(false);
	expect(await off.relabel(join(folder, "data"), "shared")).toBe(false);
	expect(await off.relabel("/", "private")).toBe(false);
	expect(on().isEnabled()).toBe(true);
});

test("the system's own keep their labels, whatever the path to them", async () => {
	symlinkSync("/etc", join(folder, "link"));
	const paths = [
		"/",
		"/usr",
		"/usr/",
		"/etc/../etc",
		"/home",
		"/var/lib",
		"/etc/passwd",
		homedir(),
		join(folder, "link"),
	];
	for (const path of paths) {
		await expect(on().relabel(path, "shared")).rejects.toMatchObject({ reason: "INVALID_SOURCE", metadata: { path } });
	}
	await expect(on().relabel(join(folder, "gone"), "shared")).rejects.toMatchObject({ reason: "INVALID_SOURCE" });
});

test("what keeps no labels stays as it is", async () => {
	mountFs("ramfs", "scratch", join(folder, "data"));
	expect(await on().relabel(join(folder, "data"), "shared")).toBe(false);
	unmount(join(folder, "data"));
});

test("a level that is none is a bug of the caller's", async () => {
	for (const level of ["", "s", "s0 -R", "c1", "s0:c1,", "--reference=/etc"]) {
		await expect(on().relabel(join(folder, "data"), "private", level)).rejects.toThrow("no level");
	}
});

test("a label is on everything below, links themselves included, and on nothing that they lead to", async () => {
	const path = join(folder, "data");
	writeFileSync(join(path, "file"), "");
	writeFileSync(join(folder, "outside"), "");
	symlinkSync(join(folder, "outside"), join(path, "link"));
	const context = "system_u:object_r:container_file_t:s0:c1,c2";
	await label(path, context);
	// The kernel keeps this attribute as any other where SELinux is off.
	const labelOf = (name: string) =>
		spawnSync("getfattr", ["-h", "--only-values", "-n", "security.selinux", name], { encoding: "utf8" }).stdout.replace(
			"\0",
			"",
		);
	expect(["", "file", "link"].map((name) => labelOf(join(path, name)))).toEqual([context, context, context]);
	expect(labelOf(join(folder, "outside"))).not.toBe(context);
});

test("a label that cannot be is a fault with chcon's own words", async () => {
	await expect(label(join(folder, "gone"), "system_u:object_r:container_file_t:s0")).rejects.toMatchObject({
		reason: "KERNEL_REFUSED",
		metadata: { problem: expect.stringContaining("gone") as string },
	});
});
