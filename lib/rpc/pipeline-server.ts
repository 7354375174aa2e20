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
import { MAX_PIPELINED_BYTES, tooLarge } from "./limits.ts";
import { messageOf } from "./status.ts";

type Stream = ServerDuplexStream<PipelineRequest, PipelineResponse>;

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
	/** No call that is to be answered follows. */
	#isEnding = false;
	#isOver = false;

	constructor(stream: Stream, methods: ReadonlyMap<string, Answering>, to: Pick<Dispatch, "name" | "stopping">) {
		this.#stream = stream;
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
		this.#stream.on("data", (request: PipelineRequest) => this.#take(request));
		this.#stream.on("end", end);
		// Also told after a stream that ended well.
		this.#stream.on("cancelled", () => {
			this.#isOver = true;
			stopping.removeEventListener("abort", end);
			for (const call of this.#calls.values()) call.cancel();
		});
		if (stopping.aborted) end();
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
				if (response.length <= MAX_PIPELINED_BYTES) return this.#settle(id, call, { id, response, status: undefined });
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
		if (this.#isOver || this.#stream.write(response)) return;
		this.#stream.pause();
		this.#stream.once("drain", () => this.#stream.resume());
	}

	#endWhenDone(): void {
		if (this.#isOver || !this.#isEnding || this.#calls.size > 0) return;
		this.#isOver = true;
		this.#stream.end();
	}
}

function refusal(id: number, fault: Fault): PipelineResponse {
	return { id, response: Buffer.alloc(0), status: messageOf(fault) };
}
