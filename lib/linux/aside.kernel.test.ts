import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Aside } from "./aside.ts";
import { checked } from "./libc.ts";
import { mountFs, setPropagation, unmount } from "./mount/mount.ts";

const CLONE_NEWNS = 0x2_0000;

let base: string;
const at = (name: string): string => join(base, name);

/** The options of the uppermost mount at the path, as findmnt has them; undefined when there is none. */
function options(path: string): string[] | undefined {
	try {
		const output = execFileSync("findmnt", ["-J", "--list", "-o", "OPTIONS,PROPAGATION", "--mountpoint", path]);
		const { options: words, propagation } = JSON.parse(String(output)).filesystems.at(-1);
		return [...words.split(","), ...propagation.split(",")];
	} catch {
		return undefined;
	}
}

beforeAll(() => {
	checked<[flags: number]>("int unshare(int flags)")(CLONE_NEWNS);
	setPropagation("/", "private", { recursive: true });
	base = mkdtempSync(join(tmpdir(), "wharf-aside-"));
	mountFs("tmpfs", "base", base);
	for (const name of ["target", "source", "source/below", "fuse"]) mkdirSync(at(name));
	mountFs("tmpfs", "below", at("source/below"));
});

afterAll(() => {
	unmount(base, { detach: true });
	rmSync(base, { recursive: true });
});

test("what it mounts is mounted for the process, by the words of fstab", async () => {
	await using aside = new Aside();
	const words = ["defaults", "nodev", "noexec", "exec", "_netdev", "size=64k", "mode=0700", "", "shared"];
	await aside.call("mountByWords", { type: "tmpfs", device: "scratch", target: at("target"), words });
	expect(options(at("target"))).toEqual(expect.arrayContaining(["rw", "nodev", "size=64k", "mode=700", "shared"]));
	expect(options(at("target"))).not.toContain("noexec");
	await aside.call("unmount", at("target"), { detach: true });
	expect(options(at("target"))).toBeUndefined();
});

test("a bind has the words of a mount, read only all the way down", async () => {
	await using aside = new Aside();
	const bound = { type: "none", device: at("source"), target: at("target") };
	await aside.call("mountByWords", { ...bound, words: ["rbind", "ro", "noatime", "nosuid"] });
	expect(options(at("target"))).toEqual(expect.arrayContaining(["ro", "noatime", "nosuid"]));
	expect(options(at("target/below"))).toContain("ro");
	expect(options(at("source/below"))).not.toContain("ro");
	await aside.call("unmount", at("target"), { detach: true });
	await aside.call("mountByWords", { ...bound, words: ["bind"] });
	expect(options(at("target/below"))).toBeUndefined();
	await aside.call("unmount", at("target"), { detach: true });
});

test("what the kernel refuses keeps its errno, and nothing is mounted", async () => {
	await using aside = new Aside();
	const target = at("target");
	const refused = { code: "ENODEV", call: `mount -t nosuchfs x ${target}` };
	await expect(aside.call("mountByWords", { type: "nosuchfs", device: "x", target, words: [] })).rejects.toMatchObject(
		refused,
	);
	await expect(
		aside.call("mountByWords", { type: "none", device: at("nowhere"), target, words: ["bind"] }),
	).rejects.toMatchObject({ code: "ENOENT" });
	await expect(aside.call("createSubvolume", at("nowhere/x"))).rejects.toMatchObject({ code: "ENOENT" });
	expect(options(target)).toBeUndefined();
});

test("a call that does not come back is given up, and the next one is not behind it", async () => {
	await using aside = new Aside(500);
	// A server of files that says nothing.
	const server = openSync("/dev/fuse", "r+");
	mountFs("fuse", "silent", at("fuse"), [`fd=${server}`, "rootmode=40000", "user_id=0", "group_id=0"]);
	const bound = { type: "none", device: at("fuse/inside"), target: at("target"), words: ["bind"] };
	await expect(aside.call("mountByWords", bound)).rejects.toMatchObject({ code: "ETIMEDOUT" });
	await aside.call("mountByWords", { type: "tmpfs", device: "scratch", target: at("target"), words: [] });
	await aside.call("unmount", at("target"), { detach: true });
	closeSync(server);
	await aside.call("unmount", at("fuse"), { detach: true });
});

test("calls that come together are made one after the other, in their order", async () => {
	await using aside = new Aside();
	const target = at("target");
	const sizes = ["4k", "8k", "12k"];
	const mounts = sizes.map((size) =>
		aside.call("mountByWords", { type: "tmpfs", device: size, target, words: [`size=${size}`] }),
	);
	await Promise.all(mounts);
	const listed = execFileSync("findmnt", ["-n", "--list", "-o", "SOURCE", "--mountpoint", target], {
		encoding: "utf8",
	});
	expect(listed.trim().split("\n").at(-1)).toBe("12k");
	await Promise.all(sizes.map(() => aside.call("unmount", target, { detach: true })));
	expect(options(target)).toBeUndefined();
});
