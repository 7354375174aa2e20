import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { TestPlugin } from "../test-support/plugin.ts";
import { PluginDriver } from "./plugin.ts";

test("what a plugin mounted is known after a restart, and anew when somebody took it away", async () => {
	const folder = mkdtempSync(join(tmpdir(), "wharf-plugin-"));
	mkdirSync(join(folder, "content"));
	await using plugin = new TestPlugin(join(folder, "box.sock"), join(folder, "content"));
	plugin.mountsTmpfs = true;
	await plugin.listen();
	const volume = { name: "data", options: new Map<string, string>(), backing: "plugin" };
	const signal = new AbortController().signal;
	const started = () => new PluginDriver("box", { folders: { sockets: [folder], specs: [] } });

	await started().create(volume, signal);
	expect(await started().isMounted(volume)).toBe(false);
	await started().mount(volume, signal);
	const restarted = started();
	expect(await restarted.isMounted(volume)).toBe(true);
	expect(restarted.mountpoint(volume)).toBe(plugin.path("data"));

	unmount(plugin.path("data"));
	expect(await restarted.isMounted(volume)).toBe(false);
	expect(await started().isMounted(volume)).toBe(false);
	plugin.volumes.get("data")?.mounts.clear();
	await restarted.mount(volume, signal);
	expect(await restarted.isMounted(volume)).toBe(true);

	await started().unmount(volume);
	await started().unmount(volume);
	expect(mountsOf(folder)).toEqual([]);
	await started().remove(volume);
	expect(plugin.volumes.size).toBe(0);
	rmSync(folder, { recursive: true });
});
