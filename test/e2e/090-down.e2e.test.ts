/** `wharf down --all`: what it leaves, and what it says and does where files cannot be removed. */
import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leftovers } from "../support/audit/leftovers.ts";
import { processes } from "../support/audit/kernel.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot();
});

afterAll(() => host[Symbol.asyncDispose]());

/** Every file of the instance, below its root. */
function files(): string[] {
	return readdirSync(host.root, { recursive: true, withFileTypes: true })
		.filter((entry) => !entry.isDirectory())
		.map(({ parentPath, name }) => `${parentPath.slice(host.root.length + 1)}/${name}`)
		.toSorted();
}

async function aDay(): Promise<void> {
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk("volume", "create", "--label", "team=blue", "data");
	await host.wharfOk("run", "-d", "--name", "web", "--network", "front", "-v", "data:/data", "host", "sleep", "1000");
	await host.wharfOk("exec", "web", "sh", "-c", "echo kept >/data/file");
}

test("volumes stay with their data and labels, and nothing else does", async () => {
	await aDay();
	expect(await host.wharfOk("down", "--all")).toContain("Kept: 1 volume (data), data and labels");
	expect(await leftovers(host)).toEqual([]);
	expect(files()).toEqual(["state/volumed.db", "state/volumed.db.lock", "volumes/data/_data/file"]);
	// Nothing is left that services would have to be started for.
	expect(await host.wharfOk("down", "--all")).toContain("Kept: 1 volume (data)");

	await host.wharfOk("up");
	const [volume] = JSON.parse(await host.wharfOk("volume", "inspect", "data"));
	expect(volume).toMatchObject({ Labels: { team: "blue" } });
	expect(await host.wharfOk("run", "--rm", "-v", "data:/data", "host", "cat", "/data/file")).toBe("kept");
	await host.wharfOk("volume", "rm", "data");
	await host.wharfOk("down", "--all");
	expect(existsSync(host.root)).toBe(false);
});

test("a file that may not be removed is named, with what to do, and goes afterwards", async () => {
	await aDay();
	await host.ok("chattr", ["+i", `${host.root}/volumes/data/_data/file`]);
	const { exitCode, stderr } = await host.wharf(["down", "--all", "--volumes"], { timeoutMs: 120_000 });
	await host.ok("chattr", ["-R", "-i", `${host.root}/volumes`]);
	expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/Not removed: \S+\/volumes\/\S+\/file: /)]);
	expect(stderr).toContain("it is immutable (`chattr -i` ends that");
	expect(stderr).not.toContain("no directory");
	await host.wharfOk("down", "--all", "--volumes");
	expect(existsSync(host.root)).toBe(false);
});

describe("on a read-only file system everything but files goes, and it says so", () => {
	/** Gives the way back. */
	type Spoil = () => Promise<() => Promise<unknown>>;

	const spoilt: Spoil = async () => {
		// Refused while a service that has just been killed still has a file open.
		await eventually(() => host.ok("mount", ["-o", "remount,ro", host.root]));
		return () => host.ok("mount", ["-o", "remount,rw", host.root]);
	};
	/** What is open stays writable, as on a disk that fails: no new file, and none removed. What is mounted below is seen as before. */
	const halfSpoilt: Spoil = async () => {
		const [namespaces, aside] = [`${host.root}/run/netns`, "/run/aside"];
		await host.ok("mkdir", [aside]);
		await host.ok("mount", ["--move", namespaces, aside]);
		await host.ok("mount", ["--bind", host.root, host.root]);
		await host.ok("mount", ["-o", "remount,bind,ro", host.root]);
		await host.ok("mount", ["--move", aside, namespaces]);
		return () => host.ok("umount", [host.root]);
	};

	test.each<[string, () => Promise<unknown>, Spoil]>([
		["with the services up", () => host.wharfOk("rm", "-f", "web"), halfSpoilt],
		["with the services down", () => endServices(), spoilt],
	])("%s", async (_, before, spoil) => {
		await host.ok("mkdir", ["-p", host.root]);
		await host.ok("mount", ["-t", "tmpfs", "tmpfs", host.root]);
		await aDay();
		await before();
		const mend = await spoil();
		const { exitCode, stderr, stdout } = await host.wharf(["down", "--all"], { timeoutMs: 120_000 });
		expect(stderr).toContain(`wharf: Not removed: ${host.root}/run`);
		expect(stderr).toContain("the file system is read-only.");
		expect(stderr).not.toMatch(/EROFS|rror:|bug|incident|\n\s+at /);
		expect(stdout).not.toContain("everything");
		expect(exitCode).toBe(1);
		expect((await leftovers(host)).filter((one) => one !== `mount ${host.root}`)).toEqual([]);

		await mend();
		expect(await host.wharfOk("down", "--all")).toContain("Kept: 1 volume (data)");
		await host.wharfOk("down", "--all", "--volumes");
		expect(await host.ok("ls", ["-A", host.root])).toBe("");
		await host.ok("umount", [host.root]);
	});

	/** The monitor writes the log: a file system cannot be made read-only under it. */
	async function endServices(): Promise<void> {
		await host.wharfOk("down");
		const { pid } = (await processes(host)).find(({ command }) => /^\S*conmon /.test(command)) ?? { pid: 0 };
		await host.ok("kill", ["-KILL", String(pid)]);
	}
});
