/** From grpc-js's four kinds of server call to the handlers, and back. */
import { setImmediate as turn } from "node:timers/promises";
import type {
	handleBidiStreamingCall,
	handleServerStreamingCall,
	handleUnaryCall,
	ServerDuplexStream,
	UntypedHandleCall,
} from "@grpc/grpc-js";
import { Fault } from "#lib/fault/fault.ts";
import type { Statement } from "#lib/store/statement.ts";
import { canonical } from "./canonical.ts";
import { type AnyMethod, methodName } from "./definition.ts";
import { checkRequestId, Exchange, type ServerCall, type Surroundings } from "./exchange.ts";
import { rpcFaults } from "./faults.ts";
import type { AnyHandler, BidiHandler, MutationHandler, ServerStreamHandler, UnaryHandler } from "./handler.ts";
import { pour } from "./pour.ts";
import type { ReplayTable } from "./replay.ts";
import { statusOf } from "./status.ts";

export interface Dispatch extends Surroundings {
	readonly replays: ReplayTable;
	/** What has to end before the process may: handlers that still run, also where their caller has gone. */
	readonly running: Set<Promise<void>>;
	/** Aborted with a Fault as soon as the server stops: no new request, and streams end. */
	readonly stopping: AbortSignal;
	/** Aborted with a Fault when what still runs has had its time. */
	readonly expired: AbortSignal;
}

/** Messages are of the type that the method's own serializers take; `implement` has checked the handler against them. */
type Message = unknown;

/**
 * The method as grpc-js is to see it. Requests are decoded after it, and responses serialized before it gets them: one that cannot be
 * is a failure like any other. A client stream is answered as if it were bidi, which is the same on the wire.
 */
export function wireMethod(method: AnyMethod): AnyMethod {
	return {
		...method,
		requestDeserialize: (bytes: Buffer) => bytes,
		responseSerialize: (bytes: Buffer) => bytes,
		responseStream: method.responseStream || method.requestStream,
	};
}

export function dispatch(method: AnyMethod, handler: AnyHandler, to: Dispatch): UntypedHandleCall {
	if (handler.kind === "serverStream") return serverStreamCall(method, handler, to);
	if (handler.kind === "bidi") return bidiCall(method, handler, to);
	const answer = answering(method, handler, to);
	const unaryCall: handleUnaryCall<Buffer, Buffer> = (call, callback) =>
		answer(call.request, call, {
			give: (response) => callback(null, response),
			refuse: (fault) => callback(statusOf(fault)),
		});
	return unaryCall;
}

/** Where the one outcome of a unary call goes. */
export interface Outcome {
	give(response: Buffer): void;
	refuse(fault: Fault): void;
}

/** A unary method: whatever brings the bytes of a request has one outcome. */
export type Answering = (bytes: Buffer, call: ServerCall, outcome: Outcome) => void;

export function answering(
	method: AnyMethod,
	handler: UnaryHandler<Message, Message> | MutationHandler<{ requestId: string }, Message>,
	to: Dispatch,
): Answering {
	const answer = handler.kind === "unary" ? unaryAnswer(method, handler) : mutationAnswer(method, handler, to);
	return (bytes, call, { give, refuse }) => {
		const received = decode(method, bytes);
		const exchange = new Exchange(call, method.path, requestIdOf(received), to.expired, to);
		conduct(to, exchange, async () => give(await answer(whole(received), exchange)), refuse);
	};
}

type Answer = (request: Message, exchange: Exchange) => Promise<Buffer>;

function unaryAnswer({ responseSerialize }: AnyMethod, handler: UnaryHandler<Message, Message>): Answer {
	return async (request, exchange) => responseSerialize(await handler.handle(request, exchange));
}

function mutationAnswer(
	{ path, requestSerialize, responseSerialize }: AnyMethod,
	handler: MutationHandler<{ requestId: string }, Message>,
	to: Dispatch,
): Answer {
	return async (message, exchange) => {
		const request = message as { requestId: string }; // `HandlerOf` gives mutations to requests with an id only
		checkRequestId(request.requestId);
		const { requestId } = request;
		const body = () => requestSerialize(canonical(request));
		const work = async (signal: AbortSignal, keep: (bytes: Uint8Array) => Statement[]) => {
			const own = { signal, requestId: exchange.requestId, log: exchange.log };
			try {
				return responseSerialize(await handler.handle(request, own, (result) => keep(responseSerialize(result))));
			} catch (error) {
				throw exchange.faultFor(error); // here, so that all who joined hear of one incident
			}
		};
		const bytes = await to.replays.perform({ method: path, requestId, body, signal: exchange.signal, work });
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	};
}

function serverStreamCall(
	method: AnyMethod,
	handler: ServerStreamHandler<Message, Message>,
	to: Dispatch,
): handleServerStreamingCall<Buffer, Buffer> {
	const { path, responseSerialize } = method;
	return (call) => {
		const request = decode(method, call.request);
		const requestId = requestIdOf(request);
		const exchange = new Exchange(call, path, requestId, to.stopping, to);
		const answer = async () => {
			checkRequestId(requestId);
			await pour(handler.handle(whole(request), exchange), call, exchange.signal, responseSerialize);
			call.end();
		};
		conduct(to, exchange, answer, (fault) => call.emit("error", statusOf(fault)));
	};
}

function bidiCall(
	method: AnyMethod,
	handler: BidiHandler<Message, Message>,
	to: Dispatch,
): handleBidiStreamingCall<Buffer, Buffer> {
	const { path, responseStream, responseSerialize } = method;
	return (call) => {
		const exchange = new Exchange(call, path, "", to.stopping, to);
		const answer = async () => {
			const responses = handler.handle(requests(method, call, exchange.signal), exchange);
			await pour(responseStream ? responses : last(responses), call, exchange.signal, responseSerialize);
			call.end();
		};
		conduct(to, exchange, answer, (fault) => call.emit("error", statusOf(fault)));
	};
}

/** Runs one request to its end: exactly one answer or one refusal, one line of the log, and nobody is left out of the drain. */
function conduct(to: Dispatch, exchange: Exchange, answer: () => Promise<void>, refuse: (fault: Fault) => void): void {
	const run = async () => {
		try {
			to.stopping.throwIfAborted();
			await answer();
			exchange.succeeded();
		} catch (error) {
			refuse(exchange.failed(error));
		}
	};
	const running = run();
	to.running.add(running);
	void running.finally(() => to.running.delete(running));
}

/** What the client sends, read as it is asked for. A handler may stop reading and go on answering. */
async function* requests(
	method: AnyMethod,
	call: ServerDuplexStream<Buffer, Buffer>,
	signal: AbortSignal,
): AsyncGenerator {
	try {
		for await (const bytes of call.iterator({ destroyOnReturn: false })) yield whole(decode(method, bytes));
		// A client that goes away looks at first like one that has said everything: the reset is told after the end, in the same turn.
		await turn();
		signal.throwIfAborted();
	} catch (error) {
		signal.throwIfAborted();
		throw error;
	}
}

/** The single response of a client stream is the handler's last. */
async function* last(responses: AsyncIterable<Message>): AsyncGenerator {
	let found: { readonly response: Message } | undefined;
	for await (const response of responses) found = { response };
	if (found) yield found.response;
}

/** A request that cannot be decoded is its refusal, which is told where every other one is. */
function decode<M = Message>({ path, requestDeserialize }: AnyMethod, bytes: Buffer): M | Fault {
	try {
		return requestDeserialize(bytes);
	} catch (error) {
		const detail = error instanceof Error ? error.message : String(error);
		return rpcFaults.INVALID_MESSAGE({ method: methodName(path), detail }, { cause: error });
	}
}

function whole<M>(received: M | Fault): M {
	if (received instanceof Fault) throw received;
	return received;
}

function requestIdOf(request: Message): string {
	const { requestId } = request as { requestId?: unknown }; // a message is an object, and so is a fault
	return typeof requestId === "string" ? requestId : "";
}
