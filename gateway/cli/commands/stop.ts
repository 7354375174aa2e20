import { ContainerServiceService, StopContainerRequest } from "#gen/wharf/container/v1/container.ts";
import { each } from "../each.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

const DEFAULT_SECONDS = 10;
/** For what follows the end of the program. */
const CLEANUP_SECONDS = 30;

export default command({
	name: "stop",
	summary: "Ends the programs of containers: SIGTERM, then SIGKILL when the time is over.",
	operands: "CONTAINER [CONTAINER...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {
		time: {
			kind: "text",
			short: "t",
			value: "SECONDS",
			also: ["--timeout"],
			help: "How long to wait before SIGKILL; 10 without this",
		},
	},
	async run({ flags, operands, terminal }) {
		const timeoutSeconds = seconds(flags.time);
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const stop = async (container: string): Promise<void> => {
			const request = StopContainerRequest.fromPartial({ requestId: requestId(), container, timeoutSeconds });
			await gateway.stopContainer(request, { timeoutMs: (timeoutSeconds + CLEANUP_SECONDS) * 1000 });
			await terminal.out(`${container}\n`);
		};
		return await each(operands, terminal, stop, { together: true });
	},
});

function seconds(text: string | undefined): number {
	if (text === undefined) return DEFAULT_SECONDS;
	const number = Number(text);
	if (/^\d{1,6}$/.test(text)) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The time", value: text, allowed: "a whole number of seconds" });
}
