import { resolve } from "node:path";
import { PublicationServiceService, UnpublishVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume unpublish",
	summary: "Takes a volume away from a path of this host; what is in it stays.",
	operands: "PATH",
	minOperands: 1,
	maxOperands: 1,
	flags: {},
	async run({ operands: [operand = ""], terminal }) {
		const path = resolve(terminal.cwd, operand);
		using volumed = connect(terminal.paths, "volumed", PublicationServiceService);
		const { unpublished } = await volumed.unpublishVolume(
			UnpublishVolumeRequest.fromPartial({ requestId: requestId(), path }),
		);
		await (unpublished ? terminal.out(`${path}\n`) : terminal.err(`Nothing was published at ${path}.\n`));
		return 0;
	},
});
