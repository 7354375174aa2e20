import { ContainerServiceService, type ExecRequest } from "#gen/wharf/container/v1/container.ts";
import { isAway } from "#lib/rpc/faults.ts";
import { exitStatusOf } from "../exit-status.ts";
import { interruptedStatus } from "../interrupted.ts";
import { connect } from "../requests.ts";
import { sentence } from "../run-command-line.ts";
import { command } from "../syntax/command.ts";
import { parseEnvironment } from "../syntax/pairs.ts";
import type { Terminal } from "../terminal.ts";

export default command({
	name: "exec",
	summary: "Runs another program in a container that runs, and ends with its exit status.",
	operands: "CONTAINER COMMAND [ARG...]",
	minOperands: 2,
	maxOperands: Number.POSITIVE_INFINITY,
	commandAfter: 1,
	failureStatus: 125,
	notes: [
		"It ends with this command, and with the gateway (`wharf down`, or a restart): its process, and what that started, get SIGTERM and then SIGKILL; the container goes on. " +
			"This command then says so and ends with 125. What a program that has ended by itself leaves running stays.",
	],
	flags: {
		interactive: { kind: "switch", short: "i", help: "Its input is this command's" },
		env: {
			kind: "list",
			short: "e",
			value: "NAME=VALUE",
			help: "Set an environment variable; a name alone takes its value from here",
		},
	},
	examples: [["wharf exec -i web sh -c 'cat >/tmp/copy' <file", "a file into a container"]],
	async run({ flags, operands: [container = "", ...words], terminal }) {
		const environment = parseEnvironment(flags.env, terminal.env);
		const spec = { container, command: words, environment, interactive: flags.interactive };
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const signal = terminal.interruptible();
		try {
			for await (const { part } of gateway.exec(requests(spec, terminal), { signal })) {
				if (part?.$case === "exitCode") return part.value;
				if (part?.$case === "stdout") await terminal.out(part.value);
				if (part?.$case === "stderr") await terminal.err(part.value);
			}
			throw new Error("the gateway ended the stream without an exit status");
		} catch (error) {
			const interrupted = interruptedStatus(error, signal);
			if (interrupted !== undefined) return interrupted;
			await terminal.err(sentence(error));
			if (isAway(error)) await terminal.err(`What this had begun in ${container} ends with the gateway.\n`);
			return exitStatusOf(error);
		}
	},
});

type Spec = Extract<NonNullable<ExecRequest["part"]>, { $case: "spec" }>["value"];

async function* requests(spec: Spec, { stdin }: Terminal): AsyncGenerator<ExecRequest> {
	yield { part: { $case: "spec", value: spec } };
	if (!spec.interactive) return;
	for await (const chunk of stdin) yield { part: { $case: "stdin", value: Buffer.from(chunk) } };
}
