/**
 * Connections to NATS; this folder alone imports the client.
 *
 * A connection is never mended in place: a lost one is closed for good and a new one begins from what is known to be stored.
 * The client's own reconnect sends what it had buffered ahead of what has to be repeated, and so breaks the order.
 */
import { abortable } from "#lib/concurrency/abortable.ts";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "nats";
import type { NatsSettings } from "./nats-settings.ts";

export type { NatsSettings } from "./nats-settings.ts";

const CONNECT_TIMEOUT_MS = 3_000;
const CLOSE_TIMEOUT_MS = 300;
const PING_INTERVAL_MS = 10_000;

/** One attempt at each server. Rejects with the signal's reason as soon as it aborts. */
export async function openConnection(nats: NatsSettings, name: string, signal: AbortSignal): Promise<NatsConnection> {
	signal.throwIfAborted();
	const { servers, user, pass, tls } = nats;
	const connecting = connect({
		servers: [...servers],
		name,
		reconnect: false,
		timeout: CONNECT_TIMEOUT_MS,
		pingInterval: PING_INTERVAL_MS,
		maxPingOut: 2,
		...(user === undefined ? {} : { user }),
		...(pass === undefined ? {} : { pass }),
		...(tls === undefined ? {} : { tls: { ...pem("ca", tls.ca), ...pem("cert", tls.cert), ...pem("key", tls.key) } }),
	});
	try {
		return await abortable(connecting, signal);
	} catch (error) {
		// It may still come about, with nobody there to use it.
		connecting.then(closeConnection, () => undefined);
		throw error;
	}
}

function pem<K extends string>(key: K, path: string | undefined): { [P in K]?: string } {
	// A computed key widens to string; the only one is K.
	return path === undefined ? {} : ({ [key]: readFileSync(path, "utf8") } as { [P in K]?: string });
}

/** Ends in bounded time, also when the server does not answer. */
export async function closeConnection(connection: NatsConnection): Promise<void> {
	await Promise.race([connection.close().catch(() => undefined), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Pauses between attempts: doubled up to five seconds, each shortened by up to half at random so that hosts do not come in step. */
export class BackOff {
	#pauseMs = FIRST_PAUSE_MS;

	reset(): void {
		this.#pauseMs = FIRST_PAUSE_MS;
	}

	/** Resolves early when the signal aborts. */
	async pause(signal: AbortSignal): Promise<void> {
		const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
		this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
		await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
	}
}
