import { expect } from "vitest";
import { volumeFaults } from "./faults.ts";
import { volumeAt } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";
import { VolumeRecords } from "./volume-records.ts";

test("an attach and a mount into the same container, of the same volume, that wait for a third come to their ends", async ({
	scene,
}) => {
	scene.views.processes.set(42, "100");
	await scene.create("data");
	await scene.attach("c1", { "/a": volumeAt() });
	const outcomes = await Promise.allSettled([
		scene.detach("c1"),
		scene.attach("c1", { "/data": volumeAt("data") }),
		scene.mountInto("c1", 42, "/more", volumeAt("data")),
		scene.detach("c1", true),
		scene.mountInto("c1", 42, "/more", volumeAt("data")),
	]);
	expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => "fulfilled"));
	await scene.detach("c1");
	await scene.remove("data");
});

test("a container gets another one's mounts with what is in them, or hears that there is no such container", async ({
	scene,
}) => {
	for (let round = 0; round < 20; round++) {
		const [from, to] = [`from${round}`, `to${round}`];
		const { mounts } = await scene.attach(from, { "/data": volumeAt() });
		const [name = ""] = mounts.map(({ volume }) => volume);
		const waiting = round % 2 === 0 ? [] : [scene.deactivate(to)];
		const [, detached, attached] = await Promise.allSettled([
			Promise.all(waiting),
			scene.detach(from, true),
			scene.attach(to, {}, { mountsOf: [{ containerId: from, readOnly: false }] }),
		]);
		const isThere = scene.names.includes(name);
		expect(detached).toMatchObject({ value: { removedVolumes: isThere ? [] : [name] } });
		const refused = { reason: { reason: "ATTACHMENT_NOT_FOUND" } };
		expect(attached).toMatchObject(isThere ? { value: { mounts: [{ volume: name }] } } : refused);
	}
});

test("a container whose mounts are given to another one is not detached between", async ({ scene }) => {
	const { mounts } = await scene.attach("from", { "/data": volumeAt() });
	const [name = ""] = mounts.map(({ volume }) => volume);
	const [attached, detached] = await Promise.all([
		scene.attach("to", {}, { mountsOf: [{ containerId: "from", readOnly: false }] }),
		scene.detach("from", true),
	]);
	expect([attached.mounts[0]?.volume, detached.removedVolumes, scene.names]).toEqual([name, [], [name]]);
});

test("what cannot be taken back hides no reason, and its row stays for reconcile", async ({ scene }) => {
	const refused = volumeFaults.DRIVER_FAILED({ driver: "x", act: "Create", problem: "no room" });
	scene.local.failures.set("create", refused);
	scene.local.failures.set("remove", new Error("gone"));
	await expect(scene.create("data")).rejects.toBe(refused);
	scene.local.failures.set("create", refused);
	scene.local.failures.set("remove", new Error("gone"));
	await expect(scene.attach("c1", { "/x": volumeAt("other") })).rejects.toBe(refused);
	const left = new VolumeRecords(scene.store).all().map(({ name, state }) => [name, state]);
	expect(left).toEqual([
		["data", "CREATING"],
		["other", "CREATING"],
	]);
	expect([(await scene.create("data")).name, (await scene.create("whole")).name]).toEqual(["data", "whole"]);
	scene.views.failure = volumeFaults.DESTINATION_UNFIT({ destination: "/x", problem: "it is a file" });
	scene.views.unmountFrom = () => Promise.reject(new Error("gone"));
	scene.views.processes.set(42, "100");
	const into = scene.mountInto("c2", 42, "/x", volumeAt("whole"));
	await expect(into).rejects.toMatchObject({ reason: "DESTINATION_UNFIT" });
});
