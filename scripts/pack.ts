/** Makes `dist/` for the npm package (`npm pack` runs this): the programs, and the client's types. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { run } from "#lib/exec/run.ts";
import { bundle } from "./bundle.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

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
await bundle(DIST);
await declarations();
console.error(`${basename(DIST)}: ${(await readdir(DIST)).length} files`);
