/** Containers on a full disk: they end at once, what cannot be stored is said, and it is stored when there is room again. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processes } from "../support/audit/kernel.ts";
import { Host } from "../support/host.ts";
import { eventually } from "../support/eventually.ts";

/** Its file system is seen inside the host alone: the audit, which reads the stores from outside, is of no use here. */
let host: Host;

beforeAll(async () => {
	host = await Host.boot();
	await host.ok("mkdir", [host.root]);
	await host.ok("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", host.root]);
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
});

afterAll(async () => {
	try {
		await host.wharfOk("down", "--all", "--volumes");
	} finally {
		await host[Symbol.asyncDispose]();
	}
});

const ballast = (): string => `${host.root}/ballast`;

const free = (): Promise<string> => host.ok("stat", ["-f", "-c", "%a", host.root]);

/** What is still written of the last command when the disk fills could leave room in a store for what is to have none. */
async function settled(): Promise<void> {
	await eventually(async () => {
		const before = await free();
		await delay(1_000);
		expect(await free()).toBe(before);
	}, 30_000);
}

test.each([
	["rm -f", ["rm", "-f", "web"]],
	["stop", ["stop", "-t", "1", "web"]],
])("%s of a container that runs", async (_, args) => {
	await host.wharfOk("run", "-d", "--name", "web", "--network", "front", "-p", "8080:80", "host", "sleep", "1001");
	await settled();
	await host.run("dd", ["if=/dev/zero", `of=${ballast()}`, "bs=64k"]);
	const { exitCode, stderr } = await host.wharf(args);
	expect(stderr).toMatch(/^wharf: Container web is stopped and its .* gone, but that cannot be stored: /);
	expect(stderr).toContain(`the file system of ${host.root} is full.\nMake room in ${host.root}`);
	expect(exitCode).toBe(1);
	expect((await processes(host)).filter(({ command }) => /^sleep 1001|^\S*conmon /.test(command))).toEqual([]);
	expect(await host.ok("mount", ["-t", "overlay"])).not.toContain(host.root);

	await host.ok("rm", [ballast()]);
	await eventually(async () => expect(await host.wharfOk("ps", "-a")).toContain("Exited ("), 30_000);
	await eventually(async () => {
		expect(await host.ok("ip", ["-br", "link"])).not.toContain("wv-");
		expect(await host.ok("mount", ["-t", "nsfs"])).not.toContain(host.root);
	});
	await host.wharfOk("rm", "web");
});

test("a container that has filled the disk itself makes room by going", async () => {
	/** Fills the disk when it is told to, so that it is stored as running by then. */
	const hog = async (end: string, ...flags: string[]): Promise<void> => {
		const program = `until test -e /go; do sleep 0.1; done; dd if=/dev/zero of=/fill bs=64k; ${end}`;
		await host.wharfOk("run", "-d", ...flags, "--name", "hog", "host", "sh", "-c", program);
		await host.wharfOk("exec", "hog", "touch", "/go");
	};
	await hog("sleep 1000");
	await eventually(async () => expect(Number(await free())).toBe(0));
	await host.wharfOk("rm", "-f", "hog");
	await hog("exit 3", "--rm");
	// Its monitor could not write how it ended: the gateway looks by itself.
	await eventually(async () => expect(await host.wharfOk("ps", "-aq")).toBe(""), 60_000);
});
