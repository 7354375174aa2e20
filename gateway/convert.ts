/** Between the contract's messages and the gateway's own values; pure, no decisions. */
import type {
	Container,
	ExecRequest,
	ExecResponse,
	ListContainersRequest,
	ReadLogsResponse,
} from "#gen/wharf/container/v1/container.ts";
import { Output } from "#gen/wharf/container/v1/container.ts";
import { parsePage } from "#lib/rpc/page.ts";
import type { ExecInput } from "./compose/exec.ts";
import type { ListQuery } from "./compose/observe.ts";
import { type LiveContainer, publicState } from "./compose/container.ts";
import { gatewayFaults } from "./faults.ts";
import type { LogEntry } from "./runtime/log-format.ts";
import type { ExecPart } from "./runtime/runtime.ts";

export function containerMessage({ record, endpoints }: LiveContainer): Container {
	return {
		id: record.id,
		spec: record.spec,
		state: publicState(record.state, record.startedAt !== undefined),
		createdAt: record.createdAt,
		startedAt: record.startedAt,
		finishedAt: record.finishedAt,
		pid: record.pid,
		exitCode: record.exitCode,
		error: record.error,
		sandboxId: record.sandboxId,
		netnsPath: record.netnsPath,
		endpoints: [...endpoints],
		mounts: [...record.mounts],
	};
}

export function listQuery(message: ListContainersRequest): ListQuery {
	return { page: parsePage(message, gatewayFaults.INVALID_PAGE_TOKEN), all: message.all };
}

export function logMessage({ output, data, time }: LogEntry): ReadLogsResponse {
	return { output: output === "stdout" ? Output.STDOUT : Output.STDERR, data: Buffer.from(data), time };
}

export function execInput({ part }: ExecRequest): ExecInput {
	if (part === undefined) throw gatewayFaults.NO_EXEC_SPEC({});
	switch (part.$case) {
		case "spec":
			return { kind: "wish", wish: part.value };
		case "stdin":
			return { kind: "stdin", data: part.value };
		case "end":
			return { kind: "end" };
	}
}

export function execMessage(part: ExecPart): ExecResponse {
	if (part.kind === "exit") return { part: { $case: "exitCode", value: part.exitCode } };
	return { part: { $case: part.kind, value: Buffer.from(part.data) } };
}
