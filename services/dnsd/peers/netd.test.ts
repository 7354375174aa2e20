/** The watch against real gRPC and a script of what netd says; where the names go is held open and let go by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { NameServiceDouble, told } from "../test-support/name-service.ts";
import type { Sandbox } from "../zone.ts";
import { type Names, NameWatch } from "./netd.ts";

vi.setConfig({ testTimeout: 30_000 });

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000, interval: 10 });

/** What was asked of it, each step done only when it is let go. */
class HeldNames implements Names {
	readonly steps: string[] = [];
	readonly #waiting: (() => void)[] = [];
	#isHeld = false;

	hold(): void {
		this.#isHeld = true;
	}

	letGo(): void {
		this.#isHeld = false;
		for (const go of this.#waiting.splice(0)) go();
	}

	replaceAll(sandboxes: readonly Sandbox[]): Promise<void> {
		return this.#step(`all ${sandboxes.map(({ name }) => name).join(" ")}`);
	}

	put(sandbox: Sandbox): Promise<void> {
		return this.#step(`put ${sandbox.name}`);
	}

	remove(sandboxId: string): Promise<void> {
		return this.#step(`remove ${sandboxId}`);
	}

	async #step(step: string): Promise<void> {
		this.steps.push(step);
		if (this.#isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
	}
}

function socketPath(): string {
	const folder = mkdtempSync(join(tmpdir(), "dnsd-watch-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	return join(folder, "netd.sock");
}

function watch(path: string): { names: HeldNames; watch: NameWatch } {
	const names = new HeldNames();
	const started = NameWatch.start({ unix: path }, names, createLog({ service: "dnsd", level: "silent" }));
	onTestFinished(() => started[Symbol.asyncDispose]());
	return { names, watch: started };
}

const web = told("web", "172.18.0.2");
const db = told("db", "172.18.0.3");

describe("the watch on netd's names", () => {
	it("takes everything at once, then each change, and acknowledges in order", async () => {
		const path = socketPath();
		await using netd = await NameServiceDouble.start(path, 41n, web, db);
		const { names, watch: started } = watch(path);
		await soon(() => netd.acknowledged).toEqual([0n, 41n]);
		expect(started.state()).toEqual({ revision: 41n, synced: true, unreadable: [] });
		netd.put(told("app", "172.18.0.4"));
		await soon(() => netd.acknowledged).toEqual([0n, 41n, 42n]);
		netd.remove("s-web");
		await soon(() => netd.acknowledged.at(-1)).toBe(43n);
		expect(names.steps).toEqual(["all web db", "put app", "remove s-web"]);
	});

	it("acknowledges nothing before it holds", async () => {
		const path = socketPath();
		await using netd = await NameServiceDouble.start(path, 7n, web);
		const { names, watch: started } = watch(path);
		names.hold();
		await soon(() => names.steps).toEqual(["all web"]);
		expect(netd.acknowledged).toEqual([0n]);
		expect(started.state()).toMatchObject({ revision: 0n, synced: false });
		names.letGo();
		await soon(() => netd.acknowledged).toEqual([0n, 7n]);

		names.hold();
		netd.remove("s-web");
		netd.put(db);
		await soon(() => names.steps).toEqual(["all web", "remove s-web"]);
		expect(netd.acknowledged).toEqual([0n, 7n]);
		expect(started.state().revision).toBe(7n);
		names.letGo();
		await soon(() => netd.acknowledged.at(-1)).toBe(9n);
		expect(names.steps.at(-1)).toBe("put db");
	});

	it("finds netd when it comes, loses it, and finds it again with what has changed meanwhile", async () => {
		const path = socketPath();
		const { names, watch: started } = watch(path);
		expect(started.state()).toEqual({ revision: 0n, synced: false, unreadable: [] });
		{
			await using netd = await NameServiceDouble.start(path, 5n, web, db);
			await soon(() => netd.acknowledged.at(-1)).toBe(5n);
		}
		expect(names.steps).toEqual(["all web db"]);
		await using again = await NameServiceDouble.start(path, 2n, db);
		await soon(() => again.acknowledged).toEqual([0n, 2n]);
		expect(names.steps).toEqual(["all web db", "all db"]);
		expect(started.state()).toMatchObject({ revision: 2n, synced: true });
	});

	it("leaves out a sandbox that makes no sense, says so, and goes on", async () => {
		const path = socketPath();
		await using netd = await NameServiceDouble.start(path, 1n, told("odd", "not an address"), web);
		const { names, watch: started } = watch(path);
		await soon(() => netd.acknowledged.at(-1)).toBe(1n);
		expect(names.steps).toEqual(["all web"]);
		expect(started.state().unreadable).toEqual([expect.stringMatching(/^sandbox s-odd: .*not an address/)]);
		netd.put(told("odd", "172.18.0.9"));
		await soon(() => netd.acknowledged.at(-1)).toBe(2n);
		expect(names.steps.at(-1)).toBe("put odd");
		expect(started.state().unreadable).toEqual([]);
	});
});
