import { resolve } from "node:path";
import { type BackupResult, BackupServiceService, type RestoreVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { interruptedStatus } from "../interrupted.ts";
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
		if (file === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard input" });
		}
		const isStdin = file === "-";
		const value = {
			requestId: requestId(),
			volume,
			path: isStdin ? "" : resolve(terminal.cwd, file),
			create: true,
			replace: flags.replace,
			stripComponents: strip(flags["strip-components"]),
			keepPrivileges: flags["keep-privileges"],
		};
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		async function* messages(): AsyncGenerator<RestoreVolumeRequest> {
			yield { part: { $case: "spec", value } };
			if (!isStdin) return;
			for await (const chunk of terminal.stdin) yield { part: { $case: "chunk", value: Buffer.from(chunk) } };
		}
		const signal = terminal.interruptible();
		try {
			const result = await follow<BackupResult>(volumed.restoreVolume(messages(), { signal }), terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			const verified = result.verified ? "verified" : "not verified: the archive has no manifest";
			await terminal.out(`${volume}: ${result.entries} entries, ${size(result.bytes)}, ${verified}\n`);
			return 0;
		} catch (error) {
			const status = interruptedStatus(error, signal);
			if (status === undefined) throw error;
			await terminal.err("wharf: Interrupted: the volume is as it was.\n");
			return status;
		}
	},
});

function strip(text: string | undefined): number {
	const number = Number(text ?? 0);
	if (Number.isInteger(number) && number >= 0 && number <= 1000) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The number", value: text ?? "", allowed: "a whole number from 0 to 1000" });
}
