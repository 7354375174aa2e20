import { ContainerServiceService, DisconnectContainerRequest } from "#gen/wharf/container/v1/container.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "network disconnect",
	summary: "Takes a container off a network.",
	operands: "NETWORK CONTAINER",
	minOperands: 2,
	maxOperands: 2,
	flags: {},
	async run({ operands: [network = "", container = ""], terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		await gateway.disconnectContainer(
			DisconnectContainerRequest.fromPartial({ requestId: requestId(), container, network }),
		);
		return 0;
	},
});
