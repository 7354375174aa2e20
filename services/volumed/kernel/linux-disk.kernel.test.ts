import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Jailer } from "#lib/linux/mount/jail.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { createLog } from "#lib/log/log.ts";
import { diskContract } from "../test-support/disk-contract.ts";
import { makeNastyTree, portrait } from "../test-support/nasty-tree.ts";
import type { Destination } from "../tree/destination.ts";
import { LinuxDisk } from "./linux-disk.ts";
import { LinuxHost } from "./linux-host.ts";

async function scratch() {
	const folder = mkdtempSync(join(tmpdir(), "wharf-disk-"));
	const jailer = new Jailer();
	const image = join(folder, "image");
	mkdirSync(join(image, "app"), { recursive: true });
	mkdirSync(join(image, "bare"));
	writeFileSync(join(image, "app/conf"), "1");
	const disk = await LinuxDisk.open(join(folder, "volumes"), jailer, createLog({ service: "test", level: "silent" }));
	return {
		disk,
		host: new LinuxHost(),
		folder,
		image,
		write: async (volume: string, name: string) => writeFileSync(join(disk.mountpoint(volume), name), ""),
		read: async (volume: string) => readdirSync(disk.mountpoint(volume)),
		stage: async ({ root, within }: Destination, name: string) => writeFileSync(join(root, within, name), ""),
		[Symbol.asyncDispose]: async () => {
			await disk.sweep();
			await jailer[Symbol.asyncDispose]();
			rmSync(folder, { recursive: true });
		},
	};
}

diskContract(scratch);

test("nobody but root sees which volumes there are, and everybody passes through to them", async () => {
	await using subject = await scratch();
	await subject.disk.ensure("one");
	const mode = (path: string): string => execFileSync("stat", ["-c", "%a %u:%g", path], { encoding: "utf8" }).trim();
	expect(mode(join(subject.folder, "volumes"))).toBe("701 0:0");
	expect(mode(subject.disk.mountpoint("one"))).toBe("755 0:0");
	expect(mode(join(subject.folder, "volumes/.trash"))).toBe("700 0:0");
});

describe("copy-up", () => {
	test("brings everything that a tree has, its own directory included", async () => {
		await using subject = await scratch();
		const { disk, image } = subject;
		mkdirSync(join(image, "nasty"));
		makeNastyTree(join(image, "nasty"));
		execFileSync("mknod", [join(image, "nasty/null"), "c", "1", "3"]);
		execFileSync("touch", ["-d", "2012-12-12", join(image, "nasty")]);
		await disk.fill(await disk.stage("one", "s"), { root: image, path: "/nasty" });
		await disk.commit("one", "s");
		expect(portrait(disk.mountpoint("one"))).toBe(portrait(join(image, "nasty")));
	});

	test("follows the image's links inside the image", async () => {
		await using subject = await scratch();
		const { disk, image, folder } = subject;
		mkdirSync(join(folder, "secret"));
		writeFileSync(join(folder, "secret/key"), "");
		symlinkSync("/app", join(image, "absolute"));
		symlinkSync(join(folder, "secret"), join(image, "outside"));
		symlinkSync("../../../../../../app", join(image, "climbing"));
		expect(await disk.look(image, ["/outside"])).toEqual(["absent"]);
		expect(await disk.look(image, ["/../secret"])).toEqual(["absent"]);
		expect(await disk.look(image, ["/app/conf"])).toEqual(["file"]);
		for (const path of ["/absolute", "/climbing"]) {
			expect(await disk.look(image, [path])).toEqual(["content"]);
			await disk.fill(await disk.stage("one", path.slice(1)), { root: image, path });
		}
		await disk.commit("one", "climbing");
		expect(readdirSync(disk.mountpoint("one"))).toEqual(["conf"]);
	});

	test("leaves no mount behind and does not change the image", async () => {
		await using subject = await scratch();
		const { disk, image, folder } = subject;
		const before = statSync(join(image, "app")).mtimeMs;
		await disk.fill(await disk.stage("one", "s"), { root: image, path: "/app" });
		expect(mountsOf(folder)).toEqual([]);
		expect(statSync(join(image, "app")).mtimeMs).toBe(before);
	});

	test("of an empty directory gives owner, mode, time and attributes", async () => {
		await using subject = await scratch();
		const { disk, image } = subject;
		const bare = join(image, "bare");
		execFileSync("chown", ["7:8", bare]);
		execFileSync("chmod", ["2750", bare]);
		execFileSync("setfattr", ["-n", "trusted.of", "-v", "the image", bare]);
		execFileSync("touch", ["-d", "2012-12-12", bare]);
		await disk.ensure("one");
		await disk.likeImage(disk.mountpoint("one"), { root: image, path: "/bare" });
		expect(portrait(disk.mountpoint("one"))).toBe(portrait(bare));
		expect(execFileSync("stat", ["-c", "%u:%g %a %Y", disk.mountpoint("one")], { encoding: "utf8" })).toBe(
			"7:8 2750 1355270400\n",
		);
		const value = execFileSync("getfattr", ["--absolute-names", "-n", "trusted.of", disk.mountpoint("one")], {
			encoding: "utf8",
		});
		expect(value).toContain("the image");
	});
});
