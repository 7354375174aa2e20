/**
 * `-v`: `DESTINATION` for a new volume without a name, else `SOURCE:DESTINATION[:OPTIONS]`. A source that begins with `/` or `.` is a
 * path of the host, and made when it is missing; any other one is a volume's name.
 */
import { type MountSource, type MountSpec, parseDestination, PROPAGATIONS } from "../attachment.ts";
import { parseVolumeName } from "../volume.ts";
import type { Surroundings } from "./grammar.ts";
import { looksLikePath, parseHostPath } from "./host-path.ts";
import { ownersUnsaid, parseOwnerMap } from "./owner-map.ts";
import { invalidMount, unknownOption } from "./refusals.ts";

type Group = "access" | "relabel" | "propagation" | "copy" | "caching" | "owners";

/** Of each group a text has one at most. The hints on caching of Docker Desktop mean nothing on Linux, and scripts are full of them. */
const WORDS: ReadonlyMap<string, Group> = new Map<string, Group>([
	["ro", "access"],
	["rw", "access"],
	["z", "relabel"],
	["Z", "relabel"],
	...PROPAGATIONS.map((word) => [word, "propagation"] as const),
	["nocopy", "copy"],
	["consistent", "caching"],
	["cached", "caching"],
	["delegated", "caching"],
	["idmap", "owners"],
]);
const OWNERS = "idmap=";
/** `--mount`'s words for these. */
const MEANT: ReadonlyMap<string, string> = new Map([
	["readonly", "ro"],
	["volume-nocopy", "nocopy"],
]);

/** Faults: INVALID_MOUNT, UNKNOWN_MOUNT_OPTION, INVALID_OPTION, INVALID_DESTINATION, INVALID_NAME. */
export function parseVolumeText(text: string, surroundings: Surroundings): MountSpec {
	const parts = text.split(":");
	const [first = "", second, mode = ""] = parts;
	if (parts.length > 3) throw invalidMount(text, "it has more parts than SOURCE:DESTINATION:OPTIONS");
	if (parts.includes("")) throw invalidMount(text, "a part of SOURCE:DESTINATION:OPTIONS is empty");
	if (parts.length === 2 && second?.split(",").every((word) => groupOf(word) !== undefined)) {
		throw invalidMount(text, "options need a source and a destination before them: SOURCE:DESTINATION:OPTIONS");
	}
	const options = parseOptions(text, mode === "" ? [] : mode.split(","));
	const owners = options.get("owners");
	if (owners === "idmap") throw ownersUnsaid();
	return {
		destination: parseDestination(second ?? first),
		readOnly: options.get("access") === "ro",
		source: sourceOf(text, second === undefined ? undefined : first, options, surroundings),
		relabel: relabelOf(options.get("relabel")),
		owners: owners === undefined ? undefined : parseOwnerMap(owners.slice(OWNERS.length)),
		mode,
	};
}

function parseOptions(text: string, words: readonly string[]): ReadonlyMap<Group, string> {
	const given = new Map<Group, string>();
	for (const word of words) {
		const group = groupOf(word);
		if (group === undefined) throw unknownOption(text, word, WORDS.keys(), MEANT.get(word));
		const other = given.get(group);
		if (other !== undefined) {
			throw invalidMount(text, other === word ? `${word} is there twice` : `${other} and ${word} exclude each other`);
		}
		given.set(group, word);
	}
	return given;
}

function groupOf(word: string): Group | undefined {
	return word.startsWith(OWNERS) ? "owners" : WORDS.get(word);
}

function sourceOf(
	text: string,
	source: string | undefined,
	options: ReadonlyMap<Group, string>,
	{ workingDirectory, volumeDriver }: Surroundings,
): MountSource {
	const propagation = PROPAGATIONS.find((word) => word === options.get("propagation"));
	if (source !== undefined && looksLikePath(source)) {
		if (options.has("copy")) throw invalidMount(text, "nocopy is for volumes, and its source is a path of the host");
		const path = parseHostPath(text, source, workingDirectory);
		return { kind: "bind", path, create: true, propagation: propagation ?? "rprivate", recursion: "enabled" };
	}
	if (propagation !== undefined)
		throw invalidMount(text, `${propagation} is for paths of the host, and its source is a volume`);
	return {
		kind: "volume",
		name: source === undefined ? undefined : parseVolumeName(source),
		copy: !options.has("copy"),
		driver: volumeDriver,
		options: new Map(),
		labels: new Map(),
		subpath: "",
	};
}

function relabelOf(word: string | undefined): MountSpec["relabel"] {
	if (word === undefined) return undefined;
	return word === "z" ? "shared" : "private";
}
