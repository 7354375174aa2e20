/** Where this copy of wharf is installed, and where its programs are: sources in a checkout, bundles in a package. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The nearest folder above this file with wharf's own package.json. */
export function packageRoot(): string {
	for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
		const manifest = join(folder, "package.json");
		if (existsSync(manifest) && isOurs(manifest)) return folder;
		if (folder === "/") throw new Error(`no package.json of wharf above ${import.meta.url}`);
	}
}

function isOurs(manifest: string): boolean {
	const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string };
	return name === "wharf";
}

/** Programs by their names in `dist/`, with their sources. */
export const PROGRAMS = {
	wharf: "gateway/cli/main.ts",
	gateway: "gateway/serve.ts",
	supervisor: "gateway/supervisor/main.ts",
	ipamd: "services/ipamd/main.ts",
	netd: "services/netd/main.ts",
	dnsd: "services/dnsd/main.ts",
	volumed: "services/volumed/main.ts",
} as const;

/** A program's file as `node` takes it: the bundle when this very code is one. */
export function program(name: keyof typeof PROGRAMS): string {
	const root = packageRoot();
	const bundled = fileURLToPath(import.meta.url).startsWith(join(root, "dist/"));
	return bundled ? join(root, "dist", `${name}.js`) : join(root, PROGRAMS[name]);
}
