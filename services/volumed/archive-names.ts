/**
 * What a dated archive's file is called: `<volume>-<YYYYMMDDTHHMMSSZ>.tar`, `.tar.zst` or `.tar.gz`; `…Z-2` before `.tar` is the
 * second of that second. UTC, whole seconds.
 *
 * Names are read from their end, where everything has a fixed shape, so that no volume's name, and be it like a date, makes one
 * volume's archive another's: a name that is made is read back as what it was made of, and no other text is read as that.
 */
import type { Compression } from "./job.ts";
import { parseVolumeName, type VolumeName } from "./volume.ts";

export interface ArchiveName {
	readonly volume: VolumeName;
	/** Whole seconds; in a name what is less is cut off. Years 0 to 9999. */
	readonly time: Date;
	/** Its place among those of the same second, from 1. */
	readonly sequence: number;
	readonly compression: Compression;
}

const SUFFIXES: Readonly<Record<Compression, string>> = { none: ".tar", zstd: ".tar.zst", gzip: ".tar.gz" };
const COMPRESSIONS = new Map(Object.entries(SUFFIXES).map(([kind, suffix]) => [suffix, kind as Compression])); // the record's own keys
const SHAPE =
	/^(?<volume>.+)-(?<stamp>\d{8}T\d{6}Z)(?:-(?<sequence>[2-9]|[1-9]\d{1,5}))?(?<suffix>\.tar(?:\.zst|\.gz)?)$/;

export function archiveName({ volume, time, sequence, compression }: ArchiveName): string {
	const place = sequence === 1 ? "" : `-${sequence}`;
	return `${volume}-${stampOf(time)}${place}${SUFFIXES[compression]}`;
}

/** Undefined: no name that `archiveName` makes. */
export function findArchiveName(name: string): ArchiveName | undefined {
	const { volume: text = "", stamp = "", sequence = "1", suffix = "" } = SHAPE.exec(name)?.groups ?? {};
	const [volume, time, compression] = [findVolumeName(text), timeOf(stamp), COMPRESSIONS.get(suffix)];
	if (volume === undefined || time === undefined || compression === undefined) return undefined;
	return { volume, time, sequence: Number(sequence), compression };
}

/**
 * What a new archive is called beside `others` (names of files, whoever's): after all of its volume's of the same second, however
 * these are compressed, so that the later one is known for it.
 */
export function newArchiveName(wanted: Omit<ArchiveName, "sequence">, others: Iterable<string>): string {
	let sequence = 1;
	for (const name of others) {
		const other = findArchiveName(name);
		if (other?.volume !== wanted.volume || stampOf(other.time) !== stampOf(wanted.time)) continue;
		sequence = Math.max(sequence, other.sequence + 1);
	}
	return archiveName({ ...wanted, sequence });
}

/** `2026-01-02T03:04:05.678Z` as `20260102T030405Z`. */
function stampOf(time: Date): string {
	return time
		.toISOString()
		.replace(/\.\d+Z$/, "Z")
		.replaceAll(/[-:]/g, "");
}

/** Undefined: there is no such day, or no such time of it. */
function timeOf(stamp: string): Date | undefined {
	const time = new Date(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
	// What there is not, as the 30th of February, is read as another day, or not at all.
	return Number.isNaN(time.getTime()) || stampOf(time) !== stamp ? undefined : time;
}

function findVolumeName(text: string): VolumeName | undefined {
	try {
		return parseVolumeName(text);
	} catch {
		return undefined;
	}
}
