/**
 * Asks other resolvers what is not known here. Every query gets an answer in bounded time: what an upstream said, or SERVFAIL.
 *
 * The same question of several clients is asked once (which also ends a loop through a forwarder that asks us); no sandbox has
 * more than its share in flight. REFUSED becomes SERVFAIL: musl ignores REFUSED and would wait out its five seconds.
 */
import { randomInt } from "node:crypto";
import { refusal, type Transport } from "../answer.ts";
import { RCODE } from "../protocol.ts";
import type { Query } from "../query.ts";
import { Cache } from "./cache.ts";
import { exchange } from "./exchange.ts";
import { Health } from "./health.ts";
import { answerFor, rcodeOf, readRecords, requestOf, sameQuestion } from "./message.ts";
import { type Pace, race } from "./race.ts";
import { type Server, serverText } from "./server.ts";

export interface ForwarderSettings {
	readonly pace: Pace;
	/** Queries of one sandbox that wait for an upstream; more are SERVFAIL at once. */
	readonly inFlightPerSandbox: number;
	/** Questions that upstreams are asked at once, by all: each has sockets of its own. */
	readonly inFlight: number;
	readonly cacheBytes: number;
}

const ID_COUNT = 0x1_0000;

class NoGoodAnswer extends Error {}

export class Forwarder {
	readonly #settings: ForwarderSettings;
	readonly #cache: Cache;
	readonly #health = new Health();
	readonly #flights = new Map<string, Promise<Buffer | undefined>>();
	readonly #waiting = new Map<string, number>();

	constructor(settings: ForwarderSettings) {
		this.#settings = settings;
		this.#cache = new Cache(settings.cacheBytes);
	}

	/** At once when the answer is kept or there will be none; never rejects. */
	forward(query: Query, transport: Transport, servers: readonly Server[], sandboxId: string): Buffer | Promise<Buffer> {
		if (servers.length === 0) return refusal(query, RCODE.SERVFAIL);
		const key = `${servers.map(serverText).join(" ")} ${sameQuestion(query)}`;
		const kept = this.#cache.find(key);
		if (kept !== undefined) return answerFor(query, kept, transport);
		const waiting = this.#waiting.get(sandboxId) ?? 0;
		if (waiting >= this.#settings.inFlightPerSandbox) return refusal(query, RCODE.SERVFAIL);
		const flight = this.#flights.get(key) ?? this.#begin(key, query, servers);
		if (flight === undefined) return refusal(query, RCODE.SERVFAIL);
		this.#waiting.set(sandboxId, waiting + 1);
		return flight.then((response) => {
			this.#leave(sandboxId);
			return response === undefined ? refusal(query, RCODE.SERVFAIL) : answerFor(query, response, transport);
		});
	}

	#begin(key: string, query: Query, servers: readonly Server[]): Promise<Buffer | undefined> | undefined {
		if (this.#flights.size >= this.#settings.inFlight) return undefined;
		const attempt = (server: Server, signal: AbortSignal): Promise<Buffer> => this.#attempt(query, server, signal);
		const onSilence = (server: Server): void => this.#health.silent(server);
		const flight = race(this.#health.order(servers), attempt, this.#settings.pace, onSilence).then((response) => {
			this.#flights.delete(key);
			if (response !== undefined) this.#cache.keep(key, response);
			return response;
		});
		this.#flights.set(key, flight);
		return flight;
	}

	#leave(sandboxId: string): void {
		const waiting = (this.#waiting.get(sandboxId) ?? 1) - 1;
		if (waiting === 0) this.#waiting.delete(sandboxId);
		else this.#waiting.set(sandboxId, waiting);
	}

	/** An answer that is worth giving: NOERROR or NXDOMAIN, and well formed. */
	async #attempt(query: Query, server: Server, signal: AbortSignal): Promise<Buffer> {
		let response: Buffer;
		try {
			response = await exchange(server, requestOf(query, randomInt(ID_COUNT)), signal);
		} catch (error) {
			if (!signal.aborted) this.#health.silent(server);
			throw error;
		}
		this.#health.answered(server);
		const rcode = rcodeOf(response);
		if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) throw new NoGoodAnswer(`code ${rcode}`);
		if (readRecords(response) === undefined) throw new NoGoodAnswer("malformed");
		return response;
	}
}
