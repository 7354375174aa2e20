/** The gateway's store against processes, mounts and directories; and against what netd and volumed hold for it. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../host.ts";
import { compare } from "./compare.ts";
import { noLeftCgroups, noPauses } from "./control-groups.ts";
import { mounts, processes } from "./kernel.ts";
import { rows } from "./stores.ts";

const STEADY = ["CREATED", "RUNNING", "EXITED"];

export async function containersAgree(host: Host): Promise<string[]> {
	const containers = rows(host.root, "gateway", "SELECT id, name, state, pid, sandbox_id FROM containers");
	const ids = containers.map((row) => String(row["id"]));
	const running = containers.filter((row) => row["state"] === "RUNNING");
	const runningIds = running.map((row) => String(row["id"]));
	const alive = await processes(host);
	const pids = new Set(alive.map(({ pid }) => pid));

	const monitors = alive.flatMap(({ command }) => /^\S*conmon .*--cid (\S+)/.exec(command)?.[1] ?? []);
	const roots = (await mounts(host, join(host.root, "containers"))).filter(({ type }) => type === "overlay");
	const sandboxes = rows(host.root, "netd", "SELECT id FROM sandboxes WHERE holder = 'gateway'").map((row) =>
		String(row["id"]),
	);
	const folders = await readdir(join(host.root, "containers")).catch(() => []);
	return [
		...containers
			.filter((row) => !STEADY.includes(String(row["state"])))
			.map((row) => `container ${String(row["name"])} is ${String(row["state"])}`),
		...running
			.filter((row) => !pids.has(Number(row["pid"])))
			.map(
				(row) => `container ${String(row["name"])} is stored as running and process ${String(row["pid"])} is not there`,
			),
		...compare("monitor of container", runningIds, monitors),
		...compare(
			"root file system of container",
			runningIds,
			roots.map(({ target }) => target.split("/").at(-2) ?? target),
		),
		...compare(
			"sandbox of a container",
			running.map((row) => String(row["sandbox_id"])).filter((id) => id !== ""),
			sandboxes,
		),
		...compare("folder of container", ids, folders),
		...(await noLeftCgroups(host, runningIds, ids)),
		...(await noPauses(host, running)),
	];
}

/** Processes that have ended and whose parent, other than the host's first process, has not waited for them. */
export async function noZombies(host: Host): Promise<string[]> {
	return (await processes(host))
		.filter(({ state, parent }) => state.startsWith("Z") && parent > 1)
		.map(({ command }) => `zombie ${command}`);
}
