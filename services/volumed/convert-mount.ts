/** What is to be mounted: messages to values, strictly, with the field named in every refusal; and values to messages. */
import { isAbsolute, resolve } from "node:path";
import type * as pb from "#gen/wharf/volume/v1/volume.ts";
import { atField } from "#lib/fault/fault.ts";
import {
	type BindRecursion,
	type MountPropagation,
	type MountSource,
	type MountSpec,
	type OwnerMap,
	type OwnerRange,
	parseDestination,
	parseSubpath,
	PROPAGATIONS,
	type ResolvedMount,
} from "./attachment.ts";
import { volumeFaults } from "./faults.ts";
import type { MountTexts } from "./mount-text/parse-mounts.ts";
import { parseLabels } from "./labels.ts";
import { parseVolumeName } from "./volume.ts";

const DEFAULT_TMPFS_MODE = 0o1777;
const LAST_ID = 0xffff_fffe;

const RECURSIONS: Readonly<Record<pb.BindRecursion, BindRecursion>> = {
	BIND_RECURSION_UNSPECIFIED: "enabled",
	BIND_RECURSION_DISABLED: "disabled",
	BIND_RECURSION_WRITABLE: "writable",
	BIND_RECURSION_READONLY: "readonly",
};
const RELABELS: Readonly<Record<pb.Relabel, MountSpec["relabel"]>> = {
	RELABEL_UNSPECIFIED: undefined,
	RELABEL_SHARED: "shared",
	RELABEL_PRIVATE: "private",
};
const GRAMMARS: Readonly<Record<pb.MountGrammar, MountTexts["texts"][number]["grammar"] | undefined>> = {
	MOUNT_GRAMMAR_UNSPECIFIED: undefined,
	MOUNT_GRAMMAR_VOLUME: "volume",
	MOUNT_GRAMMAR_MOUNT: "mount",
	MOUNT_GRAMMAR_TMPFS: "tmpfs",
};

export function parseMountTexts({ texts, workingDirectory, volumeDriver }: pb.ParseMountsRequest) {
	if (workingDirectory !== "" && !isAbsolute(workingDirectory)) {
		const problem = "it is no absolute path";
		throw volumeFaults.INVALID_PATH({ path: workingDirectory, problem }, { field: "working_directory" });
	}
	return {
		texts: texts.map(({ grammar, text }, index) => {
			const parsed = GRAMMARS[grammar];
			if (parsed !== undefined) return { grammar: parsed, text };
			throw volumeFaults.INVALID_MOUNT(
				{ text, problem: "its grammar is not said" },
				{ field: `texts[${index}].grammar` },
			);
		}),
		workingDirectory: workingDirectory === "" ? undefined : workingDirectory,
		volumeDriver,
	};
}

export function parseMounts(mounts: readonly pb.MountSpec[], field: string): MountSpec[] {
	return mounts.map((mount, index) => atField(`${field}[${index}]`, () => parseMount(mount)));
}

export function parseMount({ destination, readOnly, source, relabel, ownerMap, mode }: pb.MountSpec): MountSpec {
	const parsed = parseDestination(destination);
	if (source === undefined) throw volumeFaults.SOURCE_MISSING({ destination });
	const owners = ownerMap && parseOwners(ownerMap);
	return { destination: parsed, readOnly, source: parseSource(source), relabel: RELABELS[relabel], owners, mode };
}

function parseSource(source: NonNullable<pb.MountSpec["source"]>): MountSource {
	switch (source.$case) {
		case "volume": {
			const { name, noCopy, driver, options, labels, subpath } = source.value;
			return {
				kind: "volume",
				name: name === "" ? undefined : parseVolumeName(name),
				copy: !noCopy,
				driver,
				options: new Map(Object.entries(options)),
				labels: parseLabels(labels),
				subpath: parseSubpath(subpath),
			};
		}
		case "bind": {
			const { path, create, propagation, recursion } = source.value;
			return {
				kind: "bind",
				path: parseHostPath(path),
				create,
				propagation: parsePropagation(propagation),
				recursion: RECURSIONS[recursion],
			};
		}
		case "tmpfs": {
			const { sizeBytes, mode, options } = source.value;
			if (mode > 0o7777) {
				const allowed = "a mode of at most 7777, octal";
				throw volumeFaults.INVALID_OPTION({ option: "mode", value: mode.toString(8), allowed });
			}
			return {
				kind: "tmpfs",
				sizeBytes,
				mode: mode === 0 ? DEFAULT_TMPFS_MODE : mode,
				options: options.map(parseWord),
			};
		}
	}
}

function parseHostPath(path: string): string {
	const refuse = (problem: string) => volumeFaults.INVALID_SOURCE({ path: path.slice(0, 200), problem });
	if (!isAbsolute(path)) throw refuse("it is no absolute path");
	if (path.includes("\0")) throw refuse("it has a zero byte");
	if (Buffer.byteLength(path) > 4095) throw refuse("it is too long");
	return resolve(path);
}

/** One word of an option: a comma would make two of it. */
function parseWord(word: string): string {
	if (/^[^,\s\0]{1,200}$/.test(word)) return word;
	throw volumeFaults.INVALID_OPTION({ option: "options", value: JSON.stringify(word), allowed: "one word each" });
}

function parsePropagation(text: string): MountPropagation {
	const found = PROPAGATIONS.find((propagation) => propagation === (text || "rprivate"));
	if (found !== undefined) return found;
	throw volumeFaults.INVALID_OPTION({ option: "propagation", value: text, allowed: PROPAGATIONS.join(", ") });
}

function parseOwners({ uids, gids }: pb.OwnerMap): OwnerMap {
	const users = uids.map(parseRange);
	if (users.length === 0) {
		throw volumeFaults.INVALID_OPTION({ option: "owner_map.uids", value: "empty", allowed: "one range or more" });
	}
	return { uids: users, gids: gids.length === 0 ? users : gids.map(parseRange) };
}

function parseRange({ onDisk, seen, count }: pb.OwnerRange): OwnerRange {
	const value = `${seen}-${onDisk}-${count}`;
	if (count === 0 || Math.max(onDisk, seen) + count - 1 > LAST_ID) {
		throw volumeFaults.INVALID_OPTION({ option: "owner_map", value, allowed: "one id or more, up to 4294967294" });
	}
	return { onDisk, seen, count };
}

export function renderMountSpec({ destination, readOnly, source, relabel, owners, mode }: MountSpec): pb.MountSpec {
	return {
		destination,
		readOnly,
		source: renderSource(source),
		relabel: keyOf(RELABELS, relabel),
		ownerMap: owners && { uids: [...owners.uids], gids: [...owners.gids] },
		mode,
	};
}

function renderSource(source: MountSource): NonNullable<pb.MountSpec["source"]> {
	switch (source.kind) {
		case "volume": {
			const { name = "", copy, driver, options, labels, subpath } = source;
			const maps = { options: Object.fromEntries(options), labels: Object.fromEntries(labels) };
			return { $case: "volume", value: { name, noCopy: !copy, driver, ...maps, subpath } };
		}
		case "bind": {
			const { path, create, propagation, recursion } = source;
			return { $case: "bind", value: { path, create, propagation, recursion: keyOf(RECURSIONS, recursion) } };
		}
		case "tmpfs": {
			const { sizeBytes, mode, options } = source;
			return { $case: "tmpfs", value: { sizeBytes, mode, options: [...options] } };
		}
	}
}

export function renderResolved(mount: ResolvedMount): pb.ResolvedMount {
	const { destination, source, type, options, volume, readOnly, driver, mode, origin } = mount;
	return { destination, source, type, options: [...options], volume, readOnly, driver, mode, origin };
}

/** The tables above have each value once. */
function keyOf<K extends string, V>(table: Readonly<Record<K, V>>, value: V): K {
	const [found] = Object.entries(table).find(([, one]) => one === value) ?? [];
	return found as K; // a key of that very table
}
