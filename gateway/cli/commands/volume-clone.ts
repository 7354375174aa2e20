import { type BackupResult, BackupServiceService, CloneVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume clone",
	summary: "Fills another volume with what is in a volume.",
	operands: "VOLUME NEW",
	minOperands: 2,
	maxOperands: 2,
	notes: ["NEW is made when it is missing. One that has content stays as it is unless --replace is given."],
	flags: {
		replace: { kind: "switch", help: "Replace the content of a volume that has some" },
		"no-pause": { kind: "switch", help: "Pause no container that writes to VOLUME; what changes meanwhile is told" },
	},
	examples: [["wharf volume clone data data-before-upgrade", ""]],
	async run({ flags, operands: [volume = "", target = ""], terminal }) {
		const request = CloneVolumeRequest.fromPartial({
			requestId: requestId(),
			volume,
			target,
			replace: flags.replace,
			noPause: flags["no-pause"],
		});
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		return await untilInterrupted(terminal, `: ${target} is as it was`, async (signal) => {
			const result = await follow<BackupResult>(volumed.cloneVolume(request, { signal }), terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			await terminal.out(`${target}: ${result.entries} entries, ${size(result.bytes)}\n`);
			return 0;
		});
	},
});
