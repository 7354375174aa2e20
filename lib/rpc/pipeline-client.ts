/**
 * The client's side of a pipeline: unary calls as messages of one stream that stays open, each with its own end.
 *
 * What breaks the stream breaks every call under way, as a connection that breaks would; the next call opens another.
 */
import { type ClientDuplexStream, type Client as GrpcClient, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type PipelineRequest, type PipelineResponse, PipelineServiceService } from "#gen/wharf/rpc/v1/pipeline.ts";
import { type Fault, isFault } from "#lib/fault/fault.ts";
import { cancelledBy } from "./cancelled.ts";
import { type AnyMethod, methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";
import { Gathering } from "./gathering.ts";
import { MAX_PIPELINED_BYTES, tooLarge } from "./limits.ts";
import { faultIn } from "./status.ts";

export interface UnaryCall {
	readonly method: AnyMethod;
	readonly request: unknown;
	/** Milliseconds since the epoch. */
	readonly deadline: number;
	readonly signal: AbortSignal | undefined;
}

/** What the transport's errors are called: a connection knows whom it is to. */
export type Naming = (path: string, error: ServiceError) => Fault;

/** The service is there and has no pipeline: it is of another version, or not of ours. */
export class NoPipelineError extends Error {}

const { path, requestSerialize, responseDeserialize } = PipelineServiceService.pipeline;
const NOTHING = Buffer.alloc(0);
/** Of every request. */
const COMMON = { also: [], gathers: true };

export class PipelineClient {
	readonly #stream: ClientDuplexStream<PipelineRequest, PipelineResponse>;
	readonly #naming: Naming;
	readonly #requests: Gathering<PipelineRequest>;
	readonly #calls = new Map<number, PendingCall>();
	#lastId = 0;
	#isEnding = false;
	#isOver = false;

	constructor(grpc: GrpcClient, naming: Naming) {
		this.#naming = naming;
		this.#stream = grpc.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
		this.#requests = new Gathering({
			write: (request, left) => this.#stream.write(request, left),
			sizeOf: ({ request }) => request.length,
		});
		this.#stream.on("data", (response: PipelineResponse) => {
			for (const one of [response, ...response.also]) this.#take(one);
		});
		this.#stream.on("error", (error) => this.#break(error as ServiceError)); // grpc-js's streams emit no other
		this.#stream.on("end", () => this.#break(ended()));
	}

	/** False when a call needs another one. */
	get isOpen(): boolean {
		return !this.#isOver && !this.#isEnding;
	}

	/** Resolves with the response message; rejects as a call of its own would, or with a NoPipelineError. */
	call(call: UnaryCall): Promise<unknown> {
		return new Promise((resolve, reject) => {
			const { method, request, deadline, signal } = call;
			if (signal?.aborted) return reject(cancelledBy(signal, method.path));
			const bytes = method.requestSerialize(request);
			if (bytes.length > MAX_PIPELINED_BYTES) return reject(tooLarge(method.path));
			const id = this.#nextId();
			const timeoutMs = Math.max(1, deadline - Date.now());
			const pending = new PendingCall(call, timeoutMs, {
				resolve,
				reject,
				giveUp: () => this.#requests.push({ ...COMMON, id, method: "", request: NOTHING, timeoutMs: 0, cancel: true }),
				over: () => {
					this.#calls.delete(id);
					this.#endWhenDone();
				},
			});
			this.#calls.set(id, pending);
			this.#requests.push({ ...COMMON, id, method: method.path, request: bytes, timeoutMs, cancel: false });
		});
	}

	/** Calls under way are still answered. */
	end(): void {
		this.#isEnding = true;
		this.#endWhenDone();
	}

	#take(response: PipelineResponse): void {
		const call = this.#calls.get(response.id);
		if (call === undefined) return; // it was given up
		if (response.status === undefined) return call.answer(response.response);
		const fault = faultIn(response.status);
		const isUnknown = isFault(fault, "UNKNOWN_METHOD") && fault.domain === "rpc";
		call.fail(fault === undefined || isUnknown ? this.#naming(call.path, unexplained(response.status)) : fault);
	}

	#break(error: ServiceError): void {
		this.#isOver = true;
		for (const call of [...this.#calls.values()]) {
			const isMissing = error.code === status.UNIMPLEMENTED;
			call.fail(isMissing ? new NoPipelineError() : this.#naming(call.path, error));
		}
	}

	#endWhenDone(): void {
		if (!this.#isEnding || this.#isOver || this.#calls.size > 0) return;
		this.#requests.flush();
		this.#stream.end();
	}

	#nextId(): number {
		do this.#lastId = (this.#lastId + 1) % 2 ** 32;
		while (this.#calls.has(this.#lastId));
		return this.#lastId;
	}
}

interface Ends {
	resolve(response: unknown): void;
	reject(error: unknown): void;
	/** The service is told that nobody waits any more. */
	giveUp(): void;
	/** There is one call less. */
	over(): void;
}

/** One call from its sending to its one end: answer, fault, deadline or the caller's signal, whichever is first. */
class PendingCall {
	readonly #call: UnaryCall;
	readonly #ends: Ends;
	readonly #late: NodeJS.Timeout;
	readonly #cancel: () => void;

	constructor(call: UnaryCall, timeoutMs: number, ends: Ends) {
		const { method, signal } = call;
		this.#call = call;
		this.#ends = ends;
		// The service has been told when, and ends it by itself.
		this.#late = setTimeout(
			() => this.fail(rpcFaults.DEADLINE_EXCEEDED({ method: methodName(method.path) })),
			timeoutMs,
		);
		this.#cancel = () => {
			ends.giveUp();
			this.fail(signal && cancelledBy(signal, method.path));
		};
		signal?.addEventListener("abort", this.#cancel, { once: true });
	}

	get path(): string {
		return this.#call.method.path;
	}

	answer(response: Buffer): void {
		this.#over();
		try {
			this.#ends.resolve(this.#call.method.responseDeserialize(response));
		} catch (error) {
			this.#ends.reject(error);
		}
	}

	fail(error: unknown): void {
		this.#over();
		this.#ends.reject(error);
	}

	#over(): void {
		clearTimeout(this.#late);
		this.#call.signal?.removeEventListener("abort", this.#cancel);
		this.#ends.over();
	}
}

/** A stream that the service ended in good order is over for the calls under way all the same. */
function ended(): ServiceError {
	return serviceError(status.UNAVAILABLE, "the service ended the pipeline");
}

/** A status without details of ours: a service of wharf's has them but where it does not know the method. */
function unexplained({ code, message }: { readonly code: number; readonly message: string }): ServiceError {
	const isUnknown = code === (status.UNIMPLEMENTED as number);
	return serviceError(isUnknown ? status.UNIMPLEMENTED : status.UNKNOWN, message);
}

function serviceError(code: status, details: string): ServiceError {
	return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}
