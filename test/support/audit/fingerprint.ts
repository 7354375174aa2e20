/** Everything that a refused command must leave as it was, in one comparable value. */
import type { Host } from "../host.ts";
import { elements, links, mounts, tables } from "./kernel.ts";
import { dump } from "./stores.ts";

export async function fingerprint(host: Host): Promise<Record<string, unknown>> {
	const sets = await elements(host);
	return {
		stores: dump(host.root),
		links: (await links(host)).map((link) => JSON.stringify(link)).sort(),
		tables: await tables(host),
		elements: sets === undefined ? undefined : Object.fromEntries(sets),
		mounts: (await mounts(host, host.root)).map((mount) => JSON.stringify(mount)).sort(),
		routes: JSON.parse(await host.ok("ip", ["-j", "route", "show", "table", "all"])),
		files: (await host.ok("find", [host.root, "-xdev", "-mindepth", "1", "-maxdepth", "2", "-type", "d"]))
			.split("\n")
			.sort(),
	};
}
