import { ContainerServiceService, CreateContainerRequest } from "#gen/wharf/container/v1/container.ts";
import { CONTAINER_FLAGS, specOf } from "../container-flags.ts";
import { volumedOf } from "../mount-flags.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "create",
	summary: "Makes a container and prints its id. `wharf start` starts its program.",
	operands: "IMAGE COMMAND [ARG...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	commandAfter: 1,
	flags: CONTAINER_FLAGS,
	async run({ flags, operands, terminal }) {
		const spec = await specOf(
			flags,
			operands,
			terminal,
			volumedOf(() => terminal.paths),
		);
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const { container, warnings } = await gateway.createContainer(
			CreateContainerRequest.fromPartial({ requestId: requestId(), spec }),
		);
		for (const warning of warnings) await terminal.err(`${warning}\n`);
		await terminal.out(`${container?.id ?? ""}\n`);
		return 0;
	},
});
