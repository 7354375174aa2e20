/** What a container mounts: as it is asked for, and as it is told to an OCI runtime. */
import { posix } from "node:path";
import { volumeFaults } from "./faults.ts";
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

export interface MountSpec {
	readonly destination: string;
	readonly readOnly: boolean;
	readonly source: MountSource;
	/** SELinux labels of the content: as they are, for every container (`z`), or for this one (`Z`). */
	readonly relabel: "none" | "shared" | "private";
	/** Undefined: owners are seen as they are on the disk. */
	readonly owners: OwnerMap | undefined;
	/** The options as the user wrote them. */
	readonly mode: string;
}

export interface ResolvedMount {
	readonly destination: string;
	readonly source: string;
	readonly type: "bind" | "tmpfs";
	readonly options: readonly string[];
	/** Empty: none. */
	readonly volume: string;
	readonly readOnly: boolean;
}

export interface Attachment {
	readonly id: string;
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	/** Outer before inner. */
	readonly mounts: readonly ResolvedMount[];
	readonly createdAt: Date;
}

export interface AttachSpec {
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	readonly mounts: readonly MountSpec[];
	/** Undefined: new volumes stay empty. */
	readonly imageRoot: string | undefined;
}

/** An absolute path in its shortest form, not the root. Fault: INVALID_DESTINATION. */
export function parseDestination(destination: string): string {
	const refuse = (problem: string) => volumeFaults.INVALID_DESTINATION({ destination, problem });
	if (!destination.startsWith("/")) throw refuse("it is no absolute path");
	if (destination.includes("\0")) throw refuse("it has a zero byte");
	if (Buffer.byteLength(destination) > 4095) throw refuse("it is too long");
	if (destination.split("/").includes("..")) throw refuse("it has `..`");
	const normal = posix.normalize(destination).replace(/(?<=.)\/$/, "");
	if (normal === "/") throw refuse("it is the root");
	return normal;
}

/** In the order to mount them: by depth, so that an outer one never hides an inner one. Fault: DUPLICATE_DESTINATION. */
export function inMountOrder(mounts: readonly MountSpec[]): MountSpec[] {
	const seen = new Set<string>();
	for (const { destination } of mounts) {
		if (seen.has(destination)) throw volumeFaults.DUPLICATE_DESTINATION({ destination }, { field: "mounts" });
		seen.add(destination);
	}
	return mounts.toSorted(
		(a, b) => depth(a.destination) - depth(b.destination) || compare(a.destination, b.destination),
	);
}

function depth(path: string): number {
	return path.split("/").length;
}

function compare(a: string, b: string): number {
	return a < b ? -1 : Number(a > b);
}

/**
 * As an OCI runtime takes it. `source` is where the volume or the bind is on this host.
 *
 * `rro` is recursive read-only by mount_setattr (runc 1.1, crun 1.4: `runc features` lists it); `ro` beside it is for the mount
 * itself, so that a runtime that does not know the other still refuses writes there. Memory is as Docker mounts it.
 */
export function resolve(spec: MountSpec, source: string, volume: string): ResolvedMount {
	const { destination, readOnly } = spec;
	const common = { destination, readOnly, volume };
	switch (spec.source.kind) {
		case "tmpfs": {
			const { sizeBytes, mode } = spec.source;
			const size = sizeBytes === 0n ? [] : [`size=${sizeBytes}`];
			const options = ["noexec", "nosuid", "nodev", `mode=${mode.toString(8)}`, ...size, readOnly ? "ro" : "rw"];
			return { ...common, source: "tmpfs", type: "tmpfs", options: [...options, "rprivate"] };
		}
		case "volume":
			return { ...common, source, type: "bind", options: ["rbind", ...access(readOnly), "rprivate"] };
		case "bind":
			return { ...common, source, type: "bind", options: ["rbind", ...access(readOnly), spec.source.propagation] };
	}
}

function access(readOnly: boolean): string[] {
	return readOnly ? ["ro", "rro"] : ["rw"];
}

/** What was asked, in one form only: equal askings are equal texts. */
export function canonicalText({ containerName, mounts, imageRoot }: AttachSpec): string {
	const text = { containerName, mounts: inMountOrder(mounts), imageRoot };
	return JSON.stringify(text, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
