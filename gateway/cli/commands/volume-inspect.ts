import { GetVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { each } from "../each.ts";
import { inspectText } from "../format.ts";
import { volumeJson } from "../output/volume-json.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import type { Terminal } from "../terminal.ts";

export default command({
	name: "volume inspect",
	summary: "Prints volumes as Docker does: one JSON array.",
	operands: "VOLUME [VOLUME...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {},
	async run({ operands, terminal }) {
		const found: object[] = [];
		const status = await each(operands, terminal, async (name) => void found.push(await inspectVolume(name, terminal)));
		await terminal.out(inspectText(found));
		return status;
	},
});

export async function inspectVolume(name: string, { paths }: Terminal): Promise<object> {
	using volumed = connect(paths, "volumed", VolumeServiceService);
	const { volume } = await volumed.getVolume(GetVolumeRequest.fromPartial({ name }));
	if (volume === undefined) throw new Error(`volumed gave no volume for ${name}`);
	return volumeJson(volume);
}
