/** The settings of dnsd: what they are called, what holds without them, and the parts that they make. */
import { boolean, duration, integer, path } from "#lib/config/parsers.ts";
import type { Schema, SettingsOf } from "#lib/config/settings.ts";
import type { TcpLimits } from "./tcp-connection.ts";
import type { ForwarderSettings } from "./upstream/forwarder.ts";

export const dnsdSchema = {
	ttlMs: {
		key: "dnsd.ttl",
		parse: duration({ minMs: 0, maxMs: 86_400_000 }),
		default: 5_000,
		doc: "For how long clients may keep a container's address, in whole seconds.",
	},
	resolvConf: {
		key: "dnsd.resolvConf",
		parse: path,
		default: "/etc/resolv.conf",
		doc: "Where the host names its own resolvers; it is read again when it changes.",
	},
	hedgeMs: {
		key: "dnsd.hedge",
		parse: duration({ minMs: 10, maxMs: 5_000 }),
		default: 300,
		doc: "How long an upstream resolver may keep silent before the next one is asked as well, at most; it is less where answers come sooner.",
	},
	giveUpMs: {
		key: "dnsd.giveUp",
		parse: duration({ minMs: 100, maxMs: 30_000 }),
		default: 4_500,
		doc: "When a forwarded query ends with SERVFAIL; most clients wait for 5 s.",
	},
	inFlightPerSandbox: {
		key: "dnsd.inFlightPerSandbox",
		parse: integer({ min: 1, max: 10_000 }),
		default: 256,
		doc: "Queries of one sandbox that may wait for upstream resolvers.",
	},
	inFlight: {
		key: "dnsd.inFlight",
		parse: integer({ min: 1, max: 10_000 }),
		default: 1_024,
		doc: "Different questions of all sandboxes that may wait for upstream resolvers; each has sockets of its own.",
	},
	cacheBytes: {
		key: "dnsd.cacheBytes",
		parse: integer({ min: 0, max: 1_073_741_824 }),
		default: 8_388_608,
		doc: "Memory for what upstream resolvers said; 0 keeps nothing.",
	},
	serveStaleMs: {
		key: "dnsd.serveStale",
		parse: duration({ minMs: 0, maxMs: 604_800_000 }),
		default: 0,
		doc: "For how long after it has expired an upstream's answer is given when no resolver answers (RFC 8767); 0s never.",
	},
	randomCase: {
		key: "dnsd.randomCase",
		parse: boolean,
		default: false,
		doc: "Ask upstream resolvers in random letter case, and believe no answer in another; a few resolvers do not repeat it and are then taken for silent.",
	},
	tcpConnections: {
		key: "dnsd.tcpConnections",
		parse: integer({ min: 1, max: 10_000 }),
		default: 64,
		doc: "TCP connections of one sandbox.",
	},
	tcpIdleMs: {
		key: "dnsd.tcpIdle",
		parse: duration({ minMs: 100, maxMs: 600_000 }),
		default: 10_000,
		doc: "After how long without a whole query a TCP connection is closed.",
	},
} as const satisfies Schema;

export type DnsdSettings = SettingsOf<typeof dnsdSchema>;

/** Before servers that kept silent are asked once more: about the longest round trip that is worth waiting for. */
const AGAIN_MS = 1_000;

export function forwarderSettings({ hedgeMs, giveUpMs, ...others }: DnsdSettings): ForwarderSettings {
	const { inFlight, inFlightPerSandbox, cacheBytes, serveStaleMs, randomCase } = others;
	const pace = { hedgeMs, againMs: AGAIN_MS, overallMs: giveUpMs };
	return { pace, inFlight, inFlightPerSandbox, cacheBytes, serveStaleMs, randomCase };
}

export function tcpLimits({ tcpConnections, tcpIdleMs }: DnsdSettings): TcpLimits {
	return { connections: tcpConnections, idleMs: tcpIdleMs };
}
