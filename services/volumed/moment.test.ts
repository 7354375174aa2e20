import { setImmediate as turn } from "node:timers/promises";
import { describe, expect } from "vitest";
import { CommonMoment, ownMoment } from "./moment.ts";
import { type Scene, volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { parseVolumeName } from "./volume.ts";

const [db, files] = [parseVolumeName("db-data"), parseVolumeName("files")];

async function running(scene: Scene, name: string, volume: string): Promise<void> {
	scene.freezer.groups.set(`/${name}`, "thawed");
	await scene.attach(name, { "/data": volumeAt(volume) }, { containerName: name, cgroup: `/${name}` });
}

const frozen = ({ freezer }: Scene): string[] =>
	[...freezer.groups]
		.filter(([, state]) => state === "frozen")
		.map(([cgroup]) => cgroup)
		.toSorted();

describe("a moment of one volume", () => {
	test("is when those who write to it stand still; nobody's volume has none", async ({ scene }) => {
		await running(scene, "web", files);
		await running(scene, "postgres", db);
		await scene.create("unused");
		expect(ownMoment(scene.pauses, parseVolumeName("unused"), scene.signal)).toBeUndefined();
		let still: string[] = [];
		const paused = await ownMoment(scene.pauses, db, scene.signal)?.reach(async () => {
			still = frozen(scene);
		});
		expect(still).toEqual(["/postgres"]);
		expect(frozen(scene)).toEqual([]);
		expect(paused).toMatchObject({ paused: ["postgres"], warnings: [] });
		expect(paused?.pausedMs).toBeGreaterThan(0);
	});
});

describe("a moment of several", () => {
	test("comes when the last of them is read, and all of their writers stand still for all of them", async ({
		scene,
	}) => {
		await running(scene, "web", files);
		await running(scene, "postgres", db);
		const moment = new CommonMoment(scene.pauses, [db, files], scene.signal);
		const still: string[][] = [];
		const look = async () => void still.push(frozen(scene));
		const first = moment.of(db).reach(look);
		await moment.read(db);
		await turn();
		expect([still, frozen(scene)]).toEqual([[], []]);
		const [one, other] = await Promise.all([first, moment.of(files).reach(look)]);
		expect(still).toEqual(Array.from({ length: 2 }, () => ["/postgres", "/web"]));
		expect(one).toEqual(other);
		expect(one.paused).toEqual(["postgres", "web"]);
		expect(frozen(scene)).toEqual([]);
	});

	test("does not wait for one that was left, nor stops its writers", async ({ scene }) => {
		await running(scene, "web", files);
		await running(scene, "postgres", db);
		const moment = new CommonMoment(scene.pauses, [db, files], scene.signal);
		const reached = moment.of(db).reach(async () => undefined);
		moment.leave(files);
		moment.leave(files);
		expect(await reached).toMatchObject({ paused: ["postgres"] });
	});

	test("what one of them comes upon is its own; the others are of that time all the same", async ({ scene }) => {
		await running(scene, "postgres", db);
		const moment = new CommonMoment(scene.pauses, [db, files], scene.signal);
		const failing = moment.of(files).reach(() => Promise.reject(new Error("it has gone")));
		const other = moment.of(db).reach(async () => undefined);
		await expect(failing).rejects.toThrow("it has gone");
		expect(await other).toMatchObject({ paused: ["postgres"] });
		expect(frozen(scene)).toEqual([]);
	});

	test("that is given up meanwhile fails for all of them, and nobody stands still", async ({ scene }) => {
		await running(scene, "postgres", db);
		const abort = new AbortController();
		const moment = new CommonMoment(scene.pauses, [db, files], abort.signal);
		const waiting = moment.of(db).reach(async () => undefined);
		abort.abort(new Error("enough"));
		moment.leave(files);
		await expect(waiting).rejects.toThrow("enough");
		expect(frozen(scene)).toEqual([]);
	});
});
