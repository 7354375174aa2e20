import { ListVolumesRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { LIST_FLAGS, listText } from "../format.ts";
import { volumeLine } from "../output/volume-json.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

const { format, quiet } = LIST_FLAGS;

export default command({
	name: "volume ls",
	summary: "Lists volumes by name.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: { format, quiet },
	async run({ flags, terminal }) {
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const volumes = await allPages(
			(page) => volumed.listVolumes(ListVolumesRequest.fromPartial(page)),
			(answer) => answer.volumes,
		);
		const listed = () => ({
			heads: ["DRIVER", "VOLUME NAME"],
			rows: volumes.map(({ driver, name }) => [driver, name]),
			json: volumes.map(volumeLine),
			ids: volumes.map(({ name }) => name),
		});
		await terminal.out(listText(listed, flags));
		return 0;
	},
});
