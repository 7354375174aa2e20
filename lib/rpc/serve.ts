/**
 * The bootstrap of every daemon's API: sockets, health, reflection, and an end that loses no work.
 *
 * Shutdown: health says NOT_SERVING, new requests are refused, streams end at once, the rest has `DRAIN_MS`, then its signal is
 * aborted and it has `UNDO_MS` to undo; then what is written is flushed and the connections are cut.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Server as GrpcServer } from "@grpc/grpc-js";
import { PipelineServiceService } from "#gen/wharf/rpc/v1/pipeline.ts";
import type { Log } from "#lib/log/log.ts";
import { serviceName } from "./definition.ts";
import { type Answering, answering, type Dispatch, dispatch, wireMethod } from "./dispatch.ts";
import { rpcFaults } from "./faults.ts";
import type { Implementation } from "./handler.ts";
import { Health } from "./health.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { HealthService } from "./health-definition.ts";
import { type Listen, listenTcp, listenUnix } from "./listen.ts";
import { pipelineCall } from "./pipeline-server.ts";
import { addReflection } from "./reflection.ts";
import { type AnswerStore, ReplayTable } from "./replay.ts";

export interface ServeOptions {
	/** The daemon's name, as `netd`. */
	readonly name: string;
	readonly listen: Listen;
	readonly services: readonly Implementation[];
	/** Keeps the answers of mutations; without it a repeated request only joins one in flight. */
	readonly store?: AnswerStore;
	readonly log: Log;
}

export interface Server extends AsyncDisposable {
	/** The TCP port, where TCP was asked for. */
	readonly port: number | undefined;
	/** What health checks hear, for all services at once; true from the start. */
	setServing(serving: boolean): void;
	/** Stops as described above. A second call waits for the first. */
	close(): Promise<void>;
}

const DRAIN_MS = 2_000;
const UNDO_MS = 1_000;
/** For the last answers to leave, and for health watchers to take their leave. */
const FLUSH_MS = 250;

export async function serve({ name, listen, services, store, log }: ServeOptions): Promise<Server> {
	const stopping = new AbortController();
	const expired = new AbortController();
	const to: Dispatch = {
		name,
		log,
		replays: new ReplayTable(store, log),
		running: new Set(),
		stopping: stopping.signal,
		expired: expired.signal,
	};
	const grpc = new GrpcServer({
		"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
		"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
		"grpc.enable_channelz": 0,
	});
	const names = services.map(({ definition }) => serviceName(definition));
	const health = new Health(names);
	for (const service of services) add(grpc, service, to);
	addPipeline(grpc, services, to);
	// Supervisors ask all the time: their lines are for debugging.
	add(grpc, health.implementation, { ...to, log: { ...log, info: (message, fields) => log.debug(message, fields) } });
	addReflection(grpc, [...names, serviceName(PipelineServiceService), serviceName(HealthService)], log);

	const listeners = [await listenUnix(name, listen, grpc)];
	try {
		if (listen.tcp) listeners.push(await listenTcp(listen.tcp, grpc));
	} catch (error) {
		for (const listener of listeners) void listener.stop();
		throw error;
	}

	const stop = async () => {
		health.setServing(false);
		const disconnected = Promise.all(listeners.map((listener) => listener.stop()));
		stopping.abort(rpcFaults.SHUTTING_DOWN({ service: name }));
		const idle = quiet(to);
		await within(idle, DRAIN_MS);
		expired.abort(rpcFaults.SHUTTING_DOWN({ service: name }));
		await within(idle, UNDO_MS);
		grpc.tryShutdown(() => undefined); // tells the clients; it calls back before they have gone, so the sockets say when
		await within(disconnected, FLUSH_MS);
		for (const listener of listeners) listener.cut();
	};
	let stopped: Promise<void> | undefined;
	const close = () => {
		stopped ??= stop();
		return stopped;
	};
	return {
		port: listeners.find(({ port }) => port !== undefined)?.port,
		setServing: (serving) => health.setServing(serving),
		close,
		[Symbol.asyncDispose]: close,
	};
}

function add(grpc: GrpcServer, { definition, handlers }: Implementation, to: Dispatch): void {
	for (const [name, method] of Object.entries(definition)) {
		const handler = handlers[name];
		if (!handler) throw new Error(`${method.path} has no handler.`);
		grpc.addService({ [name]: wireMethod(method) }, { [name]: dispatch(method, handler, to) });
	}
}

/** All unary methods of the services by one stream as well. */
function addPipeline(grpc: GrpcServer, services: readonly Implementation[], to: Dispatch): void {
	const methods = new Map<string, Answering>();
	for (const { definition, handlers } of services) {
		for (const [name, method] of Object.entries(definition)) {
			const handler = handlers[name];
			if (handler?.kind === "unary" || handler?.kind === "mutation") {
				methods.set(method.path, answering(method, handler, to));
			}
		}
	}
	grpc.addService(PipelineServiceService, { pipeline: pipelineCall(methods, to) });
}

/** Resolves when no request and no mutation is running. */
async function quiet(to: Dispatch): Promise<void> {
	while (to.running.size > 0) await Promise.allSettled(to.running);
	await to.replays.settled();
}

async function within(promise: Promise<unknown>, ms: number): Promise<void> {
	const enough = new AbortController();
	const timer = sleep(ms, undefined, { signal: enough.signal }).catch(() => undefined);
	await Promise.race([promise, timer]);
	enough.abort();
}
