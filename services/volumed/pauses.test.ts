import { describe, expect } from "vitest";
import { type Scene, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

/** A container that runs, in the control group `/<its name>`. */
async function running(scene: Scene, name: string, ...volumes: readonly string[]): Promise<void> {
	scene.freezer.groups.set(`/${name}`, "thawed");
	const mounts = Object.fromEntries(volumes.map((volume) => [`/${volume}`, volumeAt(volume)]));
	await scene.attach(name, mounts, { containerName: name, cgroup: `/${name}` });
}

const frozen = ({ freezer }: Scene): string[] =>
	[...freezer.groups].filter(([, state]) => state === "frozen").map(([cgroup]) => cgroup);
const known = ({ store }: Scene) => store.all<{ cgroup: string }>("SELECT * FROM pause").map(({ cgroup }) => cgroup);

describe("a pause", () => {
	test("stops those that may write to one of the volumes, until it is over", async ({ scene }) => {
		await running(scene, "web", "data", "logs");
		await running(scene, "db", "data");
		await running(scene, "other", "elsewhere");
		const reader = { containerName: "reader", cgroup: "/reader" };
		scene.freezer.groups.set("/reader", "thawed");
		await scene.attach("reader", {}, { ...reader, mountsOf: [{ containerId: "db", readOnly: true }] });
		const pause = await scene.pause(["data", "logs"]);
		expect([pause.containers, pause.problems]).toEqual([["web", "db"], []]);
		expect([frozen(scene), known(scene).toSorted()]).toEqual([
			["/web", "/db"],
			["/db", "/web"],
		]);
		await pause[Symbol.asyncDispose]();
		await pause[Symbol.asyncDispose]();
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
		const { pausedMs } = pause;
		expect(pausedMs).toBeGreaterThan(0);
		expect(pause.pausedMs).toBe(pausedMs);
	});

	test("of volumes that nobody runs with is nothing", async ({ scene }) => {
		await scene.create("unused");
		await running(scene, "gone", "data");
		scene.freezer.groups.delete("/gone");
		for (const name of ["unused", "data"]) {
			await using pause = await scene.pause([name]);
			expect(pause).toMatchObject({ containers: [], problems: [], pausedMs: 0 });
		}
		expect(known(scene)).toEqual([]);
	});

	test("leaves what somebody else has paused as it is", async ({ scene }) => {
		await running(scene, "web", "data");
		scene.freezer.groups.set("/web", "frozen");
		const pause = await scene.pause(["data"]);
		expect([pause.containers, pause.problems, known(scene)]).toEqual([[], [], []]);
		await pause[Symbol.asyncDispose]();
		expect(frozen(scene)).toEqual(["/web"]);
	});

	test("says which could not be stopped, and stops the others", async ({ scene }) => {
		await running(scene, "web", "data");
		await running(scene, "stuck", "data");
		scene.freezer.stubborn.add("/stuck");
		await using pause = await scene.pause(["data"]);
		expect(pause.containers).toEqual(["web"]);
		expect(pause.problems).toEqual(["stuck was not paused: not all of its processes have stopped within 5 s."]);
		expect([frozen(scene), known(scene)]).toEqual([["/web"], ["/web"]]);
	});

	test("knows a container that the volume was mounted into, if its control group was ever said", async ({ scene }) => {
		scene.views.processes.set(7, "a").set(8, "b");
		await running(scene, "web", "own");
		await scene.mountInto("web", 7, "/live", volumeAt("data"));
		await scene.mountInto("0123456789abcdef", 8, "/live", volumeAt("logs"));
		await using one = await scene.pause(["data"]);
		expect([one.containers, one.problems]).toEqual([["web"], []]);
		await using two = await scene.pause(["logs"]);
		expect([two.containers, two.problems]).toEqual([[], ["web was not paused: nobody has told its control group."]]);
	});

	test("ends when it is not wanted any more, while it begins as well", async ({ scene }) => {
		await running(scene, "web", "data");
		await running(scene, "slow", "data");
		scene.freezer.slow.add("/slow");
		const call = new AbortController();
		const pausing = scene.pause(["data"], call.signal);
		await expect.poll(() => frozen(scene)).toEqual(["/web", "/slow"]);
		expect(known(scene).toSorted()).toEqual(["/slow", "/web"]);
		call.abort(new Error("hung up"));
		await expect(pausing).rejects.toThrow("hung up");
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
		await expect(scene.pause(["data"], call.signal)).rejects.toThrow("hung up");
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
	});
});

describe("pauses of one container", () => {
	test("are over with the last of them", async ({ scene }) => {
		await running(scene, "web", "data", "logs");
		await running(scene, "db", "logs");
		const [one, two] = await Promise.all([scene.pause(["data"]), scene.pause(["logs"])]);
		expect([one.containers, two.containers]).toEqual([["web"], ["web", "db"]]);
		await one[Symbol.asyncDispose]();
		await one[Symbol.asyncDispose]();
		expect([frozen(scene), known(scene).toSorted()]).toEqual([
			["/web", "/db"],
			["/db", "/web"],
		]);
		const three = await scene.pause(["data"]);
		await two[Symbol.asyncDispose]();
		expect([three.containers, frozen(scene), known(scene)]).toEqual([["web"], ["/web"], ["/web"]]);
		await three[Symbol.asyncDispose]();
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
	});

	test("one that fails to begin does not end another one", async ({ scene }) => {
		await running(scene, "web", "data", "logs");
		await running(scene, "slow", "logs");
		scene.freezer.slow.add("/slow");
		await using _ = await scene.pause(["data"]);
		const call = new AbortController();
		const pausing = scene.pause(["logs"], call.signal);
		await expect.poll(() => frozen(scene)).toEqual(["/web", "/slow"]);
		call.abort(new Error("hung up"));
		await expect(pausing).rejects.toThrow("hung up");
		expect([frozen(scene), known(scene)]).toEqual([["/web"], ["/web"]]);
	});
});

describe("whatever comes", () => {
	test("after a kill the next start lets go on what was paused, and nothing else", async ({ scene }) => {
		await running(scene, "web", "data");
		await running(scene, "paused", "data");
		scene.freezer.groups.set("/paused", "frozen");
		await scene.pause(["data"]);
		expect(frozen(scene)).toEqual(["/web", "/paused"]);
		await scene.mend();
		expect([frozen(scene), known(scene)]).toEqual([["/paused"], []]);
	});

	test("one that does not go on is said, keeps nobody else, and is tried again by the next start", async ({
		scene,
	}) => {
		await running(scene, "web", "data");
		await running(scene, "db", "data");
		const pause = await scene.pause(["data"]);
		scene.freezer.failure = new Error("not now");
		await expect(pause[Symbol.asyncDispose]()).rejects.toThrow("not now");
		expect([frozen(scene), known(scene)]).toEqual([["/web"], ["/web"]]);
		await scene.mend();
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
	});

	test("all go on when volumed ends", async ({ scene }) => {
		await running(scene, "web", "data");
		const pause = await scene.pause(["data"]);
		await scene.pauses[Symbol.asyncDispose]();
		expect([frozen(scene), known(scene)]).toEqual([[], []]);
		await pause[Symbol.asyncDispose]();
	});
});
