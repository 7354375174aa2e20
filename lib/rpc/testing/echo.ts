/** A service with one method of each kind, in JSON on the wire, and a place to serve it: for the tests of lib/rpc. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, type Log } from "#lib/log/log.ts";
import { client, type ClientOf, type ClientOptions } from "../client.ts";
import type { Method } from "../definition.ts";
import { bidi, type Call, implement, type Mutation, mutation, serverStream, unary } from "../handler.ts";
import { serve, type ServeOptions, type Server } from "../serve.ts";

export interface Text {
	text: string;
}

export interface Change extends Text {
	requestId: string;
	labels: Record<string, string>;
}

function method<Req, Res, const Up extends boolean, const Down extends boolean>(name: string, up: Up, down: Down) {
	const serialize = (message: unknown) => Buffer.from(JSON.stringify(message));
	const deserialize = (bytes: Buffer) => JSON.parse(bytes.toString("utf8"));
	return {
		path: `/wharf.test.v1.EchoService/${name}`,
		requestStream: up,
		responseStream: down,
		requestSerialize: serialize,
		requestDeserialize: deserialize,
		responseSerialize: serialize,
		responseDeserialize: deserialize,
	} satisfies Method<Req, Res> as Method<Req, Res> & { requestStream: Up; responseStream: Down };
}

export const EchoService = {
	say: method<Text, Text, false, false>("Say", false, false),
	change: method<Change, Text, false, false>("Change", false, false),
	watch: method<Text, Text, false, true>("Watch", false, true),
	talk: method<Text, Text, true, true>("Talk", true, true),
	collect: method<Text, Text, true, false>("Collect", true, false),
};

export interface Behaviour {
	say?: (text: string, call: Call) => string | Promise<string>;
	change?: (text: string, call: Mutation<string>) => Promise<string>;
	watch?: (text: string, call: Call) => AsyncIterable<string>;
	talk?: (texts: AsyncIterable<string>, call: Call) => AsyncIterable<string>;
	collect?: (texts: AsyncIterable<string>, call: Call) => AsyncIterable<string>;
}

async function* same<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
	yield* items;
}

async function* once<T>(item: T): AsyncGenerator<T> {
	yield item;
}

/** Echoes, except where `behaviour` says otherwise. */
export function echo(behaviour: Behaviour = {}) {
	const parse = ({ text }: Text) => text;
	const render = (text: string): Text => ({ text });
	return implement(EchoService, {
		say: unary({ parse, run: behaviour.say ?? ((text) => text), render }),
		change: mutation({ parse: ({ text }: Change) => text, run: behaviour.change ?? (async (text) => text), render }),
		watch: serverStream({ parse, run: behaviour.watch ?? once, render }),
		talk: bidi({ parse, run: behaviour.talk ?? same, render }),
		collect: bidi({ parse, run: behaviour.collect ?? same, render }),
	});
}

export interface Place extends AsyncDisposable {
	readonly directory: string;
	readonly socket: string;
	/** Every line of every server's log here. */
	readonly lines: Record<string, unknown>[];
	readonly log: Log;
	serve(behaviour?: Behaviour, options?: Partial<ServeOptions>): Promise<Server>;
	client(options?: ClientOptions): ClientOf<typeof EchoService>;
}

/** Both ways of a unary call, for `describe.each`. */
export const WAYS: readonly (readonly [name: string, options: ClientOptions])[] = [
	["each call a stream", {}],
	["calls by a pipeline", { pipeline: true }],
];

/** A temporary directory with a socket; what is served in it ends with it. `own` is of every client that does not say otherwise. */
export function place(own: ClientOptions = {}): Place {
	const directory = mkdtempSync(join(tmpdir(), "wharf-rpc-"));
	const socket = join(directory, "echod.sock");
	const lines: Record<string, unknown>[] = [];
	const log = createLog({ service: "echod", level: "debug", sink: { write: (line) => lines.push(JSON.parse(line)) } });
	const stack = new AsyncDisposableStack();
	stack.defer(() => rmSync(directory, { recursive: true, force: true }));
	return {
		directory,
		socket,
		lines,
		log,
		serve: async (behaviour, options = {}) => {
			const services = [echo(behaviour)];
			return stack.use(await serve({ name: "echod", listen: { unix: socket }, services, log, ...options }));
		},
		client: (options) => stack.use(client(EchoService, { unix: socket }, { ...own, ...options })),
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

export const change = (text: string, requestId: string, labels: Record<string, string> = {}): Change => ({
	text,
	requestId,
	labels,
});

/** What the promise is rejected with, or undefined. */
export const caught = (promise: Promise<unknown>): Promise<unknown> =>
	promise.then(
		() => undefined,
		(error: unknown) => error,
	);
