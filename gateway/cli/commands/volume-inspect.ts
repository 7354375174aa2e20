import { GetVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { INSPECT_FLAGS, inspectEach } from "../format.ts";
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
	flags: { ...INSPECT_FLAGS, size: { kind: "switch", short: "s", help: "How much is in each, too" } },
	run: ({ flags, operands, terminal }) =>
		inspectEach(operands, flags.format, terminal, (name) => inspectVolume(name, terminal, flags.size)),
});

export async function inspectVolume(name: string, { paths }: Terminal, withUsage = false): Promise<object> {
	using volumed = connect(paths, "volumed", VolumeServiceService);
	const { volume } = await volumed.getVolume(GetVolumeRequest.fromPartial({ name, withUsage }));
	if (volume === undefined) throw new Error(`volumed gave no volume for ${name}`);
	return volumeJson(volume);
}
