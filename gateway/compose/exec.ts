/** Another process in a container that runs. */
import type { Call } from "#lib/rpc/handler.ts";
import type { ContainerRecord } from "../container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { DEFAULT_PATH } from "../runtime/oci-config.ts";
import { lookUp } from "../runtime/program-lookup.ts";
import { type ExecPart, RuntimeError } from "../runtime/runtime.ts";

export interface ExecWish {
	readonly container: string;
	readonly command: readonly string[];
	readonly environment: readonly string[];
	readonly interactive: boolean;
}

export type ExecInput =
	| { readonly kind: "wish"; readonly wish: ExecWish }
	| { readonly kind: "stdin"; readonly data: Uint8Array };

export async function* exec(parts: Parts, inputs: AsyncIterable<ExecInput>, call: Call): AsyncGenerator<ExecPart> {
	const iterator = inputs[Symbol.asyncIterator]();
	const first = await iterator.next();
	if (first.done === true || first.value.kind !== "wish") throw gatewayFaults.NO_EXEC_SPEC({});
	const { container, command, environment, interactive } = first.value.wish;
	const record = parts.table.get(container);
	if (record.state !== "RUNNING") throw gatewayFaults.CONTAINER_NOT_RUNNING({ container: record.name });
	if (command.length === 0) throw gatewayFaults.NO_COMMAND({ image: record.spec.image });
	const stdin = interactive ? inputOf(iterator) : undefined;
	try {
		yield* parts.runtime.exec(record.id, { command, environment, stdin, signal: call.signal });
	} catch (error) {
		if (error instanceof RuntimeError) throw explained(parts, record, command[0] ?? "", environment, error);
		throw error;
	}
}

async function* inputOf(iterator: AsyncIterator<ExecInput>): AsyncGenerator<Uint8Array> {
	for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
		if (next.value.kind === "stdin") yield next.value.data;
	}
}

/** Looked up in the running container itself, through its process's root: its mounts are there. */
function explained(
	{ table }: Parts,
	{ id, name, pid, spec }: ContainerRecord,
	command: string,
	environment: readonly string[],
	error: RuntimeError,
): Error {
	if (table.find(id)?.state !== "RUNNING")
		return gatewayFaults.CONTAINER_NOT_RUNNING({ container: name }, { cause: error });
	const path = [...spec.environment, ...environment]
		.findLast((entry) => entry.startsWith("PATH="))
		?.slice("PATH=".length);
	switch (lookUp(command, path ?? DEFAULT_PATH, (inside) => `/proc/${pid}/root${inside}`)) {
		case "not-found":
			return gatewayFaults.COMMAND_NOT_FOUND({ command, container: name }, { cause: error });
		case "not-executable":
			return gatewayFaults.COMMAND_NOT_EXECUTABLE({ command, container: name }, { cause: error });
		case "found":
			return gatewayFaults.RUNTIME_FAILED({ container: name, words: error.words }, { cause: error });
	}
}
