/** Clients of the services for commands, each made when it is first used, all closed together. */
import { randomUUID } from "node:crypto";
import type { Paths } from "#lib/config/paths.ts";
import { type Address, client } from "#lib/rpc/client.ts";
import type { Definition } from "#lib/rpc/definition.ts";
import type { ClientOf } from "#lib/rpc/client.ts";

/** 3.2 to 4.7 s in all: a service on a busy machine is back within that. */
const RETRY = { limit: 6, firstDelayMs: 50 };

type ServiceName = "netd" | "dnsd" | "volumed" | "gateway";

/** `using netd = connect(paths, "netd", NetworkServiceService)`. Container work takes as long as it takes: a minute before giving up. */
export function connect<const D extends Definition>(
	paths: Paths,
	service: ServiceName,
	definition: D,
	{
		isPatient = true,
	}: { /** A service that is being started again is waited for. */ readonly isPatient?: boolean } = {},
): ClientOf<D> {
	const address: Address = { unix: paths.socket(service) };
	// Whatever changes something has a request id.
	return client(definition, address, { timeoutMs: 60_000, readsAgain: isPatient, retry: RETRY });
}

/** One for each thing to do; the client repeats a call under it while a service comes back. */
export function requestId(): string {
	return randomUUID();
}
