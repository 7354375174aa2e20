import { RenameVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume rename",
	summary: "Gives a volume that nobody uses another name, and prints it; what is in it moves along.",
	operands: "VOLUME NAME",
	minOperands: 2,
	maxOperands: 2,
	flags: {},
	async run({ operands: [name = "", newName = ""], terminal }) {
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const request = RenameVolumeRequest.fromPartial({ requestId: requestId(), name, newName });
		const { volume } = await volumed.renameVolume(request);
		await terminal.out(`${volume?.name ?? ""}\n`);
		return 0;
	},
});
