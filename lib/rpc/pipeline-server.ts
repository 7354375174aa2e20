/**
 * The server's side of a pipeline: each message is a unary call, answered as such, and its outcome one message.
 *
 * A stopping server refuses what comes, answers what is under way, and only then ends the stream.
 */
import { EventEmitter } from "node:events";
import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { PipelineRequest, PipelineResponse } from "#gen/wharf/rpc/v1/pipeline.ts";
import type { Fault } from "#lib/fault/fault.ts";
import type { Answering, Dispatch } from "./dispatch.ts";
import type { ServerCall } from "./exchange.ts";
import { rpcFaults } from "./faults.ts";
import { Gathering } from "./gathering.ts";
import { MAX_PIPELINED_BYTES, tooLarge } from "./limits.ts";
import { messageOf } from "./status.ts";

type Stream = ServerDuplexStream<PipelineRequest, PipelineResponse>;
/** Each is parsed, and goes as far as it can without waiting. */
const BEGUN_AT_ONCE = 16;

/** `methods` by their paths. */
export function pipelineCall(
	methods: ReadonlyMap<string, Answering>,
	to: Pick<Dispatch, "name" | "stopping">,
): handleBidiStreamingCall<PipelineRequest, PipelineResponse> {
	return (stream) => new PipelineServer(stream, methods, to).serve();
}

/** What a call of its own would be to its exchange. */
class PipelinedCall extends EventEmitter implements ServerCall {
	readonly #deadline: number;

	constructor(timeoutMs: number) {
		super();
		this.#deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
	}

	getDeadline(): number {
		return this.#deadline;
	}

	cancel(): void {
		this.emit("cancelled");
	}
}

class PipelineServer {
	readonly #stream: Stream;
	readonly #methods: ReadonlyMap<string, Answering>;
	readonly #to: Pick<Dispatch, "name" | "stopping">;
	readonly #calls = new Map<number, PipelinedCall>();
	readonly #responses: Gathering<PipelineResponse>;
	readonly #due: PipelineRequest[] = [];
	#gathers = false;
	/** No call that is to be answered follows. */
	#isEnding = false;
	#isOver = false;

	constructor(stream: Stream, methods: ReadonlyMap<string, Answering>, to: Pick<Dispatch, "name" | "stopping">) {
		this.#stream = stream;
		this.#responses = new Gathering({
			write: (response, left) => this.#send(response, left),
			sizeOf: ({ response }) => response.length,
		});
		this.#methods = methods;
		this.#to = to;
	}

	serve(): void {
		const { stopping } = this.#to;
		const end = (): void => {
			this.#isEnding = true;
			this.#endWhenDone();
		};
		stopping.addEventListener("abort", end, { once: true });
		this.#stream.on("data", (request: PipelineRequest) => {
			this.#gathers ||= request.gathers;
			this.#begin(request, ...request.also);
		});
		this.#stream.on("end", end);
		// Also told after a stream that ended well.
		this.#stream.on("cancelled", () => {
			this.#isOver = true;
			this.#due.length = 0;
			stopping.removeEventListener("abort", end);
			for (const call of this.#calls.values()) call.cancel();
		});
		if (stopping.aborted) end();
	}

	/** In their order, a few in a turn of the loop: what else is due does not wait for all that came together. */
	#begin(...requests: readonly PipelineRequest[]): void {
		const isBusy = this.#due.length > 0;
		this.#due.push(...requests);
		if (!isBusy) this.#beginSome();
	}

	#beginSome(): void {
		for (const request of this.#due.slice(0, BEGUN_AT_ONCE)) this.#take(request);
		this.#due.splice(0, BEGUN_AT_ONCE);
		if (this.#due.length > 0) setImmediate(() => this.#beginSome());
		else this.#endWhenDone();
	}

	#take({ id, method, request, timeoutMs, cancel }: PipelineRequest): void {
		const present = this.#calls.get(id);
		if (cancel) {
			this.#calls.delete(id);
			present?.cancel();
			this.#endWhenDone();
			return;
		}
		if (present !== undefined) return this.#refuse(id, rpcFaults.PIPELINE_ID_IN_USE({ id: String(id) }));
		const answering = this.#methods.get(method);
		if (answering === undefined) {
			return this.#refuse(id, rpcFaults.UNKNOWN_METHOD({ service: this.#to.name, method }, { field: "method" }));
		}
		const call = new PipelinedCall(timeoutMs);
		this.#calls.set(id, call);
		answering(request, call, {
			give: (response) => {
				if (response.length <= MAX_PIPELINED_BYTES)
					return this.#settle(id, call, { id, response, status: undefined, also: [] });
				this.#settle(id, call, refusal(id, tooLarge(method)));
			},
			refuse: (fault) => this.#settle(id, call, refusal(id, fault)),
		});
	}

	/** Nothing is said of a call that was given up, though another one have its id by now. */
	#settle(id: number, call: PipelinedCall, response: PipelineResponse): void {
		if (this.#calls.get(id) !== call) return;
		this.#calls.delete(id);
		this.#write(response);
		this.#endWhenDone();
	}

	#refuse(id: number, fault: Fault): void {
		this.#write(refusal(id, fault));
	}

	/** A client that does not read is not read. */
	#write(response: PipelineResponse): void {
		if (this.#isOver) return;
		this.#responses.push(response);
		if (this.#responses.isFull) this.#stream.pause();
	}

	#send(message: PipelineResponse, left: () => void): void {
		const done = (): void => {
			if (this.#stream.isPaused()) this.#stream.resume();
			left();
		};
		const messages = this.#gathers ? [message] : [{ ...message, also: [] }, ...message.also];
		for (const [index, one] of messages.entries())
			this.#stream.write(one, index === messages.length - 1 ? done : undefined);
	}

	#endWhenDone(): void {
		if (this.#isOver || !this.#isEnding || this.#calls.size + this.#due.length > 0) return;
		this.#isOver = true;
		this.#responses.flush();
		this.#stream.end();
	}
}

function refusal(id: number, fault: Fault): PipelineResponse {
	return { id, response: Buffer.alloc(0), status: messageOf(fault), also: [] };
}
