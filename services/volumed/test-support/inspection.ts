/**
 * What volumed's store says that there is, against what there is by the account of other programs: mounts, directories, loop devices,
 * processes. Both as lines, so that what is amiss is a sentence.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResolvedMount } from "../attachment.ts";
import { type KillScene, strayProcesses, wholeAt } from "./kill-scene.ts";

/** What is brought to its end in the background has its time. */
const PATIENCE_MS = 20_000;
const HIDDEN = [".going", ".trash", ".lost+found", ".snapshots"];

interface VolumeRow {
	readonly name: string;
	readonly driver: string;
	readonly options: string;
	readonly backing: string;
	readonly state: string;
	readonly new_name: string | null;
	readonly gone: number;
	readonly synced: number;
}
interface AttachmentRow {
	readonly id: string;
	readonly container_id: string;
	readonly mounts: string;
	readonly active: number;
	readonly pending: number;
}
interface PublicationRow {
	readonly path: string;
	readonly volume: string;
	readonly subpath: string;
	readonly read_only: number;
	readonly state: string;
}
interface LiveRow {
	readonly destination: string;
	readonly mount: string;
	readonly pid: number;
	readonly state: string;
}

export interface Rows {
	readonly volumes: readonly VolumeRow[];
	readonly attachments: readonly AttachmentRow[];
	readonly publications: readonly PublicationRow[];
	readonly live: readonly LiveRow[];
	readonly jobs: number;
}

/** What is amiss, once nothing changes for the better any more; nothing when all is well. */
export async function amiss(scene: KillScene, patienceMs = PATIENCE_MS): Promise<string[]> {
	const end = performance.now() + patienceMs;
	for (;;) {
		const problems = differences(scene);
		if (problems.length === 0 || performance.now() > end) return problems;
		await sleep(50);
	}
}

/** What there is of volumed's, in its store or anywhere else. */
export function remains(scene: KillScene): string[] {
	const rows = storeOf(scene);
	return [...said(scene, rows), ...found(scene, rows), ...halfDone(rows)];
}

function differences(scene: KillScene): string[] {
	const rows = storeOf(scene);
	const stored = said(scene, rows);
	const there = found(scene, rows);
	const names = rows.volumes.filter(({ gone }) => gone === 0).map(({ name }) => name);
	return [
		...halfDone(rows),
		...without(stored, there).map((line) => `stored and not there: ${line}`),
		...without(there, stored).map((line) => `there and not stored: ${line}`),
		...without([...scene.promised], names).map((name) => `promised and lost: ${name}`),
		...names.filter((name) => scene.deleted.has(name)).map((name) => `deleted and back: ${name}`),
	];
}

function storeOf(scene: KillScene): Rows {
	using store = new DatabaseSync(join(scene.daemon.root, "state/volumed.db"), { readOnly: true });
	const all = (table: string): unknown[] => store.prepare(`SELECT * FROM ${table}`).all();
	return {
		volumes: all("volume") as VolumeRow[],
		attachments: all("attachment") as AttachmentRow[],
		publications: all("publication") as PublicationRow[],
		live: all("live_mount") as LiveRow[],
		jobs: all("job").length,
	};
}

/** What only an operation that runs leaves in the store. */
function halfDone({ volumes, attachments, publications, live, jobs }: Rows): string[] {
	return [
		...volumes.filter(({ state }) => state !== "ACTIVE").map(({ name, state }) => `volume ${name} is ${state}`),
		...volumes.filter(({ gone }) => gone === 1).map(({ name }) => `volume ${name} is gone and stored`),
		...volumes.filter(({ new_name }) => new_name !== null).map(({ name }) => `volume ${name} is being renamed`),
		...volumes.filter(({ synced }) => synced === 0).map(({ name }) => `volume ${name} is not synced`),
		...attachments.filter(({ pending }) => pending === 1).map((one) => `attachment of ${one.container_id} is pending`),
		...publications
			.filter(({ state }) => state !== "ACTIVE")
			.map(({ path, state }) => `publication ${path} is ${state}`),
		...live.filter(({ state }) => state !== "ACTIVE").map((one) => `mount at ${one.destination} is ${one.state}`),
		...(jobs === 0 ? [] : [`${jobs} jobs`]),
	];
}

function said(scene: KillScene, rows: Rows): string[] {
	const { volumes, publications, live } = rows;
	const active = rows.attachments.filter(({ active }) => active === 1);
	const resolved = active.flatMap((one) => JSON.parse(one.mounts) as ResolvedMount[]);
	const liveMounts = live.map((one) => ({ ...one, ...(JSON.parse(one.mount) as ResolvedMount) }));
	const inUse = new Set([...resolved, ...publications, ...liveMounts].map(({ volume }) => volume));
	const data = (name: string): string => dataOf(scene, volumes, name);
	const lines: string[] = [];
	for (const volume of volumes.filter(({ gone }) => gone === 0)) {
		const { name, driver, backing } = volume;
		const isMounted = inUse.has(name) && needsMount(volume);
		const beside = backing === "image" ? ",image" : driver === "sshfs" ? ",_known_hosts" : "";
		if (driver !== scene.plugin) lines.push(`directory ${name}: _data${beside}`);
		if (isMounted && backing === "image") lines.push(`loop ${join(scene.volumes, name, "image")}`);
		if (isMounted) lines.push(`mount ${data(name)}: ${whatIsMounted(volume)} rw`);
	}
	const seen = volumes.filter((volume) => volume.gone === 0 && (inUse.has(volume.name) || !needsMount(volume)));
	for (const [text, { names }] of scene.written)
		if (seen.some(({ name }) => names.includes(name))) lines.push(`content ${text}`);
	for (const { source, view } of resolved) {
		if (view === undefined) continue;
		lines.push(`mount ${source}: ${identity(join(view.origin, view.subpath))} ${view.readOnly ? "ro" : "rw"}`);
		lines.push(`place ${source}`);
	}
	for (const { path, volume, subpath, read_only } of publications) {
		lines.push(`mount ${path}: ${identity(join(data(volume), subpath))} ${read_only === 1 ? "ro" : "rw"}`);
		lines.push(`place ${path}`);
	}
	for (const { pid, destination, origin, view, readOnly } of liveMounts)
		lines.push(`in ${pid} ${destination}: ${identity(join(origin, view?.subpath ?? ""))} ${readOnly ? "ro" : "rw"}`);
	return lines.sort();
}

function found(scene: KillScene, { volumes }: Rows): string[] {
	const { folder, daemon } = scene;
	const instance = scene.at("instance");
	const mounts = findmnt([]).filter(({ target }) => target.startsWith(`${folder}/`) && target !== instance);
	const isContent = (target: string): boolean => target.endsWith("/_data") || target.startsWith(scene.at("plugged"));
	const lines = mounts.map(({ target, fstype, options }) => {
		const ownKind = isContent(target) && (target.startsWith(scene.at("plugged")) || isOwn(volumes, target));
		return `mount ${target}: ${ownKind ? fstype : identity(target)} ${options.split(",")[0]}`;
	});
	for (const name of namesIn(scene.volumes)) {
		if (HIDDEN.includes(name)) lines.push(...namesIn(join(scene.volumes, name)).map((one) => `left ${name}/${one}`));
		else lines.push(`directory ${name}: ${namesIn(join(scene.volumes, name)).sort().join()}`);
	}
	for (const [path, texts] of scene.wholes) if (!texts.includes(wholeAt(path))) lines.push(`mixed ${wholeAt(path)}`);
	for (const [text, { names, file }] of scene.written) {
		if (names.some((name) => read(join(scene.volumes, name, "_data", file)) === text)) lines.push(`content ${text}`);
	}
	const places = join(daemon.root, "run/mounts");
	for (const id of namesIn(places)) {
		const inside = namesIn(join(places, id));
		lines.push(...inside.map((name) => `place ${join(places, id, name)}`));
		if (inside.length === 0) lines.push(`left ${join(places, id)}`);
	}
	lines.push(...namesIn(scene.at("pub")).map((name) => `place ${join(scene.at("pub"), name)}`));
	lines.push(
		...loopsIn(folder)
			.filter((file) => file !== scene.at("disk"))
			.map((file) => `loop ${file}`),
	);
	for (const { pid } of scene.processes) {
		const own = findmnt(["--task", String(pid)]).filter(({ target }) => /^\/(live|bound|fleet)/.test(target));
		for (const { target, options } of own)
			lines.push(
				`in ${pid} ${target}: ${identity(join("/proc", String(pid), "root", target))} ${options.split(",")[0]}`,
			);
	}
	// sshfs serves its mounts on.
	const strays = strayProcesses(scene).filter(({ name }) => !/^(?:sshfs|ssh)$/.test(name));
	lines.push(...strays.map(({ name }) => `process ${name}`));
	return lines.sort();
}

function needsMount({ backing, driver }: VolumeRow): boolean {
	return backing === "image" || backing === "mount" || driver !== "local";
}

/** A file system of the volume's own is told by its kind, and what is bound by which directory it is. */
function whatIsMounted({ driver, backing, options }: VolumeRow): string {
	if (backing === "image") return "ext4";
	if (driver === "sshfs") return "fuse.sshfs";
	if (driver !== "local") return "tmpfs";
	const { type = "", device = "" } = JSON.parse(options) as Record<string, string>;
	return type === "none" ? identity(device) : type;
}

function isOwn(volumes: readonly VolumeRow[], target: string): boolean {
	const volume = volumes.find(({ name }) => target.endsWith(`/${name}/_data`));
	return volume !== undefined && !whatIsMounted(volume).includes(":");
}

function dataOf(scene: KillScene, volumes: readonly VolumeRow[], name: string): string {
	const { driver = "" } = volumes.find((volume) => volume.name === name) ?? {};
	return driver === scene.plugin ? join(scene.at("plugged"), name) : join(scene.volumes, name, "_data");
}

function findmnt(args: readonly string[]): { target: string; fstype: string; options: string }[] {
	const output = execFileSync("findmnt", [...args, "-J", "--list", "-o", "TARGET,FSTYPE,VFS-OPTIONS"], {
		encoding: "utf8",
	});
	return JSON.parse(output.replaceAll('"vfs-options"', '"options"')).filesystems;
}

function loopsIn(folder: string): string[] {
	const output = execFileSync("losetup", ["-J", "-l", "-O", "BACK-FILE"], { encoding: "utf8" });
	const devices: { "back-file": string }[] = output === "" ? [] : JSON.parse(output).loopdevices;
	return devices.map((device) => device["back-file"]).filter((file) => file.startsWith(`${folder}/`));
}

function identity(path: string): string {
	const found = statSync(path, { throwIfNoEntry: false });
	return found === undefined ? "nothing" : `${found.dev}:${found.ino}`;
}

function read(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return undefined;
	}
}

function namesIn(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}

/** As many times as it is more often in the first. */
function without(lines: readonly string[], others: readonly string[]): string[] {
	const left = [...others];
	return lines.filter((line) => {
		const at = left.indexOf(line);
		if (at >= 0) left.splice(at, 1);
		return at < 0;
	});
}
