/**
 * Typed clients of any service definition: promises for unary calls, async iterables for streams, Faults for errors.
 *
 * Loads neither health nor reflection nor their loaders: the command line starts with this. Requests are whole messages;
 * `CreateNetworkRequest.fromPartial({ … })` fills in what is not said.
 */
import type { Address } from "./address.ts";
import { openStream } from "./client-stream.ts";
import { cancelledBy } from "./cancelled.ts";
import { Connection } from "./connection.ts";
import type { AnyMethod, Definition, RequestOf, ResponseOf } from "./definition.ts";
import { NoPipelineError, type UnaryCall } from "./pipeline-client.ts";
import { DEFAULT_RETRY, type Retry, retrying } from "./retry.ts";

export type { Address } from "./address.ts";

export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
	/** For the whole call with its retries. Unary calls have 10 s unless told otherwise, streams no end. */
	readonly timeoutMs?: number | undefined;
}

export interface ClientOptions {
	/** Of unary calls that do not say. */
	readonly timeoutMs?: number;
	/** Of calls with a request id that nobody answered. */
	readonly retry?: Retry;
	/** Calls without a request id are repeated as well: all that this client makes of them only read. */
	readonly readsAgain?: boolean;
	/**
	 * Unary calls share one stream, which takes a third of a call's processor time; where the service has no such thing they have
	 * one each. Holds the process until `close()`.
	 */
	readonly pipeline?: boolean;
}

type MethodOf<M> = M extends { readonly requestStream: true }
	? (
			requests: AsyncIterable<RequestOf<M>>,
			options?: CallOptions,
		) => M extends { readonly responseStream: true } ? AsyncGenerator<ResponseOf<M>> : Promise<ResponseOf<M>>
	: (
			request: RequestOf<M>,
			options?: CallOptions,
		) => M extends { readonly responseStream: true } ? AsyncGenerator<ResponseOf<M>> : Promise<ResponseOf<M>>;

/** A stream begins when it is iterated and is cancelled when the iteration ends. After `close()` running calls still end by themselves. */
export type ClientOf<D> = { readonly [K in keyof D]: MethodOf<D[K]> } & Disposable & { close(): void };

const DEFAULT_TIMEOUT_MS = 10_000;

/** Connects at the first call, and again after a failure. Cheap to make; one per definition and address is enough. */
export function client<const D extends Definition>(
	definition: D,
	address: Address,
	options: ClientOptions = {},
): ClientOf<D> {
	const connection = new Connection(address);
	const methods = Object.entries(definition).map(([name, method]) => [name, callOf(connection, method, options)]);
	const close = () => connection.close();
	// One function per key of D, each of the kind that MethodOf says.
	return { ...Object.fromEntries(methods), close, [Symbol.dispose]: close } as ClientOf<D>;
}

type Messages = AsyncIterable<unknown>;

function callOf(
	connection: Connection,
	method: AnyMethod,
	{ timeoutMs, retry = DEFAULT_RETRY, readsAgain = false, pipeline = false }: ClientOptions,
) {
	if (!method.requestStream && !method.responseStream) {
		const once = pipeline ? pipelinedCaller(connection) : (call: UnaryCall) => callOnce(connection, call);
		return (request: unknown, options: CallOptions = {}) => {
			const limitMs = options.timeoutMs ?? timeoutMs ?? DEFAULT_TIMEOUT_MS;
			const deadline = Date.now() + limitMs;
			const attempt = () => once({ method, request, deadline, signal: options.signal });
			if (!readsAgain && !hasRequestId(request)) return attempt();
			return retrying(attempt, retry, deadline, options.signal, () => connection.mayAnswer);
		};
	}
	if (!method.requestStream) {
		return (request: unknown, options: CallOptions = {}) => openStream(connection, method, { request }, options);
	}
	if (method.responseStream) {
		return (requests: Messages, options: CallOptions = {}) => openStream(connection, method, { requests }, options);
	}
	return async (requests: Messages, options: CallOptions = {}) => {
		let last: unknown;
		for await (const response of openStream(connection, method, { requests }, options)) last = response;
		return last;
	};
}

function pipelinedCaller(connection: Connection): (call: UnaryCall) => Promise<unknown> {
	let isServed = true;
	return async (call) => {
		try {
			if (isServed) return await connection.pipeline.call(call);
		} catch (error) {
			if (!(error instanceof NoPipelineError)) throw error;
			isServed = false;
		}
		return await callOnce(connection, call);
	};
}

function callOnce(connection: Connection, { method, request, deadline, signal }: UnaryCall): Promise<unknown> {
	const { path, requestSerialize, responseDeserialize } = method;
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(cancelledBy(signal, path));
		const { grpc } = connection;
		const call = grpc.makeUnaryRequest<unknown, unknown>(
			path,
			requestSerialize,
			responseDeserialize,
			request,
			{ deadline },
			(error, response) => {
				signal?.removeEventListener("abort", cancel);
				if (!error) resolve(response);
				else reject(signal?.aborted ? cancelledBy(signal, path) : connection.failed(grpc, path, error));
			},
		);
		const cancel = () => call.cancel();
		signal?.addEventListener("abort", cancel, { once: true });
	});
}

function hasRequestId(request: unknown): boolean {
	return typeof request === "object" && request !== null && "requestId" in request && request.requestId !== "";
}
