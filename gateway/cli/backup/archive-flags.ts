/** Flags of `volume backup` that say what an archive is like and which older ones stay. */
import { Compression } from "#gen/wharf/volume/v1/volume.ts";
import type { Flags, ValuesOf } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export const ARCHIVE_FLAGS = {
	zstd: { kind: "switch", help: "Compress with zstd, whatever the ending" },
	gzip: { kind: "switch", help: "Compress with gzip, whatever the ending" },
	level: { kind: "text", value: "LEVEL", help: "How hard to compress, from 1 to 19 (gzip: 9)" },
	"keep-last": { kind: "text", value: "N", help: "Of a volume's archives in DIR keep the last N" },
	"keep-hourly": { kind: "text", value: "N", help: "and of the last N hours that have one the last one" },
	"keep-daily": { kind: "text", value: "N", help: "and the same of days" },
	"keep-weekly": { kind: "text", value: "N", help: "and of weeks" },
	"keep-monthly": { kind: "text", value: "N", help: "and of months" },
	"no-pause": {
		kind: "switch",
		help: "Pause no container that writes to them: the archive need not be of one time, and only a file that changes while it is read is told",
	},
	include: {
		kind: "list",
		value: "PATTERN",
		help: "Only what matches, with everything below it; as in a .gitignore",
	},
	exclude: { kind: "list", value: "PATTERN", help: "Not what matches, with everything below it" },
} as const satisfies Flags;

type Given = ValuesOf<typeof ARCHIVE_FLAGS>;

/** As volumed is asked, of one volume or of several. Without a `directory` there is nothing to keep. Faults: INVALID_VALUE, FLAG_MISSING. */
export function archiveRequest(flags: Given, path: string, directory: string) {
	const retention = retentionOf(flags);
	if (directory === "" && Object.values(retention).some((count) => count > 0)) {
		throw syntaxFaults.FLAG_MISSING({ command: "volume backup --keep-…", flag: "--to DIR" });
	}
	return {
		directory,
		retention,
		noPause: flags["no-pause"],
		include: [...flags.include],
		exclude: [...flags.exclude],
		compression: compression(path, flags),
		level: level(flags.level),
	};
}

/** Endings of what is compressed in some other way: without a word such a file would not be what it says. */
const OTHER_COMPRESSIONS = /(\.(?:t?xz|t?bz2?|tbz2|lz4?|lzma|tlz|lzo|Z|taz|br|7z|zip))$/;

function compression(path: string, { zstd, gzip }: { zstd: boolean; gzip: boolean }): Compression {
	if (zstd && gzip) {
		throw syntaxFaults.INVALID_VALUE({ what: "The compression", value: "zstd and gzip", allowed: "one of the two" });
	}
	const [, other] = OTHER_COMPRESSIONS.exec(path) ?? [];
	if (other !== undefined && !zstd && !gzip) {
		const allowed = "one of .tar, .tar.zst and .tar.gz, or given with --zstd or --gzip: there is no other compression";
		throw syntaxFaults.INVALID_VALUE({ what: "The file's ending", value: other, allowed });
	}
	if (zstd || /\.(zst|tzst|zstd)$/.test(path)) return gzip ? Compression.GZIP : Compression.ZSTD;
	if (gzip || /\.(gz|tgz)$/.test(path)) return Compression.GZIP;
	return Compression.NONE;
}

const MOST_KEPT = 100_000;

type Keep = Readonly<Record<"last" | "hourly" | "daily" | "weekly" | "monthly", number>>;

function retentionOf(flags: Given): Keep {
	return {
		last: count("last", flags["keep-last"]),
		hourly: count("hourly", flags["keep-hourly"]),
		daily: count("daily", flags["keep-daily"]),
		weekly: count("weekly", flags["keep-weekly"]),
		monthly: count("monthly", flags["keep-monthly"]),
	};
}

function count(period: keyof Keep, text: string | undefined): number {
	const number = Number(text ?? 0);
	const isGood = text === undefined || (/^\d+$/.test(text) && number >= 1 && number <= MOST_KEPT);
	if (isGood) return number;
	throw syntaxFaults.INVALID_VALUE({ what: `--keep-${period}`, value: text, allowed: `1 to ${MOST_KEPT}` });
}

function level(text: string | undefined): number {
	if (text === undefined) return 0;
	const number = Number(text);
	if (Number.isInteger(number) && number >= 1 && number <= 19) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The level", value: text, allowed: "a whole number from 1 to 19" });
}
