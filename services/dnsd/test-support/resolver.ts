/** A resolver in this process, and the sandbox `web` on the network `frontend` for it; all gone when the test is over. */
import { onTestFinished } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { createLog } from "#lib/log/log.ts";
import { Resolver } from "../resolver.ts";
import { Forwarder } from "../upstream/forwarder.ts";
import type { Server } from "../upstream/server.ts";
import type { Sandbox } from "../zone.ts";
import { Scratch } from "./scratch.ts";

export const RESOLVER_PORT = 5311;
const pace = { hedgeMs: 50, againMs: 200, overallMs: 1_000 };

export function resolverOver(servers: readonly Server[] = [], idleMs = 10_000, cacheBytes = 0): Resolver {
	const forwarder = new Forwarder({ pace, inFlightPerSandbox: 64, inFlight: 64, cacheBytes });
	const resolver = new Resolver({
		ttlSeconds: 5,
		tcp: { connections: 4, idleMs },
		forwarder,
		hostServers: () => servers,
		log: createLog({ service: "dnsd", level: "silent" }),
	});
	onTestFinished(() => resolver[Symbol.asyncDispose]());
	return resolver;
}

export async function scratch(): Promise<Scratch> {
	const made = await Scratch.create();
	onTestFinished(() => made[Symbol.asyncDispose]());
	return made;
}

export function sandbox(netnsPath: string, more: Partial<Sandbox> = {}): Sandbox {
	const addresses = [Ip.parse("172.18.0.2"), Ip.parse("fd00::2")];
	return {
		id: "one",
		netnsPath,
		name: "web",
		owner: "0123456789abcdef",
		hostname: "host",
		resolverPort: RESOLVER_PORT,
		dnsServers: [],
		forwards: true,
		legs: [{ endpointId: "e", networkId: "n", networkName: "frontend", addresses, aliases: ["www"] }],
		...more,
	};
}
