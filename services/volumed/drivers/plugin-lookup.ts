/** Where the plugin of a name listens: Docker's folders, in Docker's order (docs/extend/plugin_api.md, "Plugin discovery"). */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";

export interface PluginFolders {
	/** `NAME.sock`, `NAME/NAME.sock`. */
	readonly sockets: readonly string[];
	/** `NAME.spec`, a line with an address; `NAME.json`, an object with `Addr`. Both in a folder `NAME` as well. */
	readonly specs: readonly string[];
}

export const DOCKER_FOLDERS: PluginFolders = {
	sockets: ["/run/docker/plugins"],
	specs: ["/etc/docker/plugins", "/usr/lib/docker/plugins"],
};

/** A name is a part of paths. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const LONGEST_NAME = 128;

/** An address is short; whatever else lies there is not read to its end. */
const MAX_SPEC_BYTES = 64 * 1024;

/** The socket's path; undefined when there is no plugin of that name. Fault: DRIVER_FAILED for an address that is no unix socket's. */
export async function findPlugin(name: string, folders: PluginFolders): Promise<string | undefined> {
	if (!NAME.test(name) || name.length > LONGEST_NAME) return undefined;
	for (const path of folders.sockets.flatMap((folder) => pathsOf(folder, name, ".sock"))) {
		if (await isThere(path, "socket")) return path;
	}
	for (const folder of folders.specs) {
		for (const path of [...pathsOf(folder, name, ".spec"), ...pathsOf(folder, name, ".json")]) {
			if (await isThere(path, "file")) return socketOf(name, path);
		}
	}
	return undefined;
}

/** The names of all plugins that there seem to be, sorted. */
export async function pluginNames(folders: PluginFolders): Promise<string[]> {
	const found = await Promise.all([
		...folders.sockets.map((folder) => namesIn(folder, [".sock"])),
		...folders.specs.map((folder) => namesIn(folder, [".spec", ".json"])),
	]);
	return [...new Set(found.flat())].sort();
}

function pathsOf(folder: string, name: string, extension: string): string[] {
	return [join(folder, `${name}${extension}`), join(folder, name, `${name}${extension}`)];
}

async function isThere(path: string, kind: "socket" | "file"): Promise<boolean> {
	try {
		const found = await stat(path);
		return kind === "socket" ? found.isSocket() : found.isFile() && found.size <= MAX_SPEC_BYTES;
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES")) return false;
		throw error;
	}
}

async function socketOf(name: string, path: string): Promise<string> {
	const refused = (problem: string) =>
		volumeFaults.DRIVER_FAILED({ driver: name, act: "its lookup", problem: `${path} ${problem}` });
	const address = addressIn(await readFile(path, "utf8"), extname(path) === ".json");
	if (address === undefined) throw refused("has no address");
	const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
	if (scheme !== "unix") {
		throw refused(`has the address ${JSON.stringify(address.slice(0, 100))}, and only unix:// is spoken to`);
	}
	const socket = address.slice("unix://".length);
	if (!socket.startsWith("/") || socket.includes("\0")) throw refused("does not name its socket by an absolute path");
	return socket;
}

function addressIn(text: string, isJson: boolean): string | undefined {
	if (!isJson) return text.trim() === "" ? undefined : text.trim();
	try {
		const { Addr: address } = Object(JSON.parse(text)) as { Addr?: unknown };
		return typeof address === "string" ? address : undefined;
	} catch {
		return undefined;
	}
}

/** `NAME.sock` beside others, and `NAME/NAME.sock`. A folder that is missing has none. */
async function namesIn(folder: string, extensions: readonly string[]): Promise<string[]> {
	const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
	const inside = await Promise.all(
		entries.map(async (entry) => {
			if (!entry.isDirectory()) return entry.name;
			const files = await readdir(join(folder, entry.name)).catch(() => []);
			return files.find((file) => basename(file, extname(file)) === entry.name) ?? "";
		}),
	);
	return inside.flatMap((file) => (extensions.includes(extname(file)) ? [basename(file, extname(file))] : []));
}
