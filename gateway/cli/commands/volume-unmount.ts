import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { AttachmentServiceService, UnmountFromRequest } from "#gen/wharf/volume/v1/volume.ts";
import { HOLDER } from "../mount-flags.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "volume unmount",
	summary: "Takes away what `wharf volume mount` mounted into a container; what is in it stays.",
	operands: "CONTAINER DESTINATION",
	minOperands: 2,
	maxOperands: 2,
	flags: {},
	async run({ operands: [name = "", destination = ""], terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		using volumed = connect(terminal.paths, "volumed", AttachmentServiceService);
		const { container } = await gateway.getContainer({ container: name });
		const { unmounted } = await volumed.unmountFrom(
			UnmountFromRequest.fromPartial({
				requestId: requestId(),
				holder: HOLDER,
				containerId: container?.id ?? "",
				destination,
			}),
		);
		await (unmounted
			? terminal.out(`${destination}\n`)
			: terminal.err(`Nothing was mounted at ${destination} of ${name} by \`wharf volume mount\`.\n`));
		return 0;
	},
});
