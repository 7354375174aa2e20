import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Aside } from "#lib/linux/aside.ts";
import { createSubvolume } from "#lib/linux/btrfs.ts";
import { attachLoop } from "#lib/linux/mount/loop.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { createLog } from "#lib/log/log.ts";
import { ownMountsAndRun } from "../test-support/kill-scene.ts";
import { Snapshots } from "./snapshots.ts";

let base: string;
let aside: Aside;
let snapshots: Snapshots;
const at = (name: string): string => join(base, "disk", name);

beforeAll(ownMountsAndRun);
beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), "wharf-snapshots-"));
	const image = join(base, "image");
	writeFileSync(image, "");
	truncateSync(image, 256 * 1024 * 1024);
	execFileSync("mkfs.btrfs", ["-q", image]);
	mkdirSync(at(""));
	using device = attachLoop(image);
	mountFs("btrfs", device.path, at(""));
	aside = new Aside();
	snapshots = new Snapshots(at(".snapshots"), aside, createLog({ service: "test", level: "silent" }));
	mkdirSync(at(".snapshots"));
	createSubvolume(at("data"));
	writeFileSync(at("data/file"), "before");
});
afterEach(async () => {
	await aside[Symbol.asyncDispose]();
	unmount(at(""), { detach: true });
	rmSync(base, { recursive: true });
});

test("what is read is what was there, and it goes", async () => {
	{
		await using one = await snapshots.take(at("data"));
		await using other = await snapshots.take(at("data"));
		writeFileSync(at("data/file"), "after");
		for (const taken of [one, other]) expect(readFileSync(join(taken?.path ?? "", "file"), "utf8")).toBe("before");
		expect(readdirSync(at(".snapshots"))).toHaveLength(2);
	}
	expect(readdirSync(at(".snapshots"))).toEqual([]);
});

test("there is none of what is no subvolume, is on another file system, or has subvolumes that would be missing", async () => {
	mkdirSync(at("plain"));
	mkdirSync(join(base, "elsewhere"));
	const far = new Snapshots(join(base, "elsewhere"), aside, createLog({ service: "test", level: "silent" }));
	expect([await snapshots.take(at("plain")), await snapshots.take(base), await far.take(at("data"))]).toEqual([
		undefined,
		undefined,
		undefined,
	]);
	createSubvolume(at("data/inner"));
	expect(await snapshots.take(at("data"))).toBeUndefined();
});

test("what was left is gone after the next start", async () => {
	await snapshots.take(at("data"));
	const next = new Snapshots(at(".snapshots"), aside, createLog({ service: "test", level: "silent" }));
	await next.mend();
	expect(readdirSync(at(".snapshots"))).toEqual([]);
	await next.mend();
});
