/**
 * A server that is asked: how it is asked, what of its answers is worth giving, and what it did lately.
 */
import { randomInt } from "node:crypto";
import { RCODE } from "../protocol.ts";
import type { Query } from "../query.ts";
import { overTcp, overUdp } from "./exchange.ts";
import { Health } from "./health.ts";
import { rcodeOf } from "../wire.ts";
import { isTruncated, requestOf } from "./request.ts";
import { parseResponse, type Response } from "./response.ts";
import { type Server, serverText } from "./server.ts";
import { type Witness, witness } from "./witness.ts";

export interface AskSettings {
	/** After which a server counts as silent. */
	readonly silentMs: number;
	/** Names are asked in random case, and must come back in it. */
	readonly randomCase: boolean;
}

export interface UpstreamStatus {
	/** Its address; with the port where that is not 53. */
	readonly server: string;
	/** Questions sent, those over TCP and those asked again included. */
	readonly queries: number;
	/** That were worth giving. */
	readonly answers: number;
	/** Errors, malformed answers, refusals of the kernel, connections that were closed. */
	readonly failures: number;
	/** Times that it kept silent for as long as is waited; of several questions at a time one counts. */
	readonly timeouts: number;
	readonly tcpRetries: number;
	/** Undefined before the first answer. */
	readonly smoothedRttMs: number | undefined;
	/** Until then it is asked only when the others have not answered. */
	readonly backOffUntil: Date | undefined;
}

const ID_COUNT = 0x1_0000;
/** For how long a server without EDNS is asked without. */
const PLAIN_MS = 600_000;

class NoGoodAnswer extends Error {}

export class Upstream {
	readonly server: Server;
	readonly health = new Health();
	readonly #settings: AskSettings;
	readonly #counts = { queries: 0, answers: 0, failures: 0, timeouts: 0, tcpRetries: 0 };
	#isWatched = false;
	#plainUntilMs = 0;

	constructor(server: Server, settings: AskSettings) {
		this.server = server;
		this.#settings = settings;
	}

	/** Rejects when there is no good answer, or with the signal's reason. */
	async ask(query: Query, signal: AbortSignal): Promise<Response> {
		try {
			const response = parseResponse(await this.#askInTurn(query, signal), query);
			if (response === undefined) throw new NoGoodAnswer("an error, or malformed");
			this.#counts.answers += 1;
			return response;
		} catch (error) {
			if (!signal.aborted) this.#counts.failures += 1;
			throw error;
		}
	}

	/** Asks to see whether it answers; nobody waits for that. Nothing happens while something else will tell. */
	probe(query: Query): void {
		if (!this.#isWatched) this.#overUdp(query, query.edns, AbortSignal.abort()).catch(() => undefined);
	}

	status(): UpstreamStatus {
		const { smoothedMs, backOffMs } = this.health;
		const backOffUntil = backOffMs > 0 ? new Date(Date.now() + backOffMs) : undefined;
		return { server: serverText(this.server), ...this.#counts, smoothedRttMs: smoothedMs, backOffUntil };
	}

	/** With EDNS where the client has it, and without where the server does not know that (RFC 6891 §6.2.2, §7). */
	async #askInTurn(query: Query, signal: AbortSignal): Promise<Buffer> {
		const edns = query.edns && performance.now() >= this.#plainUntilMs;
		const response = await this.#exchange(query, edns, signal);
		const rcode = rcodeOf(response);
		if (!edns || (rcode !== RCODE.FORMERR && rcode !== RCODE.NOTIMP)) return response;
		signal.throwIfAborted();
		const plain = await this.#exchange(query, false, signal);
		if (rcodeOf(plain) !== rcode) this.#plainUntilMs = performance.now() + PLAIN_MS;
		return plain;
	}

	async #exchange(query: Query, edns: boolean, signal: AbortSignal): Promise<Buffer> {
		const response = await this.#overUdp(query, edns, signal);
		if (!isTruncated(response)) return response;
		// It was a witness to the last, and nobody waits for more.
		signal.throwIfAborted();
		this.#counts.queries += 1;
		this.#counts.tcpRetries += 1;
		const whole = await overTcp(this.server, this.#requestOf(query, edns), signal);
		if (isTruncated(whole)) throw new NoGoodAnswer("cut over TCP as well");
		return whole;
	}

	async #overUdp(query: Query, edns: boolean, race: AbortSignal): Promise<Buffer> {
		using watch = this.#watch(race);
		this.#counts.queries += 1;
		const askedAtMs = performance.now();
		const { randomCase } = this.#settings;
		try {
			const response = await overUdp(this.server, this.#requestOf(query, edns), watch.signal, randomCase);
			this.health.answered(performance.now() - askedAtMs);
			return response;
		} catch (error) {
			if (!watch.signal.aborted) this.health.failed();
			throw error;
		}
	}

	/** The first of several questions is the one that tells whether the server lives. */
	#watch(race: AbortSignal): Witness {
		if (this.#isWatched) return { signal: race, [Symbol.dispose]: () => undefined };
		this.#isWatched = true;
		let isMine = true;
		const release = (): void => {
			if (isMine) this.#isWatched = false;
			isMine = false;
		};
		const watch = witness(race, this.#settings.silentMs, () => {
			release();
			this.#counts.timeouts += 1;
			this.health.failed();
		});
		const dispose = (): void => {
			watch[Symbol.dispose]();
			release();
		};
		return { signal: watch.signal, [Symbol.dispose]: dispose };
	}

	#requestOf(query: Query, edns: boolean): Buffer {
		return requestOf(query, { id: randomInt(ID_COUNT), edns, randomCase: this.#settings.randomCase });
	}
}
