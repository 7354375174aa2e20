/** volumed's store against its directories; its attachments against the gateway's containers; and no mount that nobody accounts for. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.ts";
import { compare } from "./compare.ts";
import { type Mount, mounts } from "./kernel.ts";
import { rows } from "./stores.ts";

const BUILT_IN = new Set(["local", "sshfs"]);

/** What was removed a moment ago is forgotten and swept in the background. */
const PATIENCE_MS = 3_000;

export async function volumesAgree(host: Host): Promise<string[]> {
	for (const until = Date.now() + PATIENCE_MS; ; ) {
		const problems = await disagreements(host);
		if (problems.length === 0 || Date.now() > until) return problems;
		await sleep(100);
	}
}

async function disagreements(host: Host): Promise<string[]> {
	const { root } = host;
	const below = join(root, "volumes");
	const entries = await readdir(below).catch(() => []);
	const volumes = rows(root, "volumed", "SELECT name, state, driver, backing, new_name FROM volume");
	// A plugin keeps its volumes where it likes.
	const names = volumes.filter(({ driver }) => BUILT_IN.has(String(driver))).map((row) => String(row["name"]));
	const problems = compare(
		"directory of volume",
		names,
		entries.filter((name) => !name.startsWith(".")),
	);
	for (const { name, state, driver, backing, new_name: newName } of volumes) {
		if (state !== "ACTIVE") problems.push(`volume ${String(name)} is ${String(state)}`);
		if (newName !== null) problems.push(`volume ${String(name)} is about to be called ${String(newName)}`);
		if (!BUILT_IN.has(String(driver))) continue;
		const inside = await readdir(join(below, String(name))).catch(() => []);
		const expected = backing === "image" ? ["_data", "image"] : ["_data"];
		// Its server's key, from the first time on that it is mounted.
		const own = inside.filter((entry) => driver !== "sshfs" || entry !== "_known_hosts");
		problems.push(...compare(`in the directory of volume ${String(name)}:`, expected, own));
	}
	for (const kept of [".trash", ".lost+found", ".going", ".snapshots"]) {
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
	const running = new Set(
		rows(root, "gateway", "SELECT id FROM containers WHERE state = 'RUNNING'").map((row) => String(row["id"])),
	);
	const active = rows(root, "volumed", "SELECT container_id FROM attachment WHERE holder = 'gateway' AND active = 1");
	return [
		...held
			.filter((id) => !containers.has(id))
			.map((id) => `attachment of container ${id} is held and there is no such container`),
		...mounting.filter((id) => !held.includes(id)).map((id) => `container ${id} has mounts and no attachment`),
		...active
			.map((row) => String(row["container_id"]))
			.filter((id) => !running.has(id))
			.map((id) => `attachment of container ${id} is active and it does not run`),
		...rows(root, "volumed", "SELECT id FROM attachment WHERE pending = 1").map(
			({ id }) => `attachment ${String(id)} is pending`,
		),
	];
}

/** Namespaces and root file systems are compared elsewhere; whatever else is mounted below the root is a volume, a view of one, or a stray. */
async function mountsAgree(host: Host): Promise<string[]> {
	const { root } = host;
	const accounted = ({ type, target }: Mount): boolean =>
		(type === "tmpfs" && target === `${root}/run/netns`) ||
		(type === "nsfs" && target.startsWith(`${root}/run/netns/`)) ||
		(type === "overlay" && target.startsWith(`${root}/containers/`));
	const found = (await mounts(host, root)).filter((mount) => !accounted(mount)).map(({ target }) => target);
	const paths = rows(root, "volumed", "SELECT path FROM publication").map(({ path }) => String(path));
	const published = await Promise.all(paths.map(async (path) => ({ path, on: await mounts(host, path) })));
	return [
		...compare("mount", [...mountedVolumes(root), ...views(root)], found),
		...published
			.filter(({ on }) => on.length === 0)
			.map(({ path }) => `publication at ${path} is stored and not there`),
	];
}

/** Of volumes that have to be mounted: those that somebody uses who runs, or at a path of the host. */
function mountedVolumes(root: string): string[] {
	const sql = `SELECT DISTINCT volume.name FROM volume WHERE driver IN ('local', 'sshfs')
		AND backing NOT IN ('directory', 'subvolume', 'project') AND name IN (
			SELECT volume FROM attachment_volume JOIN attachment ON attachment.row = attachment_volume.attachment WHERE active = 1
			UNION SELECT volume FROM publication UNION SELECT volume FROM live_mount WHERE volume IS NOT NULL)`;
	return rows(root, "volumed", sql).map(({ name }) => `${root}/volumes/${String(name)}/_data`);
}

/** Parts of volumes and mapped owners have a place of their own while their container runs. */
function views(root: string): string[] {
	const sql = `SELECT attachment.id AS id, mount.key AS number FROM attachment, json_each(attachment.mounts) AS mount
		WHERE attachment.active = 1 AND json_extract(mount.value, '$.view') IS NOT NULL`;
	return rows(root, "volumed", sql).map(({ id, number }) => `${root}/run/mounts/${String(id)}/${String(number)}`);
}
