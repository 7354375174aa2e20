/**
 * The questions that upstreams are asked now: each once, whoever asks, and no sandbox has more than its share of places.
 *
 * A place is taken until its question is decided, even when the client has been given something older meanwhile.
 */
import type { Query } from "../query.ts";
import { type Pace, race } from "./race.ts";
import { lasting } from "./request.ts";
import type { Response } from "./response.ts";
import type { Server } from "./server.ts";
import type { Upstreams } from "./upstreams.ts";

export interface FlightSettings {
	readonly pace: Pace;
	/** Queries of one sandbox that wait for an upstream; more are SERVFAIL at once. */
	readonly inFlightPerSandbox: number;
	/** Questions that upstreams are asked at once, by all: each has sockets of its own. */
	readonly inFlight: number;
}

/** Undefined when nobody had a good answer; it never rejects. */
export type Flight = Promise<Response | undefined>;

export class Flights {
	readonly #settings: FlightSettings;
	readonly #upstreams: Upstreams;
	readonly #onResponse: (key: string, response: Response) => void;
	readonly #flights = new Map<string, Flight>();
	readonly #waiting = new Map<string, number>();
	/** In the air, with those that nobody boards any more. */
	#size = 0;

	/** `onResponse` hears of each good answer once, before those who wait for it. */
	constructor(settings: FlightSettings, upstreams: Upstreams, onResponse: (key: string, response: Response) => void) {
		this.#settings = settings;
		this.#upstreams = upstreams;
		this.#onResponse = onResponse;
	}

	get size(): number {
		return this.#size;
	}

	/** Nobody boards those that are in the air any more, and nobody hears of their answers but who waits for them. */
	forget(): void {
		this.#flights.clear();
	}

	/** The flight that answers the question, with a place in it; undefined when there is none to be had. */
	board(key: string, query: Query, servers: readonly Server[], sandboxId: string): Flight | undefined {
		const waiting = this.#waiting.get(sandboxId) ?? 0;
		if (waiting >= this.#settings.inFlightPerSandbox) return undefined;
		const flight = this.#flights.get(key) ?? this.#begin(key, query, servers);
		if (flight === undefined) return undefined;
		this.#waiting.set(sandboxId, waiting + 1);
		void flight.finally(() => this.#leave(sandboxId));
		return flight;
	}

	#begin(key: string, query: Query, servers: readonly Server[]): Flight | undefined {
		if (this.#size >= this.#settings.inFlight) return undefined;
		this.#size += 1;
		const flight: Flight = this.#fly(lasting(query), servers).then((response) => {
			this.#size -= 1;
			if (this.#flights.get(key) !== flight) return response;
			this.#flights.delete(key);
			if (response !== undefined) this.#onResponse(key, response);
			return response;
		});
		this.#flights.set(key, flight);
		return flight;
	}

	#fly(query: Query, servers: readonly Server[]): Flight {
		const { pace } = this.#settings;
		const upstreams = this.#upstreams.inOrder(servers);
		// The first is asked in any case.
		for (const upstream of upstreams.slice(1)) if (upstream.health.isProbeDue) upstream.probe(query);
		return race(upstreams, {
			...pace,
			hedgeMs: ({ health }) => health.hedgeMs(pace.hedgeMs),
			attempt: (upstream, signal) => upstream.ask(query, signal),
			onLate: ({ health }, askedAtMs) => health.late(askedAtMs),
		});
	}

	#leave(sandboxId: string): void {
		const waiting = (this.#waiting.get(sandboxId) ?? 1) - 1;
		if (waiting === 0) this.#waiting.delete(sandboxId);
		else this.#waiting.set(sandboxId, waiting);
	}
}
