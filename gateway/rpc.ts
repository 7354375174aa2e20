/** `container/v1` on the wire: parse, run, render. */
import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { bidi, type Implementation, implement, mutation, serverStream, unary } from "#lib/rpc/handler.ts";
import { pageToken } from "#lib/rpc/page.ts";
import { connect } from "./compose/connect.ts";
import { create } from "./compose/create.ts";
import { disconnect } from "./compose/disconnect.ts";
import { exec } from "./compose/exec.ts";
import { logs } from "./compose/logs.ts";
import { get, list } from "./compose/observe.ts";
import { remove } from "./compose/remove.ts";
import { start } from "./compose/start.ts";
import { stop } from "./compose/stop.ts";
import { wait } from "./compose/wait.ts";
import type { LiveContainer, Outcome } from "./compose/container.ts";
import { containerMessage, execInput, execMessage, listQuery, logMessage } from "./convert.ts";
import { parseAttachment, parseSpec } from "./compose/parse-spec.ts";
import type { Parts } from "./parts.ts";

export function containerService(parts: Parts): Implementation {
	return implement(ContainerServiceService, {
		createContainer: mutation({
			parse: ({ spec }) => parseSpec(spec),
			run: (spec, call) => create(parts, spec, call),
			render: outcomeMessage,
		}),
		startContainer: mutation({
			parse: ({ container }) => container,
			run: (reference, call) => start(parts, reference, call),
			render: outcomeMessage,
		}),
		stopContainer: mutation({
			parse: ({ container, timeoutSeconds }) => ({ reference: container, timeoutSeconds }),
			run: (input, call) => stop(parts, input, call),
			render: (stopped: LiveContainer | undefined) => ({ container: stopped && containerMessage(stopped) }),
		}),
		removeContainer: mutation({
			parse: ({ container, force, removeVolumes }) => ({ reference: container, force, removeVolumes }),
			run: (input, call) => remove(parts, input, call),
			render: (id: string) => ({ id }),
		}),
		waitContainer: unary({
			parse: ({ container }) => container,
			run: (reference, call) => wait(parts, reference, call),
			render: (exitCode) => ({ exitCode }),
		}),
		getContainer: unary({
			parse: ({ container }) => container,
			run: (reference) => get(parts, reference),
			render: (found) => ({ container: containerMessage(found) }),
		}),
		listContainers: unary({
			parse: listQuery,
			run: (query) => list(parts, query),
			render: ({ containers, next }) => ({
				containers: containers.map(containerMessage),
				nextPageToken: pageToken(next),
			}),
		}),
		readLogs: serverStream({
			parse: ({ container, follow, tail }) => ({ reference: container, follow, tail }),
			run: (query, call) => logs(parts, query, call),
			render: logMessage,
		}),
		exec: bidi({
			parse: execInput,
			run: (inputs, call) => exec(parts, inputs, call),
			render: execMessage,
		}),
		connectContainer: mutation({
			parse: ({ container, network }) => ({ reference: container, attachment: parseAttachment(network) }),
			run: (input, call) => connect(parts, input, call),
			render: outcomeMessage,
		}),
		disconnectContainer: mutation({
			parse: ({ container, network }) => ({ reference: container, network }),
			run: (input, call) => disconnect(parts, input, call),
			render: (left: LiveContainer) => ({ container: containerMessage(left) }),
		}),
	});
}

function outcomeMessage({ container, warnings }: Outcome) {
	return { container: containerMessage(container), warnings: [...warnings] };
}
