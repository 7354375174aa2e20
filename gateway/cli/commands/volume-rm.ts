import { DeleteVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { each } from "../each.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume rm",
	summary: "Removes volumes that no container uses, and what is in them.",
	operands: "VOLUME [VOLUME...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: { force: { kind: "switch", short: "f", help: "What is not there is no failure" } },
	async run({ flags, operands, terminal }) {
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		return await each(
			operands,
			terminal,
			async (name) => {
				await volumed.deleteVolume(DeleteVolumeRequest.fromPartial({ requestId: requestId(), name }));
				await terminal.out(`${name}\n`);
			},
			{ missingIsFine: flags.force },
		);
	},
});
