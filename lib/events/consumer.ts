/**
 * Events as they come, across reconnects and restarts of the server, each once.
 *
 * A publisher sends its rows in their order, so within one origin a row that is not beyond the last one seen is a repeat:
 * that holds for ever and costs one number an origin, while the server's own memory of message ids is of minutes.
 */
import { abortable } from "#lib/concurrency/abortable.ts";
import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JetStreamManager, nanos, type NatsConnection } from "nats";
import { Event } from "#gen/wharf/event/v1/event.ts";
import type { Log } from "#lib/log/log.ts";
import { BackOff, closeConnection, openConnection } from "./connection.ts";
import type { NatsSettings } from "./nats-settings.ts";
import { ensureStream, STREAM, SUBJECTS } from "./stream.ts";

const BATCH = 256;
const API_TIMEOUT_MS = 5_000;
const POLL_MS = 30_000;
/** The server forgets a reader that has gone away after this long. */
const INACTIVE_MS = 60_000;
/** How long a durable reader's event may be worked on before it is sent again. */
const ACK_WAIT_MS = 10_000;

export interface ConsumeOptions {
	readonly nats: NatsSettings;
	/** A subject with NATS wildcards, as `wharf.v1.network.>`; all unless given. */
	readonly filter?: string | undefined;
	/** `new` (unless given): what is stored after the first connection. `all`: whatever the stream still has. */
	readonly since?: "new" | "all" | undefined;
	/**
	 * The server keeps the place under this name: the next reader of the name goes on behind the last event that was worked on.
	 * Repeats are dropped within one call; the last events may come again to the next one (more of them after the server crashed).
	 */
	readonly durable?: string | undefined;
	readonly signal: AbortSignal;
	/** Called at each connection: from the first call on, no event is missed. */
	readonly onReady?: (() => void) | undefined;
	readonly log?: Log | undefined;
}

/** Where a reader without a name on the server is, and in which life of the stream. */
interface Place {
	created: string;
	next: number;
}

/** Ends when the signal aborts. An event counts as worked on when the next one is asked for. */
export async function* consume(options: ConsumeOptions): AsyncGenerator<Event, void, undefined> {
	const { nats, signal, onReady, log } = options;
	const backOff = new BackOff();
	const seen = new Map<string, bigint>();
	const place: Place = { created: "", next: 0 };
	while (!signal.aborted) {
		let connection: NatsConnection | undefined;
		try {
			connection = await openConnection(nats, "wharf-consumer", signal);
			const opened = connection;
			const manager = await abortable(opened.jetstreamManager({ timeout: API_TIMEOUT_MS }), signal);
			const name = await abortable(ensureReader(manager, options, place), signal);
			onReady?.();
			backOff.reset();
			for await (const message of messages(opened, name, signal)) {
				const event = decode(message.data);
				if (event !== undefined && !isRepeat(seen, event)) yield event;
				place.next = message.seq + 1;
				if (options.durable !== undefined) message.ack();
			}
		} catch (error) {
			if (!signal.aborted) log?.warn("events cannot be read from NATS", { err: error });
		} finally {
			if (connection !== undefined) await closeConnection(connection);
		}
		await backOff.pause(signal);
	}
}

/** Makes the reader on the server, and returns its name. */
async function ensureReader(manager: JetStreamManager, options: ConsumeOptions, place: Place): Promise<string> {
	const { nats, filter = SUBJECTS, since = "new", durable } = options;
	const { created, state } = await ensureStream(manager, nats.stream);
	if (durable !== undefined) {
		const config: Partial<ConsumerConfig> = {
			durable_name: durable,
			filter_subject: filter,
			deliver_policy: since === "all" ? DeliverPolicy.All : DeliverPolicy.New,
			ack_policy: AckPolicy.Explicit,
			ack_wait: nanos(ACK_WAIT_MS),
			// One at a time: of several, those that were sent again would come behind newer ones.
			max_ack_pending: 1,
		};
		const known = await manager.consumers.info(STREAM, durable).catch(() => undefined);
		return (known ?? (await manager.consumers.add(STREAM, config))).name;
	}
	if (place.created === "") place.next = since === "all" ? 1 : state.last_seq + 1;
	// The stream was made anew meanwhile: all that it has came after what was read from the old one.
	else if (place.created !== created || place.next > state.last_seq + 1) place.next = 1;
	place.created = created;
	const reader = await manager.consumers.add(STREAM, {
		filter_subject: filter,
		deliver_policy: DeliverPolicy.StartSequence,
		opt_start_seq: Math.max(place.next, 1),
		ack_policy: AckPolicy.None,
		inactive_threshold: nanos(INACTIVE_MS),
		mem_storage: true,
	});
	return reader.name;
}

/** Whatever the reader on the server gives, until the connection is lost or the signal aborts. */
async function* messages(connection: NatsConnection, name: string, signal: AbortSignal) {
	const close = (): void => void connection.close();
	let stop = (): void => undefined;
	void connection.closed().then(() => stop());
	signal.addEventListener("abort", close, { once: true });
	try {
		const consumer = await connection.jetstream({ timeout: API_TIMEOUT_MS }).consumers.get(STREAM, name);
		while (!connection.isClosed()) {
			const batch = await consumer.fetch({ max_messages: BATCH, expires: POLL_MS });
			stop = () => batch.stop();
			if (connection.isClosed()) return;
			yield* batch;
		}
	} finally {
		signal.removeEventListener("abort", close);
	}
}

/** Undefined for what somebody else put on our subjects. */
function decode(data: Uint8Array): Event | undefined {
	try {
		const event = Event.decode(data);
		return event.id === "" ? undefined : event;
	} catch {
		return undefined;
	}
}

function isRepeat(seen: Map<string, bigint>, { host, service, epoch, row }: Event): boolean {
	const origin = `${host}/${service}/${epoch}`;
	if (row <= (seen.get(origin) ?? -1n)) return true;
	seen.set(origin, row);
	return false;
}
