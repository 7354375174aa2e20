/**
 * What a container mounts, as `docker inspect` has it: what there is (`Mounts`), and what was asked for (`HostConfig`, `Config.Volumes`).
 *
 * Docker keeps a mount where its flag put it. Here all are alike, so each is where it can be said: a volume without a name in
 * `Config.Volumes`, what `-v` can say in `Binds`, what `--tmpfs` did in `Tmpfs`, and the rest in `Mounts`.
 */
import type { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import {
	BindRecursion,
	type BindSource,
	type MountSpec,
	Relabel,
	type ResolvedMount,
	type TmpfsSource,
	type VolumeSource,
} from "#gen/wharf/volume/v1/volume.ts";

const DEFAULT_PROPAGATION = "rprivate";
const DEFAULT_TMPFS_MODE = 0o1777;

export function mountJson(mount: ResolvedMount): Record<string, unknown> {
	const type = mount.volume !== "" ? "volume" : mount.type;
	const propagation = mount.options.find((option) => /^r?(private|shared|slave)$/.test(option)) ?? "";
	return {
		Type: type,
		...(type === "volume" ? { Name: mount.volume } : {}),
		Source: type === "tmpfs" ? "" : mount.origin || mount.source,
		Destination: mount.destination,
		...(type === "volume" ? { Driver: mount.driver } : {}),
		Mode: mount.mode,
		RW: !mount.readOnly,
		Propagation: type === "bind" ? propagation : "",
	};
}

/** Of `Config`: null as with Docker when there are none. */
export function anonymousVolumesJson(mounts: readonly MountSpec[]): Record<string, object> | null {
	const entries = mounts.flatMap((mount) => (placeOf(mount) === "volumes" ? [[mount.destination, {}] as const] : []));
	return entries.length === 0 ? null : Object.fromEntries(entries);
}

/** Of `HostConfig`. */
export function askedMountsJson({ mounts, volumesFrom }: Pick<ContainerSpec, "mounts" | "volumesFrom">): object {
	const at = (place: Place) => mounts.filter((mount) => placeOf(mount) === place);
	const [binds, tmpfs, others] = [at("binds"), at("tmpfs"), at("mounts")];
	const from = volumesFrom.map(({ container, readOnly }) => `${container}${readOnly ? ":ro" : ""}`);
	return {
		Binds: binds.length === 0 ? null : binds.map(bindText),
		VolumesFrom: from.length === 0 ? null : from,
		...(tmpfs.length === 0
			? {}
			: { Tmpfs: Object.fromEntries(tmpfs.map(({ destination, mode }) => [destination, mode])) }),
		...(others.length === 0 ? {} : { Mounts: others.map(otherJson) }),
	};
}

type Place = "volumes" | "binds" | "tmpfs" | "mounts";

function placeOf({ source, mode, readOnly, relabel, ownerMap }: MountSpec): Place {
	switch (source?.$case) {
		case "volume": {
			const { name, noCopy, driver, options, labels, subpath } = source.value;
			const isPlain = driver === "" && subpath === "" && isEmpty(options) && isEmpty(labels);
			if (name !== "") return isPlain ? "binds" : "mounts";
			return isPlain && !readOnly && !noCopy && ownerMap === undefined && isUnlabelled(relabel) ? "volumes" : "mounts";
		}
		case "bind":
			return source.value.create && source.value.recursion === BindRecursion.UNSPECIFIED ? "binds" : "mounts";
		case "tmpfs": {
			const { sizeBytes, options, mode: rootMode } = source.value;
			const isBare = sizeBytes === 0n && !readOnly && [0, DEFAULT_TMPFS_MODE].includes(rootMode);
			return mode !== "" || (isBare && options.length === 0) ? "tmpfs" : "mounts";
		}
		case undefined:
			return "mounts";
	}
}

/** As `-v` has it. */
function bindText(mount: MountSpec): string {
	const { source, destination } = mount;
	const from = source?.$case === "bind" ? source.value.path : source?.$case === "volume" ? source.value.name : "";
	const options = mount.mode || optionWords(mount).join(",");
	return [from, destination, ...(options === "" ? [] : [options])].join(":");
}

/** Of a mount that came without a text. */
function optionWords({ source, readOnly, relabel }: MountSpec): string[] {
	const propagation = source?.$case === "bind" ? source.value.propagation : "";
	return [
		...(readOnly ? ["ro"] : []),
		...(relabel === Relabel.SHARED ? ["z"] : relabel === Relabel.PRIVATE ? ["Z"] : []),
		...(source?.$case === "volume" && source.value.noCopy ? ["nocopy"] : []),
		...(propagation === "" || propagation === DEFAULT_PROPAGATION ? [] : [propagation]),
	];
}

/** As Docker's API has a `--mount`. */
function otherJson({ source, destination, readOnly }: MountSpec): Record<string, unknown> {
	const common = { Target: destination, ...(readOnly ? { ReadOnly: true } : {}) };
	switch (source?.$case) {
		case "volume":
			return { Type: "volume", Source: source.value.name, ...common, VolumeOptions: volumeOptions(source.value) };
		case "bind":
			return { Type: "bind", Source: source.value.path, ...common, BindOptions: bindOptions(source.value) };
		case "tmpfs":
			return { Type: "tmpfs", ...common, TmpfsOptions: tmpfsOptions(source.value) };
		case undefined:
			return common;
	}
}

function volumeOptions({ noCopy, driver, options, labels, subpath }: VolumeSource): object {
	const hasDriver = driver !== "" || !isEmpty(options);
	return {
		...(noCopy ? { NoCopy: true } : {}),
		...(isEmpty(labels) ? {} : { Labels: labels }),
		...(hasDriver ? { DriverConfig: { Name: driver, Options: options } } : {}),
		...(subpath === "" ? {} : { Subpath: subpath }),
	};
}

function bindOptions({ propagation, recursion, create }: BindSource): object {
	return {
		...(propagation === "" ? {} : { Propagation: propagation }),
		...(recursion === BindRecursion.DISABLED ? { NonRecursive: true } : {}),
		...(recursion === BindRecursion.WRITABLE ? { ReadOnlyNonRecursive: true } : {}),
		...(recursion === BindRecursion.READONLY ? { ReadOnlyForceRecursive: true } : {}),
		...(create ? { CreateMountpoint: true } : {}),
	};
}

function tmpfsOptions({ sizeBytes, mode, options }: TmpfsSource): object {
	return {
		...(sizeBytes === 0n ? {} : { SizeBytes: Number(sizeBytes) }),
		...(mode === 0 ? {} : { Mode: mode }),
		...(options.length === 0 ? {} : { Options: options.map((option) => [option]) }),
	};
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
	return Object.keys(record).length === 0;
}

function isUnlabelled(relabel: Relabel): boolean {
	return relabel === Relabel.UNSPECIFIED;
}
