import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
import { INSPECT_FLAGS, inspectEach } from "../format.ts";
import { containerJson } from "../output/container-json.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";
import { inspectNetwork } from "./network-inspect.ts";
import { inspectVolume } from "./volume-inspect.ts";

export default command({
	name: "inspect",
	summary: "Prints containers, or else networks, or else volumes, as Docker does: one JSON array.",
	operands: "NAME [NAME...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: INSPECT_FLAGS,
	examples: [
		["wharf inspect -f '{{.State.Pid}}' web", "one value"],
		[
			"wharf inspect -f '{{range $name, $at := .NetworkSettings.Networks}}{{$name}} {{$at.IPAddress}} {{end}}' web",
			"its address on each network",
		],
	],
	run: ({ flags, operands, terminal }) =>
		inspectEach(operands, flags.format, terminal, (name) => inspectAny(name, terminal)),
});

/** What has the name: a container first, then a network, then a volume. */
async function inspectAny(name: string, terminal: Terminal): Promise<object> {
	for (const inspect of [inspectContainer, inspectNetwork, inspectVolume]) {
		try {
			return await inspect(name, terminal);
		} catch (error) {
			// What cannot be a volume's name is the name of none.
			const isElsewhere = isFault(error) && (error.code === "NOT_FOUND" || error.reason === "INVALID_NAME");
			if (!isElsewhere) throw error;
		}
	}
	throw syntaxFaults.NOTHING_NAMED({ name });
}

async function inspectContainer(name: string, { paths }: Terminal): Promise<object> {
	using gateway = connect(paths, "gateway", ContainerServiceService);
	const { container } = await gateway.getContainer({ container: name });
	if (container === undefined) throw new Error(`the gateway gave no container for ${name}`);
	return containerJson(container);
}
