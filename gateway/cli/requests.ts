/** Clients of the services for commands, each made when it is first used, all closed together. */
import { randomUUID } from "node:crypto";
import type { Paths } from "#lib/config/paths.ts";
import { type Address, client } from "#lib/rpc/client.ts";
import type { Definition } from "#lib/rpc/definition.ts";
import type { ClientOf } from "#lib/rpc/client.ts";

type ServiceName = "netd" | "volumed" | "gateway";

/** `using netd = connect(paths, "netd", NetworkServiceService)`. Container work takes as long as it takes: a minute before giving up. */
export function connect<const D extends Definition>(paths: Paths, service: ServiceName, definition: D): ClientOf<D> {
	const address: Address = { unix: paths.socket(service) };
	return client(definition, address, { timeoutMs: 60_000 });
}

/** One for each thing to do; the client repeats a call under it while a service comes back. */
export function requestId(): string {
	return randomUUID();
}
