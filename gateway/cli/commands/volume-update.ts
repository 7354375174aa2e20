import { UpdateVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { parsePairs } from "../syntax/pairs.ts";

export default command({
	name: "volume update",
	summary: "Changes the labels of a volume, whoever uses it, and prints its name.",
	operands: "VOLUME",
	minOperands: 1,
	maxOperands: 1,
	flags: {
		label: { kind: "list", value: "KEY=VALUE", help: "A label to add, or to give another value" },
		"label-rm": { kind: "list", value: "KEY", help: "A label to remove; one that is not there is no failure" },
	},
	async run({ flags, operands: [name = ""], terminal }) {
		const setLabels = parsePairs(flags.label, "The label");
		const removeLabels = [...flags["label-rm"]];
		if (flags.label.length + removeLabels.length === 0) {
			throw syntaxFaults.FLAG_MISSING({ command: "volume update", flag: "--label KEY=VALUE or --label-rm KEY" });
		}
		const both = removeLabels.find((key) => Object.hasOwn(setLabels, key));
		if (both !== undefined) {
			throw syntaxFaults.INVALID_VALUE({ what: "The label", value: both, allowed: "set or removed, not both" });
		}
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const request = UpdateVolumeRequest.fromPartial({ requestId: requestId(), name, setLabels, removeLabels });
		const { volume } = await volumed.updateVolume(request);
		await terminal.out(`${volume?.name ?? ""}\n`);
		return 0;
	},
});
