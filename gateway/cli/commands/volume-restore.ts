import { type BackupResult, BackupServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { ArchiveSource } from "../archive-source.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "volume restore",
	summary: "Fills a volume from an archive: verified first, then put in place by one rename.",
	operands: "VOLUME FILE",
	minOperands: 2,
	maxOperands: 2,
	notes: [
		"FILE is `-` for standard input.",
		"A volume that does not exist is made. One that has content stays as it is unless --replace is given.",
	],
	flags: {
		replace: { kind: "switch", help: "Replace the content of a volume that has some" },
		"strip-components": {
			kind: "text",
			value: "NUMBER",
			also: ["--strip"],
			help: "Drop so many leading parts of each entry's name",
		},
		"keep-privileges": {
			kind: "switch",
			help: "Give set-id bits and capabilities, though the archive was not made here",
		},
	},
	async run({ flags, operands: [volume = "", file = ""], terminal }) {
		const archive = new ArchiveSource(file, terminal);
		const value = {
			requestId: requestId(),
			volume,
			path: archive.path,
			create: true,
			replace: flags.replace,
			stripComponents: strip(flags["strip-components"]),
			keepPrivileges: flags["keep-privileges"],
		};
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		return await untilInterrupted(terminal, ": the volume is as it was", async (signal) => {
			const result = await follow<BackupResult>(volumed.restoreVolume(archive.messages(value), { signal }), terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			const verified = result.verified ? "verified" : "not verified: the archive has no manifest";
			await terminal.out(`${volume}: ${result.entries} entries, ${size(result.bytes)}, ${verified}\n`);
			return 0;
		});
	},
});

function strip(text: string | undefined): number {
	const number = Number(text ?? 0);
	if (Number.isInteger(number) && number >= 0 && number <= 1000) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The number", value: text ?? "", allowed: "a whole number from 0 to 1000" });
}
