/**
 * The life of a daemon, the same for all: settings, log, store, its own start, publisher, API; and backwards at the end.
 *
 * It ends gracefully with status 0 on SIGTERM, SIGINT, `stop()`, and, under a supervisor (WHARF_SUPERVISED=1), when stdin ends. A
 * fault at the start is one line in the log and status 1. An error that nobody caught ends it at once with status 1: reconcile
 * mends at the next start. Nothing is served before `start` has resolved.
 */
import { Paths } from "#lib/config/paths.ts";
import { readSettings, type Schema, type SettingsOf } from "#lib/config/settings.ts";
import { Publisher } from "#lib/events/publisher.ts";
import type { NatsSettings } from "#lib/events/connection.ts";
import { Fault } from "#lib/fault/fault.ts";
import { createLog, type Log } from "#lib/log/log.ts";
import type { Implementation } from "#lib/rpc/handler.ts";
import { serve } from "#lib/rpc/serve.ts";
import { Store } from "#lib/store/store.ts";
import { type CommonSettings, commonSchema, natsOf, tcpOf } from "./common-settings.ts";

export interface DaemonContext<S extends Schema, M extends readonly string[] | undefined> {
	readonly paths: Paths;
	readonly settings: SettingsOf<S>;
	readonly log: Log;
	/** This host's name in events. */
	readonly host: string;
	readonly nats: NatsSettings | undefined;
	/** A daemon without migrations has none. */
	readonly store: M extends readonly string[] ? Store : undefined;
	/** Aborted when the end begins. */
	readonly signal: AbortSignal;
	/** What `start` opens goes in here; closed when the API has drained, before publisher and store. */
	readonly resources: AsyncDisposableStack;
	/** As SIGTERM. */
	stop(): void;
}

export interface DaemonOptions<S extends Schema, M extends readonly string[] | undefined> {
	/** Of the socket, the store, the log and the daemon's section in the settings. */
	readonly name: string;
	readonly migrations: M;
	/** As the store's option of that name. */
	readonly commitsLoneHere?: boolean;
	/** The daemon's own settings; `commonSchema` is added. */
	readonly schema: S;
	/** Reconciles, and says what is to be served. */
	readonly start: (context: DaemonContext<S, M>) => Promise<readonly Implementation[]>;
}

/** Longer than every part of an orderly end takes together. */
const END_MS = 15_000;

/** Never returns: the process ends. */
export async function runDaemon<const S extends Schema, const M extends readonly string[] | undefined>(
	options: DaemonOptions<S, M>,
): Promise<never> {
	const { name } = options;
	let log = createLog({ service: name });
	process.on("uncaughtException", (err) => {
		log.error("an error that nobody caught", { err });
		process.exit(1);
	});
	const end = endSignal(() => log);
	try {
		await using parts = new AsyncDisposableStack();
		const paths = Paths.fromEnv(process.env);
		const schema = { ...options.schema, ...commonSchema(name) };
		const source = { env: process.env, file: paths.settings, schema };
		// One reading of both schemas; a spread of two generic types is not seen as having the keys of both.
		const settings = readSettings(source) as unknown as SettingsOf<S> & CommonSettings;
		log = createLog({ service: name, level: settings.logLevel });
		const nats = natsOf(settings);
		const tcp = tcpOf(settings);
		const { migrations, commitsLoneHere } = options;
		const path = paths.state(name);
		const store = migrations && parts.use(await Store.open({ path, migrations, commitsLoneHere }));
		if (store) parts.use(Publisher.start({ store, service: name, host: settings.host, nats, log }));
		const services = await options.start({
			paths,
			settings,
			log,
			host: settings.host,
			nats,
			// Present exactly when there are migrations, which is what the type says.
			store: store as DaemonContext<S, M>["store"],
			signal: end.signal,
			resources: parts.use(new AsyncDisposableStack()),
			stop: end.stop,
		});
		const unix = paths.socket(name);
		const listen = tcp === undefined ? { unix } : { unix, tcp };
		const server = parts.use(await serve({ name, listen, services, log, ...(store && { store }) }));
		log.info("serving", { socket: unix, ...(server.port !== undefined && { port: server.port }) });
		await end.begun;
		log.info("stopping");
	} catch (error) {
		if (error instanceof Fault) log.error(error.message, { reason: error.reason, help: error.help });
		else log.error("the daemon failed", { err: error });
		process.exit(1);
	}
	log.info("stopped");
	process.exit(0);
}

interface End {
	readonly signal: AbortSignal;
	readonly begun: Promise<void>;
	readonly stop: () => void;
}

/** The first wish to end begins it; a second signal, or an end that takes too long, is the end. */
function endSignal(log: () => Log): End {
	const { promise: begun, resolve } = Promise.withResolvers<void>();
	const controller = new AbortController();
	const stop = () => {
		if (controller.signal.aborted) return;
		controller.abort();
		resolve();
		setTimeout(() => {
			log().error("the orderly end took too long");
			process.exit(1);
		}, END_MS).unref();
	};
	for (const signal of ["SIGTERM", "SIGINT"] as const) {
		process.on(signal, () => {
			if (controller.signal.aborted) process.exit(1);
			stop();
		});
	}
	if (process.env["WHARF_SUPERVISED"] === "1") process.stdin.on("end", stop).on("error", stop).resume();
	return { signal: controller.signal, begun, stop };
}
