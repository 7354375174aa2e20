/** Streams as async iterables: begun when iterated, cancelled when the iteration ends, at the pace of the slower side both ways. */
import type { ClientDuplexStream, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { CallOptions } from "./client.ts";
import { cancelledBy } from "./cancelled.ts";
import type { Connection } from "./connection.ts";
import type { AnyMethod } from "./definition.ts";
import { pour } from "./pour.ts";

/** What the server sends. An error that `requests` throws cancels the call and is thrown here. */
export async function* openStream<Req, Res>(
	connection: Connection,
	method: AnyMethod,
	input: { readonly request: Req } | { readonly requests: AsyncIterable<Req> },
	{ signal, timeoutMs }: CallOptions,
): AsyncGenerator<Res> {
	if (signal?.aborted) throw cancelledBy(signal, method.path);
	const { grpc } = connection;
	const { path, requestSerialize, responseDeserialize } = method;
	const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
	const over = new AbortController();
	let broken: { readonly error: unknown } | undefined;

	let call: ClientReadableStream<Res>;
	if ("request" in input) {
		call = grpc.makeServerStreamRequest(path, requestSerialize, responseDeserialize, input.request, options);
	} else {
		const duplex: ClientDuplexStream<Req, Res> = grpc.makeBidiStreamRequest(
			path,
			requestSerialize,
			responseDeserialize,
			options,
		);
		call = duplex;
		pour(input.requests, duplex, over.signal).then(
			() => duplex.end(),
			(error: unknown) => {
				if (over.signal.aborted) return;
				broken = { error };
				duplex.cancel();
			},
		);
	}
	call.on("error", () => undefined); // the iteration tells; this is for what comes after it
	const cancel = () => call.cancel();
	signal?.addEventListener("abort", cancel, { once: true });
	try {
		yield* call;
	} catch (error) {
		if (broken) throw broken.error;
		if (signal?.aborted) throw cancelledBy(signal, path);
		throw connection.failed(grpc, path, error as ServiceError); // the only errors that grpc-js's streams emit
	} finally {
		signal?.removeEventListener("abort", cancel);
		over.abort();
		call.cancel();
	}
}
