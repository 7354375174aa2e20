import { ContainerServiceService, StartContainerRequest } from "#gen/wharf/container/v1/container.ts";
import { each } from "../each.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "start",
	summary: "Starts the programs of containers that do not run.",
	operands: "CONTAINER [CONTAINER...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {},
	async run({ operands, terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		return await each(operands, terminal, async (container) => {
			const request = StartContainerRequest.fromPartial({ requestId: requestId(), container });
			const { warnings } = await gateway.startContainer(request);
			for (const warning of warnings) await terminal.err(`${warning}\n`);
			await terminal.out(`${container}\n`);
		});
	},
});
