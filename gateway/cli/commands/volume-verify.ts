import { BackupServiceService, type VerifyResult } from "#gen/wharf/volume/v1/volume.ts";
import { ArchiveSource } from "../archive-source.ts";
import { EXPANSION_FLAG, expansion } from "../backup/expansion-flag.ts";
import { untilLeft } from "../backup/followed.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { count, entriesText, size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume verify",
	summary: "Reads an archive to its end: whether it is whole, and what is different in a volume.",
	operands: "FILE [VOLUME]",
	minOperands: 1,
	maxOperands: 2,
	notes: [
		"FILE is `-` for standard input.",
		"Nothing is changed. The exit status is 1 when there are differences.",
		"What the backup told as `manifest sha256` is told again: equal digests, equal contents, whatever FILE is compressed with.",
		"Without wharf: `tar -xOf FILE .wharf/manifest.jsonl | sha256sum`.",
	],
	flags: EXPANSION_FLAG,
	examples: [
		["wharf volume verify data.tar.zst", ""],
		["wharf volume verify data.tar.zst data", "what has changed since"],
	],
	async run({ flags, operands: [file = "", volume = ""], terminal }) {
		const archive = new ArchiveSource(file, terminal);
		const value = {
			requestId: requestId(),
			path: archive.path,
			volume,
			maxExpansion: expansion(flags["max-expansion"]),
		};
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		return await untilInterrupted(terminal, "", async (signal) => {
			const asked = { volumed, requestId: value.requestId, terminal, signal };
			const answers = untilLeft(asked, (options) => volumed.verifyArchive(archive.messages(value), options));
			const result = await follow<VerifyResult>(answers, terminal);
			const { differences, differenceCount, manifestSha256 } = result;
			for (const { path, what } of differences) await terminal.out(`${path}: ${what}\n`);
			const more = Number(differenceCount) - differences.length;
			if (more > 0) await terminal.out(`and ${more} more\n`);
			const kind =
				manifestSha256 === "" ? "whole; it has no manifest" : `agrees with its manifest (sha256 ${manifestSha256})`;
			const compared = volume === "" ? "" : `; ${count(Number(differenceCount), "difference")} from ${volume}`;
			await terminal.out(`${file}: ${entriesText(result.entries)}, ${size(result.bytes)}, ${kind}${compared}\n`);
			return differenceCount > 0n ? 1 : 0;
		});
	},
});
