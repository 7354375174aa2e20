import { defineConfig } from "vitest/config";

/** unit: pure and quick, anywhere. kernel: the real kernel, root, one process a file. e2e: real processes; a namespace plays a host. */
export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: "unit",
					include: ["{lib,services,gateway}/**/*.test.ts", "test/*.test.ts"],
					exclude: ["**/*.kernel.test.ts", "**/node_modules/**"],
					// The first import of a large module on a busy machine takes seconds.
					testTimeout: 30_000,
					hookTimeout: 30_000,
				},
			},
			{
				test: {
					name: "kernel",
					include: ["{lib,services,gateway}/**/*.kernel.test.ts"],
					pool: "forks",
					// What takes two seconds may take thirty where others have the processors.
					testTimeout: 90_000,
					hookTimeout: 90_000,
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/{e2e,wired}/**/*.e2e.test.ts"],
					globalSetup: "test/support/bundle-of-hosts.ts",
					pool: "forks",
					testTimeout: 120_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
});
