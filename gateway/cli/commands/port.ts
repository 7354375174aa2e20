import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { hostSide, protocolWord } from "../output/published.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { parseContainerPort } from "../syntax/ports.ts";

export default command({
	name: "port",
	summary: "Shows where the ports of a container are published.",
	operands: "CONTAINER [PORT[/PROTOCOL]]",
	minOperands: 1,
	maxOperands: 2,
	flags: {},
	async run({ operands: [name = "", wanted], terminal }) {
		const wish = wanted === undefined ? undefined : parseContainerPort(wanted);
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const { container } = await gateway.getContainer({ container: name });
		const ports = (container?.endpoints ?? []).flatMap((endpoint) => endpoint.ports);
		if (wish === undefined) {
			const lines = ports.map((port) => `${port.containerPort}/${protocolWord(port.protocol)} -> ${hostSide(port)}\n`);
			await terminal.out(lines.join(""));
			return 0;
		}
		const { containerPort, protocol } = wish;
		const found = ports.filter(
			(port) => port.containerPort === containerPort && protocolWord(port.protocol) === protocol,
		);
		if (found.length === 0) {
			throw syntaxFaults.PORT_NOT_PUBLISHED({ container: name, port: `${containerPort}/${protocol}` });
		}
		await terminal.out(found.map((port) => `${hostSide(port)}\n`).join(""));
		return 0;
	},
});
