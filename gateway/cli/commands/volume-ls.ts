import { ListVolumesRequest, type Volume, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { LIST_FLAGS, listFormat, listText } from "../format.ts";
import { volumeLine } from "../output/volume-json.ts";
import { size } from "../output/quantity.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { parseVolumeFilter, VOLUME_FILTER_HELP } from "../syntax/volume-filter.ts";

const { format, quiet } = LIST_FLAGS;

export default command({
	name: "volume ls",
	summary: "Lists volumes by name.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {
		filter: {
			kind: "list",
			short: "f",
			value: "FILTER",
			help: VOLUME_FILTER_HELP,
		},
		size: { kind: "switch", help: "How much is in each, too" },
		format,
		quiet,
	},
	async run({ flags, terminal }) {
		const asked = { ...parseVolumeFilter(flags.filter), withUsage: flags.size };
		const format = listFormat(flags.format);
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const volumes = await allPages(
			(page) => volumed.listVolumes(ListVolumesRequest.fromPartial({ ...asked, ...page })),
			(answer) => answer.volumes,
		);
		const listed = () => ({
			heads: ["DRIVER", "VOLUME NAME", ...(flags.size ? ["SIZE", "FILES"] : [])],
			rows: volumes.map((volume) => [volume.driver, volume.name, ...(flags.size ? usageCells(volume) : [])]),
			json: volumes.map(volumeLine),
			ids: volumes.map(({ name }) => name),
			labels: volumes.map(({ labels }) => labels),
			headings: { Name: "VOLUME NAME" },
		});
		await terminal.out(listText(listed, format, flags.quiet));
		return 0;
	},
});

function usageCells({ usage }: Volume): string[] {
	return usage === undefined ? ["N/A", "N/A"] : [size(usage.bytes), String(usage.files)];
}
