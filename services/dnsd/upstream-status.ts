/** What the forwarder tells of upstream resolvers and of what it keeps of their answers. */
import type { Forwarder } from "./upstream/forwarder.ts";

/** Since the start. */
export interface UpstreamServer {
	/** As `serverText` has it. */
	readonly server: string;
	readonly queries: number;
	readonly answers: number;
	readonly failures: number;
	readonly timeouts: number;
	readonly tcpRetries: number;
	/** 0: not known yet. */
	readonly rttMs: number;
	readonly backingOff: boolean;
}

export interface CacheStatus {
	readonly entries: number;
	readonly bytes: number;
	readonly hits: number;
	readonly misses: number;
	readonly stale: number;
}

export interface UpstreamStatus {
	readonly servers: readonly UpstreamServer[];
	readonly cache: CacheStatus;
}

/** The forwarder tells nothing yet: nobody was asked, and nothing is kept. */
export function upstreamStatus(_forwarder: Forwarder): UpstreamStatus {
	return { servers: [], cache: { entries: 0, bytes: 0, hits: 0, misses: 0, stale: 0 } };
}

/** Forgets what is kept; how many answers that were. The forwarder cannot yet. */
export function flushCache(_forwarder: Forwarder): number {
	return 0;
}
