import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
import { each } from "../each.ts";
import { inspectText } from "../format.ts";
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
	flags: {
		format: { kind: "text", short: "f", value: "FORMAT", help: "`json`, which it is without this" },
	},
	async run({ flags, operands, terminal }) {
		if (flags.format !== undefined && flags.format !== "json") {
			throw syntaxFaults.INVALID_VALUE({ what: "The format", value: flags.format, allowed: "json" });
		}
		const found: object[] = [];
		const status = await each(operands, terminal, async (name) => void found.push(await inspectAny(name, terminal)));
		await terminal.out(inspectText(found));
		return status;
	},
});

/** When nothing has the name, it is the container that is said to be missing. */
async function inspectAny(name: string, terminal: Terminal): Promise<object> {
	try {
		return await inspectContainer(name, terminal);
	} catch (error) {
		if (!isFault(error, "CONTAINER_NOT_FOUND")) throw error;
		for (const inspect of [inspectNetwork, inspectVolume]) {
			const other = await inspect(name, terminal).catch(() => undefined);
			if (other !== undefined) return other;
		}
		throw error;
	}
}

async function inspectContainer(name: string, { paths }: Terminal): Promise<object> {
	using gateway = connect(paths, "gateway", ContainerServiceService);
	const { container } = await gateway.getContainer({ container: name });
	if (container === undefined) throw new Error(`the gateway gave no container for ${name}`);
	return containerJson(container);
}
