/**
 * What a service writes per RPC: parse, run, render. Everything between the wire and the domain value is here or below.
 *
 * `parse` turns the message into a domain value or throws a Fault; after it no proto type exists. `render` makes the response.
 */
import type { Log } from "#lib/log/log.ts";
import type { Statement } from "#lib/store/statement.ts";
import type { Definition, RequestOf, ResponseOf } from "./definition.ts";

export interface Call {
	/** Aborted when the caller has gone, its deadline has passed or the service stops; the reason is a Fault. */
	readonly signal: AbortSignal;
	/** The client's, or a random one where it gave none. */
	readonly requestId: string;
	/** Its lines carry method and request id. */
	readonly log: Log;
}

export interface Mutation<Result> extends Call {
	/**
	 * The statements that keep the answer under the request id for 24 hours; they belong in the transaction that stores the result,
	 * and are asked for only where there is one.
	 * None where the client gave no request id. Without them the answer is kept after `run` in a transaction of its own,
	 * and a crash between the two lets a repeated request run again. Where what is returned in the end differs, that is kept in its place.
	 */
	answer(result: Result): Statement[];
}

export interface UnaryHandler<Req, Res> {
	readonly kind: "unary";
	handle(message: Req, call: Call): Promise<Res>;
}

export interface MutationHandler<Req, Res> {
	readonly kind: "mutation";
	handle(message: Req, call: Call, answer: (response: Res) => Statement[]): Promise<Res>;
}

export interface ServerStreamHandler<Req, Res> {
	readonly kind: "serverStream";
	handle(message: Req, call: Call): AsyncIterable<Res>;
}

export interface BidiHandler<Req, Res> {
	readonly kind: "bidi";
	handle(messages: AsyncIterable<Req>, call: Call): AsyncIterable<Res>;
}

/** A request that changes nothing. */
export function unary<Req, Res, In, Out>(h: {
	parse: (message: Req) => In;
	run: (input: In, call: Call) => Out | Promise<Out>;
	render: (output: Out) => Res;
}): UnaryHandler<Req, Res> {
	return {
		kind: "unary",
		handle: async (message, call) => h.render(await h.run(h.parse(message), call)),
	};
}

/**
 * A request that changes something: idempotent under its `request_id`.
 *
 * The same id with the same body gets the stored answer, or joins the one in flight; with another body it is REQUEST_ID_REUSED.
 * Only successes are kept. The signal is aborted when the last caller who waits has gone; `run` then undoes what it did.
 */
export function mutation<Req extends { requestId: string }, Res, In, Out>(h: {
	parse: (message: Req) => In;
	run: (input: In, call: Mutation<Out>) => Promise<Out>;
	render: (output: Out) => Res;
}): MutationHandler<Req, Res> {
	return {
		kind: "mutation",
		handle: async (message, call, answer) => {
			const { signal, requestId, log } = call;
			const own = { signal, requestId, log, answer: (result: Out) => answer(h.render(result)) };
			return h.render(await h.run(h.parse(message), own));
		},
	};
}

/** A stream of answers. It is asked for the next one when the client has room; its `return()` runs when the client goes. */
export function serverStream<Req, Res, In, Out>(h: {
	parse: (message: Req) => In;
	run: (input: In, call: Call) => AsyncIterable<Out>;
	render: (output: Out) => Res;
}): ServerStreamHandler<Req, Res> {
	return {
		kind: "serverStream",
		handle: async function* (message, call) {
			for await (const output of h.run(h.parse(message), call)) yield h.render(output);
		},
	};
}

/** Streams both ways. Requests are read as `run` takes them. Also a client stream: the last output is then the response. */
export function bidi<Req, Res, In, Out>(h: {
	parse: (message: Req) => In;
	run: (inputs: AsyncIterable<In>, call: Call) => AsyncIterable<Out>;
	render: (output: Out) => Res;
}): BidiHandler<Req, Res> {
	async function* parsed(messages: AsyncIterable<Req>): AsyncGenerator<In> {
		for await (const message of messages) yield h.parse(message);
	}
	return {
		kind: "bidi",
		handle: async function* (messages, call) {
			for await (const output of h.run(parsed(messages), call)) yield h.render(output);
		},
	};
}

/** A unary request with a request id is a mutation, and only that is. */
export type HandlerOf<M> = M extends { readonly requestStream: true }
	? BidiHandler<RequestOf<M>, ResponseOf<M>>
	: M extends { readonly responseStream: true }
		? ServerStreamHandler<RequestOf<M>, ResponseOf<M>>
		: RequestOf<M> extends { requestId: string }
			? MutationHandler<RequestOf<M>, ResponseOf<M>>
			: UnaryHandler<RequestOf<M>, ResponseOf<M>>;

export type HandlersOf<D> = { readonly [K in keyof D]: HandlerOf<D[K]> };

// oxlint-disable typescript/no-explicit-any -- handlers of different messages side by side; HandlersOf has checked each against its method.
export type AnyHandler =
	| UnaryHandler<any, any>
	| MutationHandler<any, any>
	| ServerStreamHandler<any, any>
	| BidiHandler<any, any>;
// oxlint-enable typescript/no-explicit-any

export interface Implementation {
	readonly definition: Definition;
	readonly handlers: Readonly<Record<string, AnyHandler>>;
}

/** Every method of the definition with its handler, checked against it. */
export function implement<const D extends Definition>(definition: D, handlers: HandlersOf<D>): Implementation {
	// HandlersOf gives one handler per key of D; only the precise types are given up here.
	return { definition, handlers: handlers as Readonly<Record<string, AnyHandler>> };
}
