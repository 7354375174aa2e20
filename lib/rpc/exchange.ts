/**
 * One request on the server: deadline, disconnect and shutdown become one AbortSignal, and its end one line of the log.
 */
import { randomBytes } from "node:crypto";
import type { EventEmitter } from "node:events";
import { Fault } from "#lib/fault/fault.ts";
import type { Log } from "#lib/log/log.ts";
import { methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";
import type { Call } from "./handler.ts";

/** What the four kinds of grpc-js's server calls have in common, as far as it is used. */
export interface ServerCall extends EventEmitter {
	getDeadline(): Date | number;
}

/** What all requests of a server share. */
export interface Surroundings {
	/** The service's name in sentences, as `netd`. */
	readonly name: string;
	readonly log: Log;
}

/** A longer timer would run at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** So long a request is on its way at most, as a rule: a client that leaves so shortly before the deadline does so because of it. */
const TRANSIT_MS = 100;
const MAX_REQUEST_ID = 128;
const PRINTABLE = /^[\x20-\x7e]*$/;

export class Exchange implements Call {
	readonly requestId: string;
	readonly #surroundings: Surroundings;
	readonly #method: string;
	readonly #stopping: AbortSignal;
	readonly #abort = new AbortController();
	readonly #startedAt = performance.now();
	readonly #deadlineTimer: NodeJS.Timeout | undefined;
	readonly #stop: () => void;
	#log: Log | undefined;
	#finished = false;

	/** `stopping` is aborted with a Fault when the server has no more time for this kind of request. */
	constructor(call: ServerCall, method: string, requestId: string, stopping: AbortSignal, surroundings: Surroundings) {
		this.#surroundings = surroundings;
		this.#method = method;
		this.#stopping = stopping;
		this.requestId = requestId !== "" && isRequestId(requestId) ? requestId : crypto.randomUUID();
		const remainingMs = Number(call.getDeadline()) - Date.now();
		if (Number.isFinite(remainingMs)) {
			// gRPC ends the call at its deadline by itself; the timer is for the signal, also where the client does not close its side.
			this.#deadlineTimer = setTimeout(() => this.#end(this.#late), Math.min(remainingMs, MAX_TIMER_MS));
		}
		// Also told after each request that went well. The client's clock of the deadline began before ours.
		const isLate = (): boolean => Number(call.getDeadline()) - Date.now() <= TRANSIT_MS;
		call.on("cancelled", () => this.#end(isLate() ? this.#late : this.#left));
		this.#stop = () => this.#end(() => stopping.reason as Fault); // serve.ts gives no other reason
		stopping.addEventListener("abort", this.#stop, { once: true });
		if (stopping.aborted) this.#stop();
	}

	get signal(): AbortSignal {
		return this.#abort.signal;
	}

	get log(): Log {
		this.#log ??= this.#surroundings.log.child({ method: this.#method, requestId: this.requestId });
		return this.#log;
	}

	/** The request is over. Gives the fault to answer with, made of whatever was thrown. */
	failed(error: unknown): Fault {
		const fault = this.faultFor(error);
		this.#finish(fault.code, fault.reason);
		return fault;
	}

	succeeded(): void {
		this.#finish("OK");
	}

	/** A Fault is itself; what an abort left behind is the reason for the abort; anything else is a bug, told to the log alone. */
	faultFor(error: unknown): Fault {
		if (error instanceof Fault) return error;
		const { signal } = this;
		if (signal.aborted && isAbort(error)) return signal.reason as Fault; // #end takes faults only
		return incident(error, this.#surroundings.name, this.log);
	}

	readonly #late = (): Fault => rpcFaults.DEADLINE_EXCEEDED({ method: methodName(this.#method) });
	readonly #left = (): Fault => rpcFaults.CANCELLED({ method: methodName(this.#method) });

	#end(why: () => Fault): void {
		if (!this.#finished) this.#abort.abort(why());
	}

	#finish(code: string, reason?: string): void {
		this.#finished = true;
		clearTimeout(this.#deadlineTimer);
		this.#stopping.removeEventListener("abort", this.#stop);
		const ms = Math.round((performance.now() - this.#startedAt) * 100) / 100;
		const { requestId } = this;
		this.#surroundings.log.info("request", { method: this.#method, requestId, code, ...(reason && { reason }), ms });
	}
}

/** Refuses ids that could not be stored or logged. Empty is allowed: the client will not repeat the request. */
export function checkRequestId(requestId: string): void {
	if (!isRequestId(requestId)) {
		throw rpcFaults.INVALID_REQUEST_ID({ length: String(requestId.length) }, { field: "request_id" });
	}
}

function isRequestId(requestId: string): boolean {
	return requestId.length <= MAX_REQUEST_ID && PRINTABLE.test(requestId);
}

/** The stack goes to the log under an id; the id is all that the caller hears. */
function incident(error: unknown, service: string, log: Log): Fault {
	const id = randomBytes(6).toString("hex");
	log.error("incident", { incident: id, err: error });
	return rpcFaults.INTERNAL({ service, incident: id }, { cause: error });
}

function isAbort(error: unknown): boolean {
	return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}
