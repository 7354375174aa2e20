/** volumed is killed while containers are paused: they go on with its next start. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { AttachRequest, CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { ScratchCgroup } from "#lib/linux/test-support/scratch-cgroup.ts";
import { Daemon } from "./test-support/daemon.ts";

const PROGRAM = join(import.meta.dirname, "test-support/pauses-program.ts");

const storeOf = ({ root }: Daemon): string => join(root, "state/volumed.db");

async function attach(daemon: Daemon, { path }: ScratchCgroup): Promise<void> {
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value: { name: "data" } } }];
	const container = { holder: "test", containerId: path.slice(1), containerName: path.slice(1) };
	await daemon.attachments.attach(AttachRequest.fromPartial({ ...container, mounts, cgroup: path }));
}

/** What volumed does with the store while it runs, by a program that ends at the kill point. Gives the signal that ended it. */
async function pauseUntil(daemon: Daemon, point: string): Promise<unknown> {
	const env = { ...process.env, WHARF_KILL_POINT: point };
	const run = promisify(execFile)(process.execPath, [PROGRAM, storeOf(daemon), "data"], { env, timeout: 60_000 });
	return run.then(
		({ stdout }) => stdout,
		(error: { readonly signal: unknown }) => error.signal,
	);
}

/** The control groups that volumed has to let go on. */
function known(daemon: Daemon): unknown[] {
	using store = new DatabaseSync(storeOf(daemon), { readOnly: true });
	return store.prepare("SELECT cgroup FROM pause ORDER BY cgroup").all();
}

test.each([
	["store.volumed.pause.intended", 2, []],
	["volumed.pause.frozen#2", 2, ["one", "two"]],
	["store.volumed.pause.over", 0, []],
	["nowhere", 0, []],
] as const)("killed at %s: %i are known, and %j stand still until the next start", async (point, count, standing) => {
	await using one = new ScratchCgroup("pauses-one");
	await using two = new ScratchCgroup("pauses-two");
	await using paused = new ScratchCgroup("pauses-others");
	const counters = { one: await one.counter(), two: await two.counter() };
	const other = await paused.counter();
	paused.set("frozen");
	await using daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data" }));
	for (const group of [one, two, paused]) await attach(daemon, group);
	await daemon.kill("SIGTERM");

	const names = `${one.path.slice(1)} ${two.path.slice(1)}`;
	expect(await pauseUntil(daemon, point)).toBe(point === "nowhere" ? `paused ${names}\n` : "SIGKILL");
	expect(known(daemon)).toHaveLength(count);
	for (const [name, counter] of Object.entries(counters)) {
		const stands = (standing as readonly string[]).includes(name);
		expect(await (stands ? counter.stands() : counter.goesOn())).toBe(true);
	}

	await daemon.start();
	expect(await Promise.all(Object.values(counters).map((counter) => counter.goesOn()))).toEqual([true, true]);
	expect([one.frozenIn(), two.frozenIn(), known(daemon)]).toEqual([[], [], []]);
	expect([paused.frozenIn().length, await other.stands()]).toEqual([1, true]);
});
