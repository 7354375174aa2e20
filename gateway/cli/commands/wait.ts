import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { each } from "../each.ts";
import { waitFor } from "../output-stream.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "wait",
	summary: "Waits until containers end, and prints their exit status.",
	operands: "CONTAINER [CONTAINER...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {},
	async run({ operands, terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		return await each(operands, terminal, async (container) => {
			await terminal.out(`${await waitFor(gateway, container)}\n`);
		});
	},
});
