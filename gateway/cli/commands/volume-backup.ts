import { resolve } from "node:path";
import {
	type BackupResult,
	BackupServiceService,
	BackupVolumeRequest,
	Compression,
} from "#gen/wharf/volume/v1/volume.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "volume backup",
	summary: "Archives a volume into an ordinary tar file: complete and verified, or not there.",
	operands: "VOLUME",
	minOperands: 1,
	maxOperands: 1,
	flags: {
		output: {
			kind: "text",
			short: "o",
			value: "FILE",
			help: "Where to; its ending decides the compression: .tar, .tar.zst, .tar.gz; `-` is standard output",
		},
		zstd: { kind: "switch", help: "Compress with zstd, whatever the ending" },
		gzip: { kind: "switch", help: "Compress with gzip, whatever the ending" },
		level: { kind: "text", value: "LEVEL", help: "How hard to compress, from 1 to 19 (gzip: 9)" },
		force: { kind: "switch", short: "f", help: "Replace a file that is there" },
		to: {
			kind: "text",
			value: "DIR",
			help: "Into a directory, under the volume's name with the date; with --zstd or --gzip compressed",
		},
		"keep-last": { kind: "text", value: "N", help: "Of the volume's archives in DIR keep the last N" },
		"keep-hourly": { kind: "text", value: "N", help: "and of the last N hours that have one the last one" },
		"keep-daily": { kind: "text", value: "N", help: "and the same of days" },
		"keep-weekly": { kind: "text", value: "N", help: "and of weeks" },
		"keep-monthly": { kind: "text", value: "N", help: "and of months" },
		"no-pause": { kind: "switch", help: "Pause no container that writes to it; what changes meanwhile is told" },
		include: {
			kind: "list",
			value: "PATTERN",
			help: "Only what matches, with everything below it; as in a .gitignore",
		},
		exclude: { kind: "list", value: "PATTERN", help: "Not what matches, with everything below it" },
	},
	notes: ["Without a --keep no older archive is removed; with some, what any of them keeps stays."],
	examples: [
		["wharf volume backup data -o data.tar.zst", "GNU tar lists and extracts it"],
		["wharf volume backup data --to /srv/backup --zstd --keep-daily 7 --keep-weekly 4", "what a timer runs"],
	],
	async run({ flags, operands: [volume = ""], terminal }) {
		if (flags.output === undefined && flags.to === undefined) {
			throw syntaxFaults.FLAG_MISSING({ command: "volume backup", flag: "-o FILE or --to DIR" });
		}
		if (flags.output !== undefined && flags.to !== undefined) {
			throw syntaxFaults.INVALID_VALUE({ what: "The target", value: "-o and --to", allowed: "one of the two" });
		}
		const retention = retentionOf(flags);
		if (flags.to === undefined && Object.values(retention).some((count) => count > 0)) {
			throw syntaxFaults.FLAG_MISSING({ command: "volume backup --keep-…", flag: "--to DIR" });
		}
		if (flags.output === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard output" });
		}
		// Without a path the archive comes in the answers.
		const path = flags.output === undefined || flags.output === "-" ? "" : resolve(terminal.cwd, flags.output);
		const request = BackupVolumeRequest.fromPartial({
			requestId: requestId(),
			volume,
			path,
			overwrite: flags.force,
			directory: flags.to === undefined ? "" : resolve(terminal.cwd, flags.to),
			retention,
			noPause: flags["no-pause"],
			include: [...flags.include],
			exclude: [...flags.exclude],
			compression: compression(path, flags),
			level: level(flags.level),
		});
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		const words = flags.output === "-" ? ": the archive is not complete" : ": no archive was written";
		return await untilInterrupted(terminal, words, async (signal) => {
			const result = await follow<BackupResult>(volumed.backupVolume(request, { signal }), terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			const summary = `${result.entries} entries, ${size(result.storedBytes)}, sha256 ${result.sha256}\n`;
			await (result.path === "" ? terminal.err(`${volume}: ${summary}`) : terminal.out(`${result.path}: ${summary}`));
			if (result.paused.length > 0)
				await terminal.err(`paused ${result.paused.join(", ")} for ${result.pausedMs} ms\n`);
			for (const removed of result.removed) await terminal.out(`removed ${removed}\n`);
			return 0;
		});
	},
});

function compression(path: string, { zstd, gzip }: { zstd: boolean; gzip: boolean }): Compression {
	if (zstd && gzip) {
		throw syntaxFaults.INVALID_VALUE({ what: "The compression", value: "zstd and gzip", allowed: "one of the two" });
	}
	if (zstd || /\.(zst|tzst|zstd)$/.test(path)) return gzip ? Compression.GZIP : Compression.ZSTD;
	if (gzip || /\.(gz|tgz)$/.test(path)) return Compression.GZIP;
	return Compression.NONE;
}

const MOST_KEPT = 100_000;

type Keep = Readonly<Record<"last" | "hourly" | "daily" | "weekly" | "monthly", number>>;

function retentionOf(flags: Readonly<Record<`keep-${keyof Keep}`, string | undefined>>): Keep {
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
