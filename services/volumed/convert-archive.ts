/** Messages of backups and restores to values, and back. */
import type * as pb from "#gen/wharf/volume/v1/volume.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import { USUAL_TIMES } from "./expansion.ts";
import { volumeFaults } from "./faults.ts";
import type {
	ArchiveResult,
	BackupSpec,
	BackupTarget,
	CloneSpec,
	Compression,
	Existing,
	JobOutput,
	ProgressReport,
	RestoreOutput,
	RestoreSpec,
	Told,
	VerifyResult,
	VerifySpec,
} from "./job.ts";
import { type Dropped, placeOf } from "./archive/place.ts";
import { parseLabels } from "./labels.ts";
import { PathPatterns } from "./path-patterns.ts";
import { parseVolumeName } from "./volume.ts";

const COMPRESSIONS: Readonly<Record<pb.Compression, Compression>> = {
	COMPRESSION_UNSPECIFIED: "none",
	COMPRESSION_NONE: "none",
	COMPRESSION_ZSTD: "zstd",
	COMPRESSION_GZIP: "gzip",
};
const HIGHEST_LEVEL: Readonly<Record<Compression, number>> = { none: 0, zstd: 19, gzip: 9 };
const MOST_STRIPPED = 100;

export function parseBackup(message: pb.BackupVolumeRequest): Omit<BackupSpec, "requestId"> {
	return { ...parseContent(message), volume: parseVolumeName(message.volume), target: targetOf(message) };
}

type Content = Pick<pb.BackupVolumeRequest, "level" | "include" | "exclude" | "compression" | "noPause" | "count">;

/** What backups of one volume and of several have in common. */
export function parseContent(message: Content): Omit<BackupSpec, "requestId" | "volume" | "target"> {
	const { level, include, exclude } = message;
	const compression = COMPRESSIONS[message.compression];
	if (level > HIGHEST_LEVEL[compression]) {
		const { zstd, gzip } = HIGHEST_LEVEL;
		const none = `1 to ${zstd} for zstd and 1 to ${gzip} for gzip, and none without a compression`;
		const allowed = compression === "none" ? none : `1 to ${HIGHEST_LEVEL[compression]} for ${compression}`;
		throw volumeFaults.INVALID_OPTION({ option: "level", value: String(level), allowed }, { field: "level" });
	}
	const patterns = { include, exclude };
	PathPatterns.parse(patterns);
	const { noPause, count } = message;
	return { patterns, pause: !noPause, compression, level: level === 0 ? undefined : level, count };
}

function targetOf({ path, overwrite, directory, retention }: pb.BackupVolumeRequest): BackupTarget {
	if (directory === "") return path === "" ? { kind: "stream" } : { kind: "file", path, overwrite };
	if (path === "") return { kind: "directory", path: directory, retention: { ...retention } };
	throw volumeFaults.INVALID_PATH({ path, problem: "a directory is named as well" }, { field: "path" });
}

export type RestoreInput =
	| { readonly kind: "spec"; readonly spec: RestoreSpec }
	| { readonly kind: "chunk"; readonly bytes: Buffer };

export function parseRestore({ part }: pb.RestoreVolumeRequest): RestoreInput {
	if (part === undefined) throw volumeFaults.INVALID_STREAM({ problem: "a message is empty" });
	if (part.$case === "chunk") return { kind: "chunk", bytes: bytesOf(part.value) };
	const { volume, path, create, dryRun, maxExpansion, keepPrivileges: privileges } = part.value;
	return {
		kind: "spec",
		spec: {
			requestId: requestIdOf(part.value),
			volume: parseVolumeName(volume),
			path: path === "" ? undefined : path,
			create,
			existing: existingOf(part.value),
			strip: droppedOf(part.value),
			privileges,
			dryRun,
			maxExpansion: maxExpansion || USUAL_TIMES,
		},
	};
}

function existingOf({ replace, merge }: pb.RestoreSpec): Existing {
	if (replace && merge) {
		const allowed = "one of the two: the content is replaced, or merged with the archive";
		throw volumeFaults.INVALID_OPTION(
			{ option: "merge", value: "given with replace", allowed },
			{ field: "spec.merge" },
		);
	}
	return replace ? "replace" : merge ? "merge" : "refuse";
}

/** Of a specification in a stream. */
function requestIdOf({ requestId }: { readonly requestId: string }): string {
	if (/^[\x20-\x7e]{0,128}$/.test(requestId)) return requestId || crypto.randomUUID();
	throw rpcFaults.INVALID_REQUEST_ID({ length: String(requestId.length) }, { field: "spec.request_id" });
}

function droppedOf({ stripComponents: strip, subpath }: pb.RestoreSpec): Dropped {
	if (strip > MOST_STRIPPED) {
		const option = "strip_components";
		throw volumeFaults.INVALID_OPTION({ option, value: String(strip), allowed: `0 to ${MOST_STRIPPED}` });
	}
	if (subpath === "") return strip;
	const field = "spec.subpath";
	const path = Buffer.from(subpath).toString("latin1");
	const problem = subpath.startsWith("/")
		? "it is absolute, and names in archives are not"
		: path.split("/").includes("..")
			? "it has `..`"
			: undefined;
	if (problem !== undefined) throw volumeFaults.INVALID_PATH({ path: subpath, problem }, { field });
	const place = placeOf(path) ?? "";
	if (strip === 0) return place === "" ? 0 : place;
	const allowed = "without strip_components: it is the root itself";
	throw volumeFaults.INVALID_OPTION({ option: "subpath", value: subpath, allowed }, { field });
}

export type VerifyInput =
	| { readonly kind: "spec"; readonly spec: VerifySpec }
	| { readonly kind: "chunk"; readonly bytes: Buffer };

export function parseVerify({ part }: pb.VerifyArchiveRequest): VerifyInput {
	if (part === undefined) throw volumeFaults.INVALID_STREAM({ problem: "a message is empty" });
	if (part.$case === "chunk") return { kind: "chunk", bytes: bytesOf(part.value) };
	const { path, volume, maxExpansion } = part.value;
	const spec = {
		requestId: requestIdOf(part.value),
		path: path === "" ? undefined : path,
		volume: volume === "" ? undefined : parseVolumeName(volume),
		maxExpansion: maxExpansion || USUAL_TIMES,
	};
	return { kind: "spec", spec };
}

export function parseClone(message: pb.CloneVolumeRequest): Omit<CloneSpec, "requestId"> {
	const { volume, target, replace, noPause, labels, withOptions } = message;
	const given = parseLabels(labels);
	return {
		volume: parseVolumeName(volume),
		target: parseVolumeName(target),
		replace,
		labels: given.size === 0 ? undefined : given,
		withOptions,
		pause: !noPause,
	};
}

export function renderVerify(output: Told<VerifyResult>): pb.VerifyArchiveResponse {
	if (output.kind === "progress") return { part: { $case: "progress", value: renderProgress(output.progress) } };
	const { entries, bytes, storedBytes, differenceCount, differences, ...rest } = output.result;
	const counts = { entries: BigInt(entries), bytes: BigInt(bytes), storedBytes: BigInt(storedBytes) };
	const value = { ...rest, ...counts, differences: [...differences], differenceCount: BigInt(differenceCount) };
	return { part: { $case: "result", value } };
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
	return Buffer.from(buffer, byteOffset, byteLength);
}

export function renderBackup(output: JobOutput): pb.BackupVolumeResponse {
	switch (output.kind) {
		case "chunk":
			return { part: { $case: "chunk", value: output.bytes } };
		case "progress":
			return { part: { $case: "progress", value: renderProgress(output.progress) } };
		case "result":
			return { part: { $case: "result", value: renderResult(output.result) } };
	}
}

export function renderRestore(output: RestoreOutput): pb.RestoreVolumeResponse {
	if (output.kind !== "plan") return renderClone(output);
	const { result, differences, differenceCount } = output.plan;
	const told = { differences: [...differences], differenceCount: BigInt(differenceCount) };
	return { part: { $case: "plan", value: { result: renderResult(result), ...told } } };
}

export function renderClone(output: Told<ArchiveResult>): pb.CloneVolumeResponse {
	return output.kind === "progress"
		? { part: { $case: "progress", value: renderProgress(output.progress) } }
		: { part: { $case: "result", value: renderResult(output.result) } };
}

export function renderProgress({ entries, bytes, elapsedMs, total, stored }: ProgressReport): pb.Progress {
	return {
		entries: BigInt(entries),
		bytes: BigInt(bytes),
		totalEntries: BigInt(total?.entries ?? 0),
		totalBytes: BigInt(total?.bytes ?? 0),
		elapsedMs: BigInt(elapsedMs),
		storedBytes: BigInt(stored?.bytes ?? 0),
		totalStoredBytes: BigInt(stored?.total ?? 0),
	};
}

export function renderResult(result: ArchiveResult): pb.BackupResult {
	const { volume, entries, bytes, storedBytes, manifestSha256, warnings, verified, path } = result;
	return {
		volume,
		entries: BigInt(entries),
		bytes: BigInt(bytes),
		storedBytes: BigInt(storedBytes),
		manifestSha256,
		warnings: [...warnings],
		verified,
		path,
		removed: [...result.removed],
		paused: [...result.paused],
		pausedMs: result.pausedMs,
	};
}
