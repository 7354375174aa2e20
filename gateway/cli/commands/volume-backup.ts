import { resolve } from "node:path";
import { BackupServiceService, BackupVolumeRequest, Compression } from "#gen/wharf/volume/v1/volume.ts";
import { interruptedStatus } from "../interrupted.ts";
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
	},
	examples: [["wharf volume backup data -o data.tar.zst", "GNU tar lists and extracts it"]],
	async run({ flags, operands: [volume = ""], terminal }) {
		if (flags.output === undefined) {
			throw syntaxFaults.FLAG_MISSING({ command: "volume backup", flag: "-o FILE" });
		}
		if (flags.output === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard output" });
		}
		// Without a path the archive comes in the answers.
		const path = flags.output === "-" ? "" : resolve(terminal.cwd, flags.output);
		const request = BackupVolumeRequest.fromPartial({
			requestId: requestId(),
			volume,
			path,
			overwrite: flags.force,
			compression: compression(path, flags),
			level: level(flags.level),
		});
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		const signal = terminal.interruptible();
		try {
			const result = await follow(volumed.backupVolume(request, { signal }), terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			const summary = `${result.entries} entries, ${size(result.storedBytes)}, sha256 ${result.sha256}\n`;
			await (path === "" ? terminal.err(`${volume}: ${summary}`) : terminal.out(`${path}: ${summary}`));
			return 0;
		} catch (error) {
			const status = interruptedStatus(error, signal);
			if (status === undefined) throw error;
			await terminal.err(
				path === ""
					? "wharf: Interrupted: the archive is not complete.\n"
					: "wharf: Interrupted: no archive was written.\n",
			);
			return status;
		}
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

function level(text: string | undefined): number {
	if (text === undefined) return 0;
	const number = Number(text);
	if (Number.isInteger(number) && number >= 1 && number <= 19) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The level", value: text, allowed: "a whole number from 1 to 19" });
}
