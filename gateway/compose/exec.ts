/** Another process in a container that runs. */
import type { Call } from "#lib/rpc/handler.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import type { ContainerRecord } from "./container.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import { DEFAULT_PATH } from "../runtime/oci-config.ts";
import { lookUp } from "../runtime/program-lookup.ts";
import { type ExecPart, RuntimeError } from "../runtime/runtime.ts";

interface ExecWish {
	readonly container: string;
	readonly command: readonly string[];
	readonly environment: readonly string[];
	readonly interactive: boolean;
}

export type ExecInput =
	| { readonly kind: "wish"; readonly wish: ExecWish }
	| { readonly kind: "stdin"; readonly data: Uint8Array }
	| { readonly kind: "end" };

export async function* exec(parts: Parts, inputs: AsyncIterable<ExecInput>, call: Call): AsyncGenerator<ExecPart> {
	const iterator = inputs[Symbol.asyncIterator]();
	const first = await iterator.next();
	if (first.done === true || first.value.kind !== "wish") throw gatewayFaults.NO_EXEC_SPEC({});
	const { container, command, environment, interactive } = first.value.wish;
	const record = parts.table.get(container);
	if (record.state !== "RUNNING") throw gatewayFaults.CONTAINER_NOT_RUNNING({ container: record.name });
	if (command.length === 0) throw gatewayFaults.NO_COMMAND({ image: record.spec.image });
	refuseMissing(record, command[0] ?? "", environment);
	const told = new AbortController();
	const input = inputOf(iterator, told);
	if (!interactive) drained(input);
	const stdin = interactive ? input : undefined;
	const signal = AbortSignal.any([call.signal, told.signal]);
	try {
		yield* parts.runtime.exec(record.id, { command, environment, stdin, signal });
	} catch (error) {
		if (!(error instanceof RuntimeError)) throw error;
		const { name, id } = record;
		if (parts.table.find(id)?.state !== "RUNNING")
			throw gatewayFaults.CONTAINER_NOT_RUNNING({ container: name }, { cause: error });
		throw gatewayFaults.RUNTIME_FAILED({ container: name, words: error.words }, { cause: error });
	}
}

/** `told` is aborted when it is to end. */
async function* inputOf(iterator: AsyncIterator<ExecInput>, told: AbortController): AsyncGenerator<Uint8Array> {
	for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
		if (next.value.kind === "stdin") yield next.value.data;
		if (next.value.kind === "end") told.abort(rpcFaults.CANCELLED({ method: "exec" }));
	}
}

/** A process without input may be told to end all the same. */
function drained(input: AsyncIterable<Uint8Array>): void {
	Array.fromAsync(input, () => undefined).catch(() => undefined); // a caller who has gone away is told by the call's signal
}

/** Looked up in the running container itself, through its process's root: its mounts are there. */
function refuseMissing({ name, pid, spec }: ContainerRecord, command: string, environment: readonly string[]): void {
	const path = [...spec.environment, ...environment]
		.findLast((entry) => entry.startsWith("PATH="))
		?.slice("PATH=".length);
	switch (lookUp(command, path ?? DEFAULT_PATH, (inside) => `/proc/${pid}/root${inside}`)) {
		case "not-found":
			throw gatewayFaults.COMMAND_NOT_FOUND({ command, container: name });
		case "not-executable":
			throw gatewayFaults.COMMAND_NOT_EXECUTABLE({ command, container: name });
		case "found":
	}
}
