import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { printLogs } from "../output-stream.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "logs",
	summary: "Prints what a container's program wrote.",
	operands: "CONTAINER",
	minOperands: 1,
	maxOperands: 1,
	flags: {
		follow: { kind: "switch", short: "f", help: "Go on as it comes, until the program ends" },
		tail: { kind: "text", short: "n", value: "LINES", help: "Only so many last lines; `all` without this" },
		timestamps: { kind: "switch", short: "t", help: "Say when each line was written" },
	},
	async run({ flags, operands: [container = ""], terminal }) {
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const { follow, timestamps } = flags;
		await printLogs(gateway, { container, follow, timestamps, tail: lines(flags.tail) }, terminal);
		return 0;
	},
});

function lines(text: string | undefined): number | undefined {
	if (text === undefined || text === "all") return undefined;
	if (/^\d{1,9}$/.test(text)) return Number(text);
	throw syntaxFaults.INVALID_VALUE({ what: "The number of lines", value: text, allowed: "a whole number, or all" });
}
