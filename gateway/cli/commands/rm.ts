import { ContainerServiceService, RemoveContainerRequest } from "#gen/wharf/container/v1/container.ts";
import { each } from "../each.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "rm",
	summary: "Removes containers and everything that was made for them; volumes with a name stay.",
	operands: "CONTAINER [CONTAINER...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {
		force: { kind: "switch", short: "f", help: "Kill a program that runs first; what is not there is no failure" },
		volumes: { kind: "switch", short: "v", help: "Their volumes without a name go too" },
	},
	async run({ flags, operands, terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const { force, volumes: removeVolumes } = flags;
		return await each(
			operands,
			terminal,
			async (container) => {
				const request = { requestId: requestId(), container, force, removeVolumes };
				await gateway.removeContainer(RemoveContainerRequest.fromPartial(request));
				await terminal.out(`${container}\n`);
			},
			{ missingIsFine: force },
		);
	},
});
