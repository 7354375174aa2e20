import { resolve } from "node:path";
import { BackupServiceService, type RestoreVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
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
	notes: ["A volume that does not exist is made. One that has content stays as it is unless --replace is given."],
	flags: {
		replace: { kind: "switch", help: "Replace the content of a volume that has some" },
		"strip-components": {
			kind: "text",
			value: "NUMBER",
			also: ["--strip"],
			help: "Drop so many leading parts of each entry's name",
		},
	},
	async run({ flags, operands: [volume = "", file = ""], terminal }) {
		const value = {
			requestId: requestId(),
			volume,
			path: resolve(terminal.cwd, file),
			create: true,
			replace: flags.replace,
			stripComponents: strip(flags["strip-components"]),
		};
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		async function* messages(): AsyncGenerator<RestoreVolumeRequest> {
			yield { part: { $case: "spec", value } };
		}
		const result = await follow(volumed.restoreVolume(messages(), { signal: terminal.interruptible() }), terminal);
		for (const warning of result.warnings) await terminal.err(`${warning}\n`);
		const verified = result.verified ? "verified" : "not verified: the archive has no manifest";
		await terminal.out(`${volume}: ${result.entries} entries, ${size(result.bytes)}, ${verified}\n`);
		return 0;
	},
});

function strip(text: string | undefined): number {
	const number = Number(text ?? 0);
	if (Number.isInteger(number) && number >= 0 && number <= 1000) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The number", value: text ?? "", allowed: "a whole number from 0 to 1000" });
}
