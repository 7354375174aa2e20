/**
 * Bundles the programs to `dist/` for the npm package (`npm pack` runs this): Node drops types in a checkout, but not inside
 * `node_modules`, and eighty source files cost a command 100 ms.
 *
 * All files lie flat in `dist/`, so that a worker's or a service's file is beside whoever starts it.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { run } from "#lib/exec/run.ts";
import { PROGRAMS } from "../gateway/package-root.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

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

async function bundle(): Promise<void> {
	const entryPoints = { ...PROGRAMS, client: "lib/rpc/public.ts", ...(await workers()) };
	await build({
		absWorkingDir: ROOT,
		entryPoints,
		outdir: DIST,
		bundle: true,
		splitting: true,
		packages: "external",
		platform: "node",
		target: "node24",
		format: "esm",
		legalComments: "none",
		logLevel: "warning",
	});
	await cp(join(ROOT, "proto/gen/descriptors.binpb"), join(DIST, "descriptors.binpb"));
}

/** Declarations for `wharf/client`, with the aliases of the checkout made relative. */
async function declarations(): Promise<void> {
	const out = join(DIST, "types");
	const flags = ["--declaration", "--emitDeclarationOnly", "--noEmit", "false", "--outDir", out, "--rootDir", ROOT];
	const strict = [
		"--module",
		"nodenext",
		"--target",
		"esnext",
		"--strict",
		"--skipLibCheck",
		"--allowImportingTsExtensions",
	];
	await run(join(ROOT, "node_modules/.bin/tsc"), ["--ignoreConfig", ...flags, ...strict, "lib/rpc/public.ts"], {
		cwd: ROOT,
	});
	for (const file of await readdir(out, { recursive: true })) {
		if (!file.endsWith(".d.ts")) continue;
		const path = join(out, file);
		const text = await readFile(path, "utf8");
		const relativeTo = (folder: string): string => {
			const way = relative(dirname(path), join(out, folder)) || ".";
			return way.startsWith(".") ? way : `./${way}`;
		};
		const rewritten = text
			.replaceAll(/"#lib\/([^"]+)\.ts"/g, (_, target: string) => `"${relativeTo("lib")}/${target}.js"`)
			.replaceAll(/"#gen\/([^"]+)\.ts"/g, (_, target: string) => `"${relativeTo("proto/gen")}/${target}.js"`)
			.replaceAll(/"(\.{1,2}\/[^"]+)\.ts"/g, '"$1.js"');
		await writeFile(path, rewritten);
	}
}

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST, { recursive: true });
await bundle();
await declarations();
console.error(`${basename(DIST)}: ${(await readdir(DIST)).length} files`);
