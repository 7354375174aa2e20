import { expect } from "vitest";
import { Descriptions } from "./descriptions.ts";
import { volumeFaults } from "./faults.ts";
import { mounted, type Scene } from "./test-support/scene.ts";
import { test } from "./test-support/scene-test.ts";

test.beforeEach(async ({ scene }) => {
	await scene.create("away", { options: mounted });
	await scene.create("here");
});

/** What is said of the two, each time that it is called. */
function describing(scene: Scene) {
	const amounts = { ofAll: async (paths: readonly string[]) => paths.map(() => ({ bytes: 1n, files: 1n })) };
	const descriptions = new Descriptions(scene.parts, amounts, 20);
	return async () => {
		const found = await descriptions.of([scene.get("away"), scene.get("here")], true, scene.signal);
		return found.map(({ name, status, usage }) => [name, Object.fromEntries(status), usage?.files]);
	};
}

test.for(["status", "isMounted"] as const)(
	"a driver that fails at %s keeps nobody from seeing the volumes",
	async (call, { scene }) => {
		const described = describing(scene);
		scene.local.failures.set(call, volumeFaults.DRIVER_FAILED({ driver: "x", act: call, problem: "gone" }));
		expect(await described()).toEqual([
			["away", { error: `The volume driver x failed at ${call}: gone.` }, undefined],
			["here", {}, 1n],
		]);
	},
);

test("one that does not answer is not waited for, and asked once by all who want to know", async ({ scene }) => {
	const described = describing(scene);
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
