import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { AttachmentServiceService, MountIntoRequest } from "#gen/wharf/volume/v1/volume.ts";
import { HOLDER, mountTextOf } from "../mount-flags.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "volume mount",
	summary: "Mounts something into a container that runs, and prints where; it lasts as long as its program does.",
	operands: "CONTAINER MOUNT",
	minOperands: 2,
	maxOperands: 2,
	flags: {},
	notes: [
		"MOUNT is as for `wharf run -v`, as data:/data:ro, or as for `wharf run --mount`, as type=bind,source=/srv,target=/srv.",
		"A destination that is missing is made in the container. `wharf volume unmount` takes it away.",
	],
	examples: [
		["wharf volume mount web data:/data:ro", "a volume"],
		["wharf volume mount web type=bind,source=/srv,target=/srv,readonly", "a directory of this host"],
	],
	async run({ operands: [name = "", text = ""], terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		using volumed = connect(terminal.paths, "volumed", AttachmentServiceService);
		const { cwd } = terminal;
		const { mounts } = await volumed.parseMounts({
			texts: [mountTextOf(text)],
			workingDirectory: cwd,
			volumeDriver: "",
		});
		const { container } = await gateway.getContainer({ container: name });
		const { id = "", pid = 0, spec } = container ?? {};
		if (pid === 0) throw syntaxFaults.CONTAINER_NOT_RUNNING({ container: name });
		const containerName = spec?.name ?? "";
		const { mount } = await volumed.mountInto(
			MountIntoRequest.fromPartial({
				...{ requestId: requestId(), holder: HOLDER, containerId: id, containerName, pid },
				mount: mounts[0],
			}),
		);
		await terminal.out(`${mount?.mount?.destination ?? ""}\n`);
		return 0;
	},
});
