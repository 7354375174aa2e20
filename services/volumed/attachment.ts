/** What a container mounts: as it is asked for, and as it is told to an OCI runtime. */
import { posix } from "node:path";
import { volumeFaults } from "./faults.ts";
import type { ProcessIdentity } from "#lib/linux/process.ts";
import type { View } from "./kernel/views.ts";
import type { VolumeName } from "./volume.ts";

export const PROPAGATIONS = ["rprivate", "private", "rshared", "shared", "rslave", "slave"] as const;
export type MountPropagation = (typeof PROPAGATIONS)[number];

/** What becomes of mounts below a path that is bound: they come along (as read-only as the bind, or writable, or read-only for sure), or stay away. */
export const RECURSIONS = ["enabled", "disabled", "writable", "readonly"] as const;
export type BindRecursion = (typeof RECURSIONS)[number];

export interface VolumeSource {
	readonly kind: "volume";
	/** Undefined: a new volume without one. */
	readonly name: VolumeName | undefined;
	/** A new volume is filled from the image. */
	readonly copy: boolean;
	/** Of a new volume; empty: `local`. */
	readonly driver: string;
	readonly options: ReadonlyMap<string, string>;
	readonly labels: ReadonlyMap<string, string>;
	/** A relative path in its shortest form; empty: all of it. */
	readonly subpath: string;
}

export interface BindSource {
	readonly kind: "bind";
	readonly path: string;
	/** A directory is made when it is missing. */
	readonly create: boolean;
	readonly propagation: MountPropagation;
	readonly recursion: BindRecursion;
}

export interface TmpfsSource {
	readonly kind: "tmpfs";
	/** 0: the kernel's default, half of the memory. */
	readonly sizeBytes: bigint;
	readonly mode: number;
	/** Words of tmpfs(5) and mount(8); they go before the defaults. */
	readonly options: readonly string[];
}

export type MountSource = VolumeSource | BindSource | TmpfsSource;

/** Ids in a row: `count` from `onDisk` on are seen in the container from `seen` on. */
export interface OwnerRange {
	readonly onDisk: number;
	readonly seen: number;
	readonly count: number;
}

export interface OwnerMap {
	readonly uids: readonly OwnerRange[];
	readonly gids: readonly OwnerRange[];
}

/** For every container (`z`), or for this one (`Z`). */
export type Relabel = "shared" | "private";

export interface MountSpec {
	readonly destination: string;
	readonly readOnly: boolean;
	readonly source: MountSource;
	/** SELinux labels of the content are changed; undefined: they stay. */
	readonly relabel: Relabel | undefined;
	/** Undefined: owners are seen as they are on the disk. */
	readonly owners: OwnerMap | undefined;
	/** The options as the user wrote them. */
	readonly mode: string;
}

export interface ResolvedMount {
	readonly destination: string;
	/** What a runtime binds; `tmpfs` for memory. */
	readonly source: string;
	readonly type: "bind" | "tmpfs";
	readonly options: readonly string[];
	/** Empty: none. */
	readonly volume: string;
	readonly readOnly: boolean;
	/** Empty: it is no volume's. */
	readonly driver: string;
	/** As the user wrote it. */
	readonly mode: string;
	/** Where volume or bind is on this host; empty: memory. */
	readonly origin: string;
	/** What has to be made of `origin` so that there is a `source`; undefined: they are the same. */
	readonly view: View | undefined;
	/** A bind whose directory is made when it is missing. */
	readonly create: boolean;
	readonly relabel: Relabel | undefined;
}

export interface Attachment {
	readonly id: string;
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	/** Outer before inner. */
	readonly mounts: readonly ResolvedMount[];
	readonly createdAt: Date;
	/** Something was made ready for it, which deactivating takes back. */
	readonly active: boolean;
	/** Of the container's processes, as it was said last: an absolute path within each hierarchy; empty: none are to be paused. */
	readonly cgroup: string;
}

/** Whose a container is, and which. */
export interface Party {
	readonly holder: string;
	readonly containerId: string;
}

/** Under which a container has its turn: no volume has a slash in its name. */
export function containerKey({ holder, containerId }: Party): string {
	return `${holder}/${containerId}`;
}

/** Another container whose mounts are wanted as well. */
export interface MountsOf {
	readonly containerId: string;
	readonly readOnly: boolean;
}

export interface AttachSpec {
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	readonly mounts: readonly MountSpec[];
	readonly mountsOf: readonly MountsOf[];
	/** Undefined: new volumes stay empty. */
	readonly imageRoot: string | undefined;
	readonly activateLater: boolean;
	/** Undefined: as it was said before, or none. */
	readonly cgroup: string | undefined;
}

/** Of the run that begins. */
export interface ActivateSpec extends Party, Pick<AttachSpec, "cgroup"> {}

/** A mount in a process that runs. */
export interface LiveMount {
	readonly id: string;
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	readonly process: ProcessIdentity;
	readonly mount: ResolvedMount;
}

/** An absolute path in its shortest form, not the root. Fault: INVALID_DESTINATION. */
export function parseDestination(destination: string): string {
	const refuse = (problem: string) => volumeFaults.INVALID_DESTINATION({ destination, problem });
	if (!destination.startsWith("/")) throw refuse("it is no absolute path");
	if (destination.includes("\0")) throw refuse("it has a zero byte");
	if (Buffer.byteLength(destination) > 4095) throw refuse("it is too long");
	if (destination.split("/").includes("..")) throw refuse("it has `..`");
	const normal = posix.resolve(destination);
	if (normal === "/") throw refuse("it is the root");
	return normal;
}

/** A relative path in its shortest form, without `..`; empty: all. Fault: INVALID_OPTION. */
export function parseSubpath(subpath: string): string {
	const refuse = (allowed: string) =>
		volumeFaults.INVALID_OPTION({ option: "The subpath", value: JSON.stringify(subpath.slice(0, 200)), allowed });
	if (subpath === "") return "";
	if (subpath.startsWith("/")) throw refuse("a path below the volume, without a slash before it");
	if (subpath.split("/").includes("..")) throw refuse("a path without `..`");
	if (subpath.includes("\0") || Buffer.byteLength(subpath) > 4095)
		throw refuse("a path of at most 4095 bytes, none of them zero");
	const normal = posix.normalize(subpath).replace(/\/$/, "");
	return normal === "." ? "" : normal;
}

/** In the order to mount them: by depth, so that an outer one never hides an inner one. */
export function inMountOrder<T extends { readonly destination: string }>(mounts: readonly T[]): T[] {
	return mounts.toSorted(
		(a, b) => depth(a.destination) - depth(b.destination) || compare(a.destination, b.destination),
	);
}

/** Fault: DUPLICATE_DESTINATION. */
export function refuseDuplicates(mounts: readonly { readonly destination: string }[]): void {
	const seen = new Set<string>();
	for (const { destination } of mounts) {
		if (seen.has(destination)) throw volumeFaults.DUPLICATE_DESTINATION({ destination }, { field: "mounts" });
		seen.add(destination);
	}
}

function depth(path: string): number {
	return path.split("/").length;
}

function compare(a: string, b: string): number {
	return a < b ? -1 : Number(a > b);
}

/** What was asked to be mounted, in one form only: equal askings are equal texts. */
export function canonicalText({ containerName, mounts, mountsOf, imageRoot }: AttachSpec): string {
	const text = { containerName, mounts: inMountOrder(mounts), mountsOf, imageRoot };
	return JSON.stringify(text, (_, value: unknown) => {
		if (typeof value === "bigint") return String(value);
		return value instanceof Map ? [...value].toSorted() : value;
	});
}
