import { type BackupResult, BackupServiceService, CloneVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { untilLeft } from "../backup/followed.ts";
import { tellPaused } from "../backup/told.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { entriesText, size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { parsePairs } from "../syntax/pairs.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume clone",
	summary: "Fills another volume with what is in a volume.",
	operands: "VOLUME NEW",
	minOperands: 2,
	maxOperands: 2,
	notes: [
		"NEW is made when it is missing, a plain directory with the labels of VOLUME. One that has content stays as it is unless --replace is given.",
		"Where one file system holds both and can do that (btrfs, XFS with reflinks), files share their content until one of them is written to.",
	],
	flags: {
		replace: { kind: "switch", help: "Replace the content of a volume that has some" },
		label: { kind: "list", value: "KEY=VALUE", help: "A label of NEW when it is made, instead of those of VOLUME" },
		"with-options": { kind: "switch", help: "Make NEW with the driver and the options of VOLUME, as its size" },
		"no-pause": {
			kind: "switch",
			help: "Pause no container that writes to VOLUME: NEW need not be of one time, and only a file that changes while it is read is told",
		},
	},
	examples: [["wharf volume clone data data-before-upgrade", ""]],
	async run({ flags, operands: [volume = "", target = ""], terminal }) {
		const request = CloneVolumeRequest.fromPartial({
			requestId: requestId(),
			volume,
			target,
			replace: flags.replace,
			labels: parsePairs(flags.label, "The label"),
			withOptions: flags["with-options"],
			noPause: flags["no-pause"],
		});
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		return await untilInterrupted(terminal, `: ${target} is as it was`, async (signal) => {
			const asked = { volumed, requestId: request.requestId, terminal, signal };
			const answers = untilLeft(asked, (options) => volumed.cloneVolume(request, options));
			const result = await follow<BackupResult>(answers, terminal);
			for (const warning of result.warnings) await terminal.err(`${warning}\n`);
			await tellPaused(result, terminal);
			await terminal.out(`${target}: ${entriesText(result.entries)}, ${size(result.bytes)}\n`);
			return 0;
		});
	},
});
