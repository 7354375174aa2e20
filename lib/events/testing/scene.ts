/** What the tests of this folder play with: stores and servers of their own, a publisher, readers; all ended by `dispose`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import type { Event } from "#gen/wharf/event/v1/event.ts";
import { createLog } from "#lib/log/log.ts";
import { type Statement, Store } from "#lib/store/store.ts";
import { type ConsumeOptions, consume } from "../consumer.ts";
import { eventEntry } from "../entry.ts";
import type { NatsSettings } from "../nats-settings.ts";
import { Publisher } from "../publisher.ts";
import { NatsServer } from "./nats-server.ts";

export class Scene implements AsyncDisposable {
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-events-"));
	readonly #resources = new AsyncDisposableStack();
	/** Where the store is. */
	readonly path = join(this.#folder, "netd.db");
	/** What publishers have logged. */
	readonly lines: string[] = [];

	async server(): Promise<NatsServer> {
		return this.#resources.use(await NatsServer.start());
	}

	/** Its port is known and nobody listens there yet. */
	async absentServer(): Promise<NatsServer> {
		return this.#resources.use(await NatsServer.reserve());
	}

	async store(): Promise<Store> {
		return this.#resources.use(await Store.open({ path: this.path, migrations: [] }));
	}

	publisher(store: Store, nats: NatsSettings | undefined): Publisher {
		const log = createLog({ service: "netd", sink: { write: (line) => void this.lines.push(line) } });
		return this.#resources.use(Publisher.start({ store, service: "netd", host: "h1", nats, log }));
	}

	/** Reads in the background, from now on. */
	async reader({ settings: nats }: NatsServer, options: Partial<ConsumeOptions> = {}) {
		const abort = new AbortController();
		const events: Event[] = [];
		const ready = Promise.withResolvers<void>();
		const reading = (async () => {
			const all = consume({ nats, signal: abort.signal, onReady: ready.resolve, ...options });
			for await (const event of all) events.push(event);
		})();
		const stop = async (): Promise<void> => {
			abort.abort();
			await reading;
		};
		this.#resources.defer(stop);
		await ready.promise;
		return { events, names: () => events.map(nameOf), stop };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources.disposeAsync();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

export function entry(name: string): Statement {
	return eventEntry({ $case: "network", value: { action: "ACTION_CREATED", networkId: name, name, driver: "bridge" } });
}

function nameOf({ payload }: Event): string {
	return payload?.$case === "network" ? payload.value.name : "";
}

export function names(count: number, from = 0): string[] {
	return Array.from({ length: count }, (_, n) => `n${from + n}`);
}

export async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await sleep(20);
}

/** What is in the stream, by the server's own account. */
export async function streamMessages(server: NatsServer): Promise<number> {
	const connection = await connect({ servers: [...server.settings.servers] });
	try {
		return (await (await connection.jetstreamManager()).streams.info("WHARF_EVENTS")).state.messages;
	} finally {
		await connection.close();
	}
}
