import { resolve } from "node:path";
import { PublicationServiceService, PublishVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume publish",
	summary: "Shows a volume at a path of this host until it is unpublished, and prints the path.",
	operands: "VOLUME PATH",
	minOperands: 2,
	maxOperands: 2,
	flags: {
		subpath: { kind: "text", value: "PATH", help: "Only this part of the volume" },
		ro: { kind: "switch", also: ["--readonly"], help: "It cannot be written to there" },
	},
	notes: [
		"A directory that is missing is made, and goes when it is unpublished; its parent has to be there.",
		"It is there again after a restart of wharf or of the host. The volume is in use as long.",
	],
	examples: [["wharf volume publish data /srv/data --ro", "to look at it, or for a program that mounts it itself"]],
	async run({ flags, operands: [volume = "", path = ""], terminal }) {
		using volumed = connect(terminal.paths, "volumed", PublicationServiceService);
		const { publication } = await volumed.publishVolume(
			PublishVolumeRequest.fromPartial({
				requestId: requestId(),
				holder: "wharf",
				volume,
				path: resolve(terminal.cwd, path),
				subpath: flags.subpath ?? "",
				readOnly: flags.ro,
			}),
		);
		await terminal.out(`${publication?.path ?? ""}\n`);
		return 0;
	},
});
