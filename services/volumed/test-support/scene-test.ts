/** A test of the use cases: each has a scene of its own. */
import { test as base } from "vitest";
import { Scene } from "./scene.ts";

export const test = base.extend<{ scene: Scene }>({
	// oxlint-disable-next-line no-empty-pattern -- vitest reads in the pattern what else a fixture wants
	scene: async ({}, use) => {
		await using scene = await Scene.open();
		await use(scene);
	},
});
