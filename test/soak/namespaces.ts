/** Namespaces that a program has netd take in over gRPC, and let go. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
	CreateSandboxRequest,
	DeleteSandboxRequest,
	ListSandboxesRequest,
	SandboxServiceService,
} from "#gen/wharf/network/v1/sandbox.ts";
import { isFault } from "#lib/fault/fault.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";
import type { Step } from "./afternoon.ts";

const HOLDER = "soak";

/** One of `ip netns`. */
export function takeIn(name: string): Step {
	return withNetd(async (netd) => {
		const request = { requestId: randomUUID(), holder: HOLDER, owner: name, adoptPath: `/run/netns/${name}` };
		await netd.createSandbox(CreateSandboxRequest.fromPartial(request));
	});
}

/** Not taken in is success: what came before may have been refused. */
export function letGo(name: string): Step {
	return withNetd(async (netd) => {
		const asked = ListSandboxesRequest.fromPartial({ holder: HOLDER, owner: name });
		for (const { id } of (await netd.listSandboxes(asked)).sandboxes)
			await netd.deleteSandbox(DeleteSandboxRequest.fromPartial({ requestId: randomUUID(), id }));
	});
}

function withNetd(body: (netd: ClientOf<typeof SandboxServiceService>) => Promise<void>): Step {
	return async (host) => {
		const options = { timeoutMs: 30_000, readsAgain: true, retry: { limit: 6, firstDelayMs: 50 } };
		using netd = client(SandboxServiceService, { unix: join(host.root, "run/netd.sock") }, options);
		try {
			await body(netd);
			return undefined;
		} catch (error) {
			return isFault(error) && error.code !== "INTERNAL" ? undefined : `a namespace of a program: ${String(error)}`;
		}
	};
}
