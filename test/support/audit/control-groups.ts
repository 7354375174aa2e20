/** Control groups of containers: none is left, none stands still, and volumed knows which is whose. */
import type { Host } from "../host.ts";
import { type Row, rows } from "./stores.ts";

/** They are the machine's: other hosts' containers are in the same tree, and only ids of ours are looked at. */
export async function noLeftCgroups(host: Host, running: readonly string[], ids: readonly string[]): Promise<string[]> {
	const paths = (await host.ok("find", ["/sys/fs/cgroup", "-type", "d", "-path", "*/wharf/*"])).split("\n");
	const named = new Set(paths.flatMap((path) => ids.filter((id) => path.includes(id))));
	return [...named]
		.filter((id) => !running.includes(id))
		.map((id) => `cgroup of ${id} is there and nothing runs in it`);
}

export async function noPauses(host: Host, running: readonly Row[]): Promise<string[]> {
	const frozen = await frozenFiles(host);
	return [
		...rows(host.root, "volumed", "SELECT cgroup FROM pause").map(
			({ cgroup }) => `${String(cgroup)} is stored as paused`,
		),
		...running
			.filter(({ id }) => frozen.some((path) => path.includes(String(id))))
			.map(({ name }) => `container ${String(name)} stands still`),
		...(await knownGroupsAgree(host, running)),
	];
}

async function frozenFiles(host: Host): Promise<string[]> {
	const files = ["(", "-name", "freezer.state", "-o", "-name", "cgroup.freeze", ")"];
	const grep = ["-exec", "grep", "-lxE", "FROZEN|FREEZING|1", "{}", "+"];
	const { stdout } = await host.run("find", ["/sys/fs/cgroup", "-path", "*/wharf/*", ...files, ...grep]);
	return stdout.split("\n");
}

/** Of containers that mount something, by the kernel's account of their processes. */
async function knownGroupsAgree(host: Host, running: readonly Row[]): Promise<string[]> {
	const held = rows(host.root, "volumed", "SELECT container_id, cgroup FROM attachment WHERE holder = 'gateway'");
	const known = new Map(held.map((row) => [String(row["container_id"]), String(row["cgroup"])]));
	const problems: string[] = [];
	for (const { id, name, pid } of running) {
		const cgroup = known.get(String(id));
		if (cgroup === undefined) continue;
		// One that has just ended is in none.
		const { stdout } = await host.run("cat", [`/proc/${String(pid)}/cgroup`]);
		const groups = stdout.split("\n").flatMap((line) => /^\d+:[^:]*:(.*)$/.exec(line)?.[1] ?? []);
		if (groups.length > 0 && !groups.includes(cgroup))
			problems.push(`container ${String(name)} is not in ${JSON.stringify(cgroup)}, as volumed has it`);
	}
	return problems;
}
