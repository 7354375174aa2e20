/**
 * Asks other resolvers what is not known here. Every query gets an answer in bounded time: what an upstream said, or SERVFAIL.
 *
 * The same question of several clients is asked once (which also ends a loop through a forwarder that asks us). REFUSED becomes
 * SERVFAIL: musl ignores REFUSED and would wait out its five seconds.
 */
import { refusal, type Transport } from "../answer.ts";
import { RCODE } from "../protocol.ts";
import type { Query } from "../query.ts";
import { Cache, type CacheStatus, type Kept } from "./cache.ts";
import { type Flight, Flights, type FlightSettings } from "./flights.ts";
import { replyTo } from "./reply.ts";
import { lasting, sameQuestion } from "./request.ts";
import { type Server, serverText } from "./server.ts";
import type { UpstreamStatus } from "./upstream.ts";
import { Upstreams } from "./upstreams.ts";

export interface ForwarderSettings extends FlightSettings {
	readonly cacheBytes: number;
	/** For how long an answer that does not hold any more is given when there is no better one (RFC 8767); 0 unless given. */
	readonly serveStaleMs?: number;
	/** Names are asked in random case; not unless given. */
	readonly randomCase?: boolean;
}

export interface ForwarderStatus {
	/** In the order in which they were first asked. */
	readonly upstreams: readonly UpstreamStatus[];
	/** With the number of answers that did not hold any more when they were given. */
	readonly cache: CacheStatus & { readonly stale: number };
	/** Questions that upstreams are asked now. */
	readonly inFlight: number;
}

const FOREVER = Number.POSITIVE_INFINITY;
/** RFC 8767 §5: a client is not kept waiting for longer where there is something to give. */
const CLIENT_RESPONSE_MS = 1_800;

export class Forwarder {
	readonly #cache: Cache;
	readonly #upstreams: Upstreams;
	readonly #flights: Flights;
	readonly #texts = new WeakMap<readonly Server[], string>();
	#stale = 0;

	constructor(settings: ForwarderSettings) {
		const { pace, cacheBytes, serveStaleMs = 0, randomCase = false } = settings;
		this.#cache = new Cache(cacheBytes, serveStaleMs);
		this.#upstreams = new Upstreams({ silentMs: pace.againMs, randomCase });
		this.#flights = new Flights(settings, this.#upstreams, (key, response) => this.#cache.keep(key, response));
	}

	/**
	 * At once when the answer is kept or there will be none; never rejects. The query's packet is not read after it has returned;
	 * the list of servers must not change. `mostNegativeSeconds`: for how long at most a client may believe that the name does not
	 * exist, where it may come to exist here.
	 */
	forward(
		query: Query,
		transport: Transport,
		servers: readonly Server[],
		sandboxId: string,
		mostNegativeSeconds = FOREVER,
	): Buffer | Promise<Buffer> {
		if (servers.length === 0) return refusal(query, RCODE.SERVFAIL);
		const key = this.#textOf(servers) + sameQuestion(query);
		const kept = this.#cache.find(key, mostNegativeSeconds);
		if (kept?.state === "fresh") return replyTo(query, kept.response, transport, kept);
		const flight = kept?.state === "resting" ? undefined : this.#flights.board(key, query, servers, sandboxId);
		if (flight === undefined) return this.#withoutNews(query, kept, transport);
		const asked = lasting(query);
		const inTime = kept === undefined ? flight : this.#soon(key, flight);
		return inTime.then((response) =>
			response === undefined
				? this.#withoutNews(asked, kept, transport)
				: replyTo(asked, response, transport, { ageSeconds: 0, mostSeconds: FOREVER, mostNegativeSeconds }),
		);
	}

	/** Forgets every answer, and says how many that were. */
	flush(): number {
		this.#flights.forget();
		return this.#cache.flush();
	}

	status(): ForwarderStatus {
		return {
			upstreams: this.#upstreams.status(),
			cache: { ...this.#cache.status(), stale: this.#stale },
			inFlight: this.#flights.size,
		};
	}

	#withoutNews(query: Query, kept: Kept | undefined, transport: Transport): Buffer {
		if (kept === undefined) return refusal(query, RCODE.SERVFAIL);
		this.#stale += 1;
		return replyTo(query, kept.response, transport, kept);
	}

	/** What comes of the flight while a client waits that could have something older. */
	async #soon(key: string, flight: Flight): Flight {
		let timer: NodeJS.Timeout | undefined;
		const patience = new Promise<undefined>((resolve) => {
			timer = setTimeout(() => resolve(undefined), CLIENT_RESPONSE_MS);
		});
		const response = await Promise.race([flight, patience]);
		clearTimeout(timer);
		if (response === undefined) this.#cache.rest(key);
		return response;
	}

	/** Ends where the question begins: no server's text has a space. */
	#textOf(servers: readonly Server[]): string {
		let text = this.#texts.get(servers);
		if (text === undefined) {
			text = `${servers.map(serverText).join(",")} `;
			this.#texts.set(servers, text);
		}
		return text;
	}
}
