import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { createNetns, isNetns, removeNetns } from "#lib/linux/netns.ts";
import { openNamespaceFolder } from "./namespace-folder.ts";

let scratch: string;
let folder: string;
beforeEach(() => {
	scratch = mkdtempSync(join(tmpdir(), "netd-folder-"));
	folder = join(scratch, "run/netns");
});
afterEach(() => {
	unmount(folder, { detach: true });
	rmSync(scratch, { recursive: true });
});

const mountedThere = (): string[] =>
	mountinfo()
		.filter(({ target }) => target.startsWith(scratch))
		.map(({ type, target }) => `${type} ${target.slice(scratch.length)}`);

test("it is in memory while it is used, and nothing is left of it when nothing is pinned", () => {
	{
		using _first = openNamespaceFolder(folder);
		expect(mountedThere()).toEqual(["tmpfs /run/netns"]);
		createNetns(join(folder, "a"));
		removeNetns(join(folder, "a"));
	}
	expect(mountedThere()).toEqual([]);
	expect(existsSync(folder)).toBe(true);
});

test("with a namespace it stays, and is found by who opens it next", () => {
	const path = join(folder, "a");
	{
		using _first = openNamespaceFolder(folder);
		createNetns(path);
	}
	expect(isNetns(path)).toBe(true);
	{
		using _second = openNamespaceFolder(folder);
		expect(mountedThere()).toEqual(["tmpfs /run/netns", "nsfs /run/netns/a"]);
		removeNetns(path);
	}
	expect(mountedThere()).toEqual([]);
});

test("pins that are there already are not covered", () => {
	mkdirSync(folder, { recursive: true });
	const path = join(folder, "a");
	createNetns(path);
	{
		using _folder = openNamespaceFolder(folder);
		expect(mountedThere()).toEqual(["nsfs /run/netns/a"]);
	}
	expect(isNetns(path)).toBe(true);
	removeNetns(path);
});

test("what somebody has open there does not keep netd from ending", () => {
	const first = openNamespaceFolder(folder);
	const open = openSync(folder, "r");
	first[Symbol.dispose]();
	expect(mountedThere()).toEqual(["tmpfs /run/netns"]);
	closeSync(open);
	using _second = openNamespaceFolder(folder);
	expect(mountedThere()).toEqual(["tmpfs /run/netns"]);
});
