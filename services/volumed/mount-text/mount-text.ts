/** `--mount`: `type=bind,source=/srv,target=/srv,readonly`, in any order; a volume without a type. Nothing that is missing is made unless it is said. */
import { posix } from "node:path";
import {
	type BindSource,
	type MountSource,
	type MountSpec,
	parseDestination,
	PROPAGATIONS,
	RECURSIONS,
	type TmpfsSource,
	type VolumeSource,
} from "../attachment.ts";
import { parseVolumeName } from "../volume.ts";
import type { Surroundings } from "./grammar.ts";
import { parseHostPath } from "./host-path.ts";
import { type MountKeys, parseMountKeys } from "./mount-keys.ts";
import { parseOwnerMap } from "./owner-map.ts";
import { invalidMount, invalidOption } from "./refusals.ts";
import { parseFlagSize } from "./size.ts";
import { DEFAULT_TMPFS_MODE, parseTmpfsMode, TMPFS_MODES } from "./tmpfs-mode.ts";

const TYPES = ["volume", "bind", "tmpfs"] as const;
type Type = (typeof TYPES)[number];

/** Docker's others, and why they are not here. */
const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
	["image", "images cannot be mounted: the one that there is, `host`, is an overlay over this machine"],
	["npipe", "named pipes are a thing of Windows"],
	["cluster", "volumes of a cluster are a thing of Swarm, and wharf works on one host"],
]);
const FAMILIES = ["volume", "bind", "tmpfs", "image"] as const;
const CACHINGS = ["default", "consistent", "cached", "delegated"];

/** Faults: INVALID_MOUNT, UNKNOWN_MOUNT_OPTION, INVALID_OPTION, INVALID_DESTINATION, INVALID_NAME. */
export function parseMountText(text: string, surroundings: Surroundings): MountSpec {
	const keys = parseMountKeys(text);
	const type = typeOf(text, keys);
	refuseMixed(text, keys, type);
	const target = keys.value("target");
	if (target === undefined) throw invalidMount(text, "it has no target: target=/path");
	const consistency = keys.value("consistency")?.toLowerCase() ?? "default";
	if (!CACHINGS.includes(consistency)) throw invalidOption("consistency", consistency, CACHINGS.join(", "));
	const owners = keys.value("idmap");
	return {
		destination: parseDestination(target),
		readOnly: keys.isOn("readonly"),
		source: sourceOf(text, type, keys, surroundings),
		relabel: undefined,
		owners: owners === undefined ? undefined : parseOwnerMap(owners),
		mode: "",
	};
}

function typeOf(text: string, keys: MountKeys): Type {
	const word = keys.value("type")?.toLowerCase() ?? "volume";
	const why = FOREIGN_TYPES.get(word);
	if (why !== undefined) throw invalidMount(text, why);
	const type = TYPES.find((one) => one === word);
	if (type === undefined) throw invalidOption("type", word, "volume, bind or tmpfs");
	return type;
}

function refuseMixed(text: string, keys: MountKeys, type: Type): void {
	for (const family of FAMILIES) {
		const [foreign] = [...keys.given].filter((key) => key.startsWith(`${family}-`) && family !== type);
		if (foreign !== undefined) throw invalidMount(text, `${foreign} is for type=${family}, and it is a ${type}`);
	}
	if (type === "tmpfs" && keys.given.has("idmap")) throw invalidMount(text, "owners on a tmpfs cannot be mapped");
}

function sourceOf(text: string, type: Type, keys: MountKeys, surroundings: Surroundings): MountSource {
	switch (type) {
		case "volume":
			return volumeOf(text, keys, surroundings);
		case "bind":
			return bindOf(text, keys, surroundings);
		case "tmpfs":
			return tmpfsOf(text, keys);
	}
}

function volumeOf(text: string, keys: MountKeys, { volumeDriver }: Surroundings): VolumeSource {
	const source = keys.value("source");
	if (source?.includes("/"))
		throw invalidMount(text, "its source is a path, which is for type=bind; a volume has a name");
	return {
		kind: "volume",
		name: source === undefined ? undefined : parseVolumeName(source),
		copy: !keys.isOn("volume-nocopy"),
		driver: keys.value("volume-driver") ?? volumeDriver,
		options: keys.pairs("volume-opt"),
		labels: keys.pairs("volume-label"),
		subpath: subpathOf(text, keys.value("volume-subpath"), source),
	};
}

function subpathOf(text: string, subpath: string | undefined, source: string | undefined): string {
	if (subpath === undefined) return "";
	if (source === undefined) throw invalidMount(text, "a new volume is empty, and has no part to mount");
	const normal = posix.normalize(subpath).replace(/\/$/, "");
	if (subpath.startsWith("/") || /^\.\.(\/|$)/.test(normal)) {
		throw invalidOption("volume-subpath", subpath, "a relative path that does not lead out of the volume");
	}
	return normal === "." ? "" : normal;
}

function bindOf(text: string, keys: MountKeys, { workingDirectory }: Surroundings): BindSource {
	const source = keys.value("source");
	if (source === undefined) throw invalidMount(text, "a bind has no source: source=/path");
	if (keys.given.has("bind-nonrecursive")) {
		throw invalidMount(text, "bind-nonrecursive is called bind-recursive=disabled by now");
	}
	return {
		kind: "bind",
		path: parseHostPath(text, source, workingDirectory),
		create: keys.isOn("bind-create-src"),
		propagation: wordOf(keys.value("bind-propagation")?.toLowerCase(), "bind-propagation", PROPAGATIONS) ?? "rprivate",
		recursion: recursionOf(text, keys),
	};
}

/** To be read-only all the way down, what is mounted below later must not come along. */
function recursionOf(text: string, keys: MountKeys): BindSource["recursion"] {
	const recursion = wordOf(keys.value("bind-recursive"), "bind-recursive", RECURSIONS) ?? "enabled";
	const isBound = recursion === "writable" || recursion === "readonly";
	if (isBound && !keys.isOn("readonly"))
		throw invalidMount(text, `bind-recursive=${recursion} needs readonly beside it`);
	if (recursion === "readonly" && keys.value("bind-propagation")?.toLowerCase() !== "rprivate") {
		throw invalidMount(text, "bind-recursive=readonly needs bind-propagation=rprivate beside it");
	}
	return recursion;
}

function wordOf<const T extends string>(text: string | undefined, option: string, words: readonly T[]): T | undefined {
	const word = words.find((one) => one === text);
	if (word === undefined && text !== undefined) throw invalidOption(option, text, words.join(", "));
	return word;
}

function tmpfsOf(text: string, keys: MountKeys): TmpfsSource {
	if (keys.given.has("source")) throw invalidMount(text, "a tmpfs has no source");
	const [size = "0", mode] = [keys.value("tmpfs-size"), keys.value("tmpfs-mode")];
	const sizeBytes = parseFlagSize(size);
	if (sizeBytes === undefined) throw invalidOption("tmpfs-size", size, "a number of bytes as 65536, 64m or 1.5g");
	const parsed = mode === undefined ? DEFAULT_TMPFS_MODE : parseTmpfsMode(mode);
	if (parsed === undefined) throw invalidOption("tmpfs-mode", mode ?? "", TMPFS_MODES);
	return { kind: "tmpfs", sizeBytes, mode: parsed, options: [] };
}
