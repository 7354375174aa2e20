/**
 * One call to a plugin: JSON over HTTP/1.1 over its unix socket, as moby's pkg/plugins speaks it.
 *
 * Whatever listens there, a call ends: with an object, or with DRIVER_FAILED. Each has a connection of its own, so that nothing of an
 * earlier call can be in its answer.
 */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "#lib/fault/fault.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../faults.ts";
import { lineOf } from "./words.ts";

/** moby pkg/plugins/transport: VersionMimetype. */
const MEDIA_TYPE = "application/vnd.docker.plugins.v1.2+json";
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

export interface PluginLimits {
	/** Create and Mount. */
	readonly longMs: number;
	readonly shortMs: number;
	/** Until the one more attempt at a plugin that does not listen, as one that is just being started. */
	readonly retryMs: number;
}

/** Docker's own (daemon/volume/drivers/proxy.go), but for the retries: Docker goes on for half a minute. */
export const DOCKER_LIMITS: PluginLimits = { longMs: 120_000, shortMs: 60_000, retryMs: 1_000 };

export type Answer = Readonly<Record<string, unknown>>;

/** The plugin was asked and answered that it will not: `Err`, or a status other than 200. */
export class PluginRefusal extends Error {
	readonly fault: Fault;

	constructor(fault: Fault) {
		super(fault.message);
		this.fault = fault;
	}
}

export interface PluginCall {
	readonly method: string;
	/** Undefined: no body at all, as Docker activates. */
	readonly body?: Answer;
	readonly timeoutMs: number;
	readonly signal?: AbortSignal | undefined;
}

export class PluginClient {
	readonly #driver: string;
	readonly #locate: () => Promise<string | undefined>;
	readonly #retryMs: number;

	/** `locate` answers the socket's path, and is asked before every attempt. */
	constructor(driver: string, locate: () => Promise<string | undefined>, retryMs: number) {
		this.#driver = driver;
		this.#locate = locate;
		this.#retryMs = retryMs;
	}

	/** The answer, an object without `Err`. Throws PluginRefusal; faults: DRIVER_FAILED; or the signal's reason. */
	async call(call: PluginCall): Promise<Answer> {
		try {
			return await this.#attempt(call);
		} catch (error) {
			if (!isErrno(error, "ECONNREFUSED", "ENOENT")) throw this.#explained(call, error);
		}
		try {
			await delay(this.#retryMs, undefined, { signal: call.signal });
			return await this.#attempt(call);
		} catch (error) {
			throw this.#explained(call, error);
		}
	}

	async #attempt(call: PluginCall): Promise<Answer> {
		call.signal?.throwIfAborted();
		const socketPath = await this.#locate();
		if (socketPath === undefined) throw Object.assign(new Error("no socket"), { code: "ENOENT" });
		const { status, text } = await exchange(socketPath, call);
		return this.#parsed(call, status, text);
	}

	#parsed(call: PluginCall, status: number, text: string): Answer {
		const answer = objectIn(text);
		const said = answer?.["Err"];
		if (typeof said === "string" && said !== "") throw new PluginRefusal(this.#fault(call, lineOf(said)));
		if (status !== 200) {
			throw new PluginRefusal(this.#fault(call, `it answered with HTTP status ${status}: ${lineOf(text)}`));
		}
		if (answer === undefined) throw this.#fault(call, `its answer is no JSON object: ${lineOf(text)}`);
		if (said !== undefined && said !== null && said !== "") throw this.#fault(call, "its Err is no text");
		return answer;
	}

	#explained(call: PluginCall, error: unknown): unknown {
		if (call.signal?.aborted) return call.signal.reason;
		if (error instanceof Fault || error instanceof PluginRefusal) return error;
		return this.#fault(call, problemOf(error), error);
	}

	#fault({ method }: PluginCall, problem: string, cause?: unknown): Fault {
		return volumeFaults.DRIVER_FAILED({ driver: this.#driver, act: method, problem }, { cause });
	}
}

class Broken extends Error {}

interface Reply {
	readonly status: number;
	readonly text: string;
}

/** One request on one connection, which is closed when this settles. Rejects with the system's error, with Broken or the abort. */
async function exchange(socketPath: string, { method, body, timeoutMs, signal }: PluginCall): Promise<Reply> {
	const payload = body === undefined ? "" : JSON.stringify(body);
	const late = new AbortController();
	const timer = setTimeout(() => late.abort(new Broken(`it has not answered for ${timeoutMs / 1000} s`)), timeoutMs);
	const either = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
	const sent = request({
		socketPath,
		method: "POST",
		path: `/${method}`,
		agent: false,
		maxHeaderSize: MAX_HEADER_BYTES,
		headers: {
			host: "plugin",
			accept: MEDIA_TYPE,
			"content-type": MEDIA_TYPE,
			"content-length": Buffer.byteLength(payload),
			connection: "close",
		},
	});
	const stop = (): void => void sent.destroy(either.reason as Error); // both controllers abort with an Error
	either.addEventListener("abort", stop, { once: true });
	try {
		const response = await responseOf(sent, payload);
		return { status: response.statusCode ?? 0, text: await textOf(response) };
	} catch (error) {
		throw either.aborted ? either.reason : error;
	} finally {
		clearTimeout(timer);
		either.removeEventListener("abort", stop);
		sent.destroy();
	}
}

function responseOf(sent: ClientRequest, payload: string): Promise<IncomingMessage> {
	return new Promise((resolve, reject) => {
		sent.once("response", resolve);
		// More than one may come, and each without a listener would end the process.
		sent.on("error", reject);
		sent.once("close", () => reject(new Broken("it hung up without an answer")));
		sent.end(payload);
	});
}

async function textOf(response: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		if (bytes > MAX_ANSWER_BYTES) throw new Broken("its answer is longer than a mebibyte");
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString("utf8");
}

function objectIn(text: string): Answer | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Answer) : undefined;
	} catch {
		return undefined;
	}
}

function problemOf(error: unknown): string {
	if (error instanceof Broken) return error.message;
	if (isErrno(error, "ENOENT")) return "it has no socket any more";
	if (isErrno(error, "ECONNREFUSED")) return "nothing listens on its socket";
	if (isErrno(error, "ECONNRESET", "EPIPE", "ECONNABORTED")) return "it hung up in the middle";
	const code = error instanceof Error && "code" in error ? String(error.code) : "";
	if (code.startsWith("HPE_")) return `its answer is no HTTP (${code})`;
	return lineOf(error instanceof Error ? error.message : String(error));
}
