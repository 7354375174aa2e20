/**
 * Commands in containers around a backup. One before it that fails keeps it from being made. Those after it are run whatever happened, the
 * last container's first; but not where those before it were to be run first, and were not begun.
 */
import { ContainerServiceService, type ExecRequest } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { connect } from "../requests.ts";
import { sentence } from "../run-command-line.ts";
import type { Terminal } from "../terminal.ts";
import { backupFaults } from "./faults.ts";
import type { Hooks } from "./hook-plan.ts";

/** Of a command that fails: its last words. */
const TOLD_BYTES = 4_096;
/** The gateway gives a process a second to end by itself. */
const ENDING_MS = 10_000;

interface Around {
	readonly hooks: readonly Hooks[];
	/** Of each command. */
	readonly timeoutMs: number;
	readonly terminal: Terminal;
	/** Aborted by the user; what comes after is run all the same. */
	readonly signal: AbortSignal;
}

/** Answers the exit status of `body`, or 1 when one of those after it failed. Faults: HOOK_FAILED, HOOK_TOO_LONG, and the gateway's; the body's. */
export async function withHooks(around: Around, body: () => Promise<number>): Promise<number> {
	const { hooks, terminal, signal } = around;
	if (hooks.length === 0) return await body();
	using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
	const reached = hooks.filter(({ before }) => before.length === 0).toReversed();
	let status: number;
	let failures = 0;
	try {
		for (const hook of hooks) {
			if (hook.before.length > 0) reached.unshift(hook);
			for (const command of hook.before) await run(gateway, hook.container, command, around, signal);
		}
		status = await body();
	} finally {
		for (const { container, after } of reached) {
			for (const command of after) {
				try {
					await run(gateway, container, command, around);
				} catch (error) {
					failures += 1;
					await terminal.err(sentence(error));
				}
			}
		}
	}
	return failures > 0 ? 1 : status;
}

/** What it says is told when it fails. One that is given up, or takes too long, has ended with all that it started when this does. */
async function run(
	gateway: ClientOf<typeof ContainerServiceService>,
	container: string,
	command: string,
	{ timeoutMs, terminal }: Around,
	signal?: AbortSignal,
): Promise<void> {
	if (isGivenUp(signal)) throw rpcFaults.CANCELLED({ method: "exec" });
	const late = AbortSignal.timeout(timeoutMs);
	using end = new End([late, ...(signal ? [signal] : [])]);
	let words = Buffer.alloc(0);
	try {
		for await (const { part } of gateway.exec(requests(container, command, end), { signal: end.overdue })) {
			if (part?.$case !== "exitCode") {
				if (part !== undefined) words = Buffer.concat([words, part.value]).subarray(-TOLD_BYTES);
			} else if (!end.isTold) {
				if (part.value === 0) return;
				await terminal.err(words);
				throw backupFaults.HOOK_FAILED({ container, command, status: String(part.value) });
			}
		}
	} catch (error) {
		if (!end.isTold || !isFault(error, "CANCELLED")) throw error;
	}
	if (!end.isTold) throw new Error("the gateway ended the stream without an exit status");
	if (isGivenUp(signal)) throw rpcFaults.CANCELLED({ method: "exec" });
	await terminal.err(words);
	const how = end.overdue.aborted ? "does not end" : "was ended";
	throw backupFaults.HOOK_TOO_LONG({ container, command, seconds: String(timeoutMs / 1000), end: how });
}

async function* requests(container: string, command: string, end: End): AsyncGenerator<ExecRequest> {
	const value = { container, command: ["sh", "-c", command], environment: [], interactive: false };
	yield { part: { $case: "spec", value } };
	await end.told;
	yield { part: { $case: "end", value: {} } };
}

/** That a command is to end, which the gateway is told, and has a while for. */
class End implements Disposable {
	/** Resolves then, or when it has ended by itself. */
	readonly told: Promise<void>;
	readonly #when: AbortSignal;
	readonly #overdue = new AbortController();
	readonly #over = Promise.withResolvers<void>();
	#timer: NodeJS.Timeout | undefined;

	constructor(signals: AbortSignal[]) {
		this.#when = AbortSignal.any(signals);
		this.told = this.#over.promise;
		this.#when.addEventListener("abort", this.#tell, { once: true });
	}

	get isTold(): boolean {
		return this.#when.aborted;
	}

	/** Aborted when it has had that. */
	get overdue(): AbortSignal {
		return this.#overdue.signal;
	}

	readonly #tell = (): void => {
		this.#over.resolve();
		this.#timer = setTimeout(() => this.#overdue.abort(), ENDING_MS);
	};

	[Symbol.dispose](): void {
		this.#when.removeEventListener("abort", this.#tell);
		clearTimeout(this.#timer);
		this.#over.resolve();
	}
}

function isGivenUp(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}
