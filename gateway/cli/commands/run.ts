import {
	ContainerServiceService,
	CreateContainerRequest,
	RemoveContainerRequest,
	StartContainerRequest,
	StopContainerRequest,
} from "#gen/wharf/container/v1/container.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { CONTAINER_FLAGS, specOf } from "../container-flags.ts";
import { exitStatusOf } from "../exit-status.ts";
import { volumedOf } from "../mount-flags.ts";
import { printLogs, waitFor } from "../output-stream.ts";
import { connect, requestId } from "../requests.ts";
import { sentence } from "../run-command-line.ts";
import { command } from "../syntax/command.ts";
import type { Terminal } from "../terminal.ts";

type Gateway = ClientOf<ContainerServiceService>;

const STOP_SECONDS = 10;

export default command({
	name: "run",
	summary: "Makes a container and starts its program; without -d, shows what it writes and ends with its exit status.",
	operands: "IMAGE COMMAND [ARG...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	commandAfter: 1,
	failureStatus: 125,
	notes: [
		"The image `host` is an overlay over this machine's own `/`: writable, and thrown away with the container.",
		"Exit status 125: wharf could not do it, and left nothing behind; 126: the command is not a program; 127: the command is not there.",
	],
	flags: {
		detach: { kind: "switch", short: "d", help: "Print its id and leave it running" },
		...CONTAINER_FLAGS,
	},
	examples: [
		["wharf run --rm host cat /etc/hosts", "one command in a container of its own"],
		["wharf run -d --name web --network front -p 8080:80 host python3 -m http.server 80", "a web server"],
	],
	async run({ flags, operands, terminal }) {
		const spec = await specOf(
			flags,
			operands,
			terminal,
			volumedOf(() => terminal.paths),
		);
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const { container, warnings } = await gateway.createContainer(
			CreateContainerRequest.fromPartial({ requestId: requestId(), spec }),
		);
		const id = container?.id ?? "";
		// Asked for before the start: nothing of a program that ends at once is missed.
		if (!flags.detach) terminal.interruptible();
		const logs = flags.detach ? undefined : printLogs(gateway, { container: id, follow: true }, terminal);
		logs?.catch(() => undefined); // awaited below, after the start has had its say
		try {
			const started = await gateway.startContainer(
				StartContainerRequest.fromPartial({ requestId: requestId(), container: id }),
			);
			for (const warning of [...warnings, ...started.warnings]) await terminal.err(`${warning}\n`);
		} catch (error) {
			await terminal.err(sentence(error));
			await removeAgain(gateway, id);
			return exitStatusOf(error);
		}
		if (logs === undefined) {
			await terminal.out(`${id}\n`);
			return 0;
		}
		return await attended(gateway, id, logs, terminal);
	},
});

/** What could not be started is not left lying about. */
async function removeAgain(gateway: Gateway, container: string): Promise<void> {
	const request = { requestId: requestId(), container, force: true, removeVolumes: true };
	// The failure that is told is that of the start; what is left is in `wharf ps -a`.
	await gateway.removeContainer(RemoveContainerRequest.fromPartial(request)).catch(() => undefined);
}

/** Until its program ends. Ctrl-C stops it, and is waited for; a second one kills it. */
async function attended(gateway: Gateway, container: string, logs: Promise<void>, terminal: Terminal): Promise<number> {
	const stop = (timeoutSeconds: number): void => {
		const request = { requestId: requestId(), container, timeoutSeconds };
		gateway
			.stopContainer(StopContainerRequest.fromPartial(request), { timeoutMs: (STOP_SECONDS + 20) * 1000 })
			.catch((error: unknown) => terminal.err(sentence(error)));
	};
	const stopGently = (): void => {
		if (terminal.errIsTty) void terminal.err("Stopping it; Ctrl-C again kills it.\n");
		stop(STOP_SECONDS);
	};
	const signal = terminal.interruptible(() => stop(0));
	if (signal.aborted) stopGently();
	else signal.addEventListener("abort", stopGently, { once: true });
	const status = await waitFor(gateway, container);
	await logs;
	return status;
}
