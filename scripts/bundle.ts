/**
 * The programs as the package has them, in a folder: Node drops types in a checkout, but not inside `node_modules`, and eighty source
 * files cost a command 100 ms.
 *
 * All files lie flat there, so that a worker's or a service's file is beside whoever starts it.
 */
import { cp, readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";
import { PROGRAMS } from "../gateway/package-root.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Files that run in threads of their own are started by URL: `new URL("./writer.ts", …)` names one. */
async function workers(): Promise<Record<string, string>> {
	const found: Record<string, string> = {};
	for (const folder of ["lib", "services", "gateway"]) {
		for (const file of await readdir(join(ROOT, folder), { recursive: true })) {
			if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
			const source = await readFile(join(ROOT, folder, file), "utf8");
			for (const [, name = ""] of source.matchAll(/"\.\/([a-z-]+)\.js"/g)) {
				const path = join(folder, dirname(file), `${name}.ts`);
				if (found[name] !== undefined && found[name] !== path)
					throw new Error(`two workers are called ${name}: rename one`);
				found[name] = path;
			}
		}
	}
	return found;
}

/** Other packages are not in it: they are found from where it lies. */
export async function bundle(folder: string): Promise<void> {
	const entryPoints = { ...PROGRAMS, client: "lib/rpc/public.ts", ...(await workers()) };
	await build({
		absWorkingDir: ROOT,
		entryPoints,
		outdir: folder,
		bundle: true,
		splitting: true,
		packages: "external",
		platform: "node",
		target: "node24",
		format: "esm",
		legalComments: "none",
		logLevel: "warning",
	});
	await cp(join(ROOT, "proto/gen/descriptors.binpb"), join(folder, "descriptors.binpb"));
}
