/** volumed's store against its directories; its attachments against the gateway's containers; and no mount that nobody accounts for. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../host.ts";
import { compare } from "./compare.ts";
import { type Mount, mounts } from "./kernel.ts";
import { rows } from "./stores.ts";

export async function volumesAgree(host: Host): Promise<string[]> {
	const { root } = host;
	const below = join(root, "volumes");
	const entries = await readdir(below).catch(() => []);
	const volumes = rows(root, "volumed", "SELECT name, state FROM volume");
	const names = volumes.map((row) => String(row["name"]));
	const problems = compare(
		"directory of volume",
		names,
		entries.filter((name) => !name.startsWith(".")),
	);
	for (const { name, state } of volumes) {
		if (state !== "ACTIVE") problems.push(`volume ${String(name)} is ${String(state)}`);
		const inside = await readdir(join(below, String(name))).catch(() => []);
		problems.push(...compare(`in the directory of volume ${String(name)}:`, ["_data"], inside));
	}
	for (const kept of [".trash", ".lost+found"]) {
		for (const left of await readdir(join(below, kept)).catch(() => [])) problems.push(`${kept} has ${left}`);
	}
	for (const { kind, volume } of rows(root, "volumed", "SELECT kind, volume FROM job")) {
		problems.push(`a ${String(kind)} of volume ${String(volume)} is stored as running`);
	}
	return [...problems, ...attachmentsAgree(root), ...(await mountsAgree(host))];
}

function attachmentsAgree(root: string): string[] {
	const containers = new Set(rows(root, "gateway", "SELECT id FROM containers").map((row) => String(row["id"])));
	const held = rows(root, "volumed", "SELECT container_id FROM attachment WHERE holder = 'gateway'").map((row) =>
		String(row["container_id"]),
	);
	const mounting = rows(root, "gateway", "SELECT id FROM containers WHERE length(mounts) > 0").map((row) =>
		String(row["id"]),
	);
	return [
		...held
			.filter((id) => !containers.has(id))
			.map((id) => `attachment of container ${id} is held and there is no such container`),
		...mounting.filter((id) => !held.includes(id)).map((id) => `container ${id} has mounts and no attachment`),
	];
}

/** Namespaces and root file systems are compared elsewhere; whatever else is mounted below the root is a stray. */
async function mountsAgree(host: Host): Promise<string[]> {
	const accounted = ({ type, target }: Mount): boolean =>
		(type === "tmpfs" && target === `${host.root}/run/netns`) ||
		(type === "nsfs" && target.startsWith(`${host.root}/run/netns/`)) ||
		(type === "overlay" && target.startsWith(`${host.root}/containers/`));
	return (await mounts(host, host.root))
		.filter((mount) => !accounted(mount))
		.map(({ type, target }) => `mount ${type} at ${target} is there`);
}
