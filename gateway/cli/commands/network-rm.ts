import { DeleteNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { each } from "../each.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "network rm",
	summary: "Removes networks that nothing is on.",
	operands: "NETWORK [NETWORK...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: { force: { kind: "switch", short: "f", help: "What is not there is no failure" } },
	async run({ flags, operands, terminal }) {
		using netd = connect(terminal.paths, "netd", NetworkServiceService);
		return await each(
			operands,
			terminal,
			async (network) => {
				await netd.deleteNetwork(DeleteNetworkRequest.fromPartial({ requestId: requestId(), network }));
				await terminal.out(`${network}\n`);
			},
			{ missingIsFine: flags.force },
		);
	},
});
