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
	flags: { size: { kind: "switch", short: "s", help: "How much is in each, too" } },
	async run({ flags, operands, terminal }) {
		const inspect = (name: string) => inspectVolume(name, terminal, flags.size);
		const found: object[] = [];
		const status = await each(operands, terminal, async (name) => void found.push(await inspect(name)));
		await terminal.out(inspectText(found));
		return status;
	},
});

export async function inspectVolume(name: string, { paths }: Terminal, withUsage = false): Promise<object> {
	using volumed = connect(paths, "volumed", VolumeServiceService);
	const { volume } = await volumed.getVolume(GetVolumeRequest.fromPartial({ name, withUsage }));
	if (volume === undefined) throw new Error(`volumed gave no volume for ${name}`);
	return volumeJson(volume);
}
