import { afterEach, beforeEach, expect, test } from "vitest";
import { Descriptions } from "./descriptions.ts";
import { volumeFaults } from "./faults.ts";
import { Scene } from "./test-support/scene.ts";
import { parseVolumeName } from "./volume.ts";

let scene: Scene;
let descriptions: Descriptions;
const { signal } = new AbortController();
const amounts = { ofAll: async (paths: readonly string[]) => paths.map(() => ({ bytes: 1n, files: 1n })) };
beforeEach(async () => {
	scene = await Scene.open();
	descriptions = new Descriptions(scene.parts, amounts, 20);
	await scene.create("away", new Map([["type", "tmpfs"]]));
	await scene.create("here");
});
afterEach(() => scene[Symbol.asyncDispose]());

async function described() {
	const volumes = ["away", "here"].map((name) => scene.volumes.get(parseVolumeName(name)));
	const found = await descriptions.of(volumes, true, signal);
	return found.map(({ name, status, usage }) => [name, Object.fromEntries(status), usage?.files]);
}

test.each(["status", "isMounted"] as const)(
	"a driver that fails at %s keeps nobody from seeing the volumes",
	async (call) => {
		scene.local.failures.set(call, volumeFaults.DRIVER_FAILED({ driver: "x", act: call, problem: "gone" }));
		expect(await described()).toEqual([
			["away", { error: `The volume driver x failed at ${call}: gone.` }, undefined],
			["here", {}, 1n],
		]);
	},
);

test("one that does not answer is not waited for, and asked once by all who want to know", async () => {
	const answering = Promise.withResolvers<void>();
	let asked = 0;
	scene.local.silence = answering.promise;
	const { status } = scene.local;
	scene.local.status = () => {
		asked++;
		return status.call(scene.local);
	};
	const silent = [
		["away", { error: "it has not answered for 0.02 s" }, undefined],
		["here", {}, 1n],
	];
	expect([await described(), await described(), asked]).toEqual([silent, silent, 1]);
	answering.resolve();
	await answering.promise;
	scene.local.silence = undefined;
	await expect.poll(described).toEqual([
		["away", {}, undefined],
		["here", {}, 1n],
	]);
});
