/** What is mounted where on a host and in its containers, as findmnt(8) prints it; and what wharf says of containers and volumes. */
import type { Host } from "./host.ts";

export interface Found {
	readonly target: string;
	readonly source: string;
	readonly fstype: string;
	readonly options: string;
	readonly propagation: string;
	readonly children?: readonly Found[];
}

const COLUMNS = ["-J", "-o", "TARGET,SOURCE,FSTYPE,OPTIONS,PROPAGATION"];

/** The uppermost mount at a path of the host, or in a container that runs; undefined where nothing is mounted. */
export async function mountAt(host: Host, path: string, container?: string): Promise<Found | undefined> {
	return (await ask(host, ["--mountpoint", path], container)).at(-1);
}

/** A mount and everything below it, in one list. */
export async function mountsBelow(host: Host, path: string, container?: string): Promise<Found[]> {
	const flat = (found: Found): Found[] => [found, ...(found.children ?? []).flatMap(flat)];
	return (await ask(host, ["-R", path], container)).flatMap(flat);
}

async function ask(host: Host, args: readonly string[], container: string | undefined): Promise<Found[]> {
	const words = [...COLUMNS, ...args];
	const { stdout } = await (container === undefined
		? host.run("findmnt", words)
		: host.wharf(["exec", container, "findmnt", ...words]));
	return stdout === "" ? [] : (JSON.parse(stdout) as { filesystems: Found[] }).filesystems;
}

export interface InspectedVolume {
	readonly Mountpoint: string;
	readonly Labels: Readonly<Record<string, string>>;
	readonly Options: Readonly<Record<string, string>>;
	readonly Status?: Readonly<Record<string, string>>;
	readonly [more: string]: unknown;
}

export async function inspectVolume(host: Host, name: string): Promise<InspectedVolume> {
	const [found] = JSON.parse(await host.wharfOk("volume", "inspect", name)) as InspectedVolume[];
	if (found === undefined) throw new Error(`nothing was said of the volume ${name}`);
	return found;
}

export interface InspectedContainer {
	readonly Id: string;
	readonly State: { readonly Pid: number; readonly Running: boolean };
	readonly Mounts: readonly {
		readonly Type: string;
		readonly Name?: string;
		readonly Source: string;
		readonly Destination: string;
	}[];
	readonly Config: { readonly Volumes: unknown };
	readonly [more: string]: unknown;
}

export async function inspectContainer(host: Host, name: string): Promise<InspectedContainer> {
	const [found] = JSON.parse(await host.wharfOk("inspect", name)) as InspectedContainer[];
	if (found === undefined) throw new Error(`nothing was said of the container ${name}`);
	return found;
}

/** Lines, sorted and without empty ones: names, modes, owners and numbers of links of a tree. */
export async function treeOf(host: Host, path: string): Promise<string[]> {
	return linesOf(await host.ok("find", [path, "-printf", "%P %y %m %U:%G %n\n"])).sort();
}

export function linesOf(text: string): string[] {
	return text.split("\n").filter((line) => line !== "");
}
