/** Containers on a full disk: they end at once, what cannot be stored is said, and it is stored when there is room again. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processes } from "../support/audit/kernel.ts";
import { Host } from "../support/host.ts";
import { eventually } from "../support/eventually.ts";

/** Its file systems are seen inside the host alone: the audit, which reads the stores from outside, is of no use here. */
let host: Host;

afterAll(async () => {
	await host[Symbol.asyncDispose]();
});

/** Where the stores are. */
const state = (): string => `${host.root}/state`;

const mountTmpfs = async (folder: string, size: string): Promise<void> => {
	await host.ok("mkdir", [folder]);
	await host.ok("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", folder]);
};

const free = async (folder: string): Promise<number> => Number(await host.ok("stat", ["-f", "-c", "%a", folder]));

describe("with no room in the stores", () => {
	beforeAll(async () => {
		host = await Host.boot();
		await mountTmpfs(host.root, "32m");
		// Of the stores alone: what a container that ends leaves of room elsewhere is for none of them to take first.
		await mountTmpfs(state(), "16m");
		await host.wharfOk("up");
		await host.wharfOk("network", "create", "front");
	});

	afterAll(() => host.wharfOk("down", "--all", "--volumes"));

	/** What is still written of the last command when the disk fills could leave room in a store for what is to have none. */
	async function settled(): Promise<void> {
		await eventually(async () => {
			const before = await free(state());
			await delay(1_000);
			expect(await free(state())).toBe(before);
		}, 30_000);
	}

	test.each([
		["rm -f", ["rm", "-f", "web"]],
		["stop", ["stop", "-t", "1", "web"]],
	])("%s of a container that runs", async (_, args) => {
		await host.wharfOk("run", "-d", "--name", "web", "--network", "front", "-p", "8080:80", "host", "sleep", "1001");
		await settled();
		const ballast = `${state()}/ballast`;
		await host.run("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4k"]);
		const { exitCode, stderr } = await host.wharf(args);
		expect(stderr).toMatch(/^wharf: Container web is stopped and its .* gone, but that cannot be stored: /);
		expect(stderr).toContain(`the file system of ${state()} is full.\nMake room in ${state()}: `);
		expect(exitCode).toBe(1);
		expect((await processes(host)).filter(({ command }) => /^sleep 1001|^\S*conmon /.test(command))).toEqual([]);
		expect(await host.ok("mount", ["-t", "overlay"])).not.toContain(host.root);

		await host.ok("rm", [ballast]);
		await eventually(async () => expect(await host.wharfOk("ps", "-a")).toContain("Exited ("), 30_000);
		await eventually(async () => {
			expect(await host.ok("ip", ["-br", "link"])).not.toContain("wv-");
			expect(await host.ok("mount", ["-t", "nsfs"])).not.toContain(host.root);
		});
		await host.wharfOk("rm", "web");
	});
});

describe("that a container has filled itself", () => {
	beforeAll(async () => {
		await host[Symbol.asyncDispose]();
		host = await Host.boot();
		await mountTmpfs(host.root, "32m");
		await host.wharfOk("up");
	});

	afterAll(() => host.wharfOk("down", "--all", "--volumes"));

	/** Fills the disk when it is told to, so that it is stored as running by then. */
	const hog = async (end: string, ...flags: string[]): Promise<void> => {
		const program = `until test -e /go; do sleep 0.1; done; dd if=/dev/zero of=/fill bs=64k; ${end}`;
		await host.wharfOk("run", "-d", ...flags, "--name", "hog", "host", "sh", "-c", program);
		await host.wharfOk("exec", "hog", "touch", "/go");
	};

	test("its removal makes room", async () => {
		await hog("sleep 1000");
		await eventually(async () => expect(await free(host.root)).toBe(0));
		await host.wharfOk("rm", "-f", "hog");
		expect(await free(host.root)).toBeGreaterThan(0);
	});

	test("its end makes room, when it is removed by that", async () => {
		await hog("exit 3", "--rm");
		// Its monitor could not write how it ended: the gateway looks by itself.
		await eventually(async () => expect(await host.wharfOk("ps", "-aq")).toBe(""), 60_000);
		expect(await free(host.root)).toBeGreaterThan(0);
	});
});
