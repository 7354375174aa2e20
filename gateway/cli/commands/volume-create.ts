import { CreateVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { parsePairs } from "../syntax/pairs.ts";

export default command({
	name: "volume create",
	summary: "Makes a volume and prints its name. One that is there already, just so, is success.",
	operands: "[VOLUME]",
	minOperands: 0,
	maxOperands: 1,
	flags: {
		driver: { kind: "text", short: "d", value: "DRIVER", help: "`local`, which it is without this" },
		opt: { kind: "list", short: "o", value: "KEY=VALUE", help: "An option of the driver" },
		label: { kind: "list", value: "KEY=VALUE", help: "A label" },
	},
	async run({ flags, operands: [name = ""], terminal }) {
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const { volume } = await volumed.createVolume(
			CreateVolumeRequest.fromPartial({
				requestId: requestId(),
				name,
				driver: flags.driver ?? "",
				options: parsePairs(flags.opt, "The option"),
				labels: parsePairs(flags.label, "The label"),
			}),
		);
		await terminal.out(`${volume?.name ?? ""}\n`);
		return 0;
	},
});
