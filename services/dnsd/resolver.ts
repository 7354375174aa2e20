/**
 * The resolver of all sandboxes: the zone as it is now, the sockets, and the way out.
 *
 * A change is in the answers and in the sockets when `replaceAll`, `put` or `remove` has resolved; between changes the zone is
 * one value, so that no answer shows half of a change.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Log } from "#lib/log/log.ts";
import { AnswerCache } from "./answer-cache.ts";
import { answer, type Asker, type Transport } from "./answer.ts";
import { encodeQuery, readAnswer, type ReadableAnswer } from "./codec.ts";
import { dnsdFaults } from "./faults.ts";
import { type Answerer, type Handler, RESOLVER_ADDRESS } from "./listener.ts";
import { Listeners } from "./listeners.ts";
import type { NameKey } from "./name.ts";
import type { Query } from "./query.ts";
import type { TcpLimits } from "./tcp-connection.ts";
import type { Forwarder } from "./upstream/forwarder.ts";
import { type Server, serverAt, serverText } from "./upstream/server.ts";
import { type Found, namesOf, type Sandbox, Zone } from "./zone.ts";

export interface ResolverParts {
	readonly ttlSeconds: number;
	readonly tcp: TcpLimits;
	readonly forwarder: Forwarder;
	/** The host's resolvers as they are now. */
	readonly hostServers: () => readonly Server[];
	readonly log: Log;
}

export interface ResolverStatus {
	/** Sandboxes with open sockets. */
	readonly sandboxes: number;
	readonly upstreams: readonly string[];
	readonly queries: number;
	readonly forwarded: number;
	readonly failures: readonly string[];
}

/** A sandbox's view of the names; another number when it may be another. */
interface View {
	readonly sandboxId: string;
	number: number;
}

/** Sockets are opened in parcels, so that queries are answered meanwhile. */
const PARCEL = 32;

export class Resolver implements AsyncDisposable {
	readonly #parts: ResolverParts;
	readonly #listeners: Listeners;
	readonly #answers = new AnswerCache();
	readonly #views = new Map<string, View>();
	#lastView = 0;
	#zone: Zone;
	#queries = 0;
	#forwarded = 0;

	constructor(parts: ResolverParts) {
		this.#parts = parts;
		this.#zone = Zone.empty(parts.ttlSeconds);
		this.#listeners = new Listeners((id) => this.#answererOf(id), parts.tcp, parts.log);
	}

	/** Everything that there is. Sandboxes that are not among it lose their sockets. */
	async replaceAll(sandboxes: readonly Sandbox[]): Promise<void> {
		let zone = Zone.empty(this.#parts.ttlSeconds);
		for (const sandbox of sandboxes) zone = zone.with(sandbox);
		this.#zone = zone;
		this.#answers.clear();
		const served = new Set(sandboxes.filter(({ resolverPort }) => resolverPort > 0).map(({ id }) => id));
		await Promise.all(
			this.#listeners
				.sandboxIds()
				.filter((id) => !served.has(id))
				.map((id) => this.#listeners.remove(id)),
		);
		for (const [index, sandbox] of sandboxes.entries()) {
			await this.#ensureSockets(sandbox);
			if (index % PARCEL === PARCEL - 1) await nextTurn();
		}
	}

	async put(sandbox: Sandbox): Promise<void> {
		this.#change(sandbox.id, this.#zone.with(sandbox));
		await this.#ensureSockets(sandbox);
	}

	/** Absent is success. */
	async remove(sandboxId: string): Promise<void> {
		this.#change(sandboxId, this.#zone.without(sandboxId));
		this.#views.delete(sandboxId);
		await this.#listeners.remove(sandboxId);
	}

	/** What a sandbox would be answered from local names; `name` must be a domain name. */
	lookUp(sandboxId: string, name: string, type: number): ReadableAnswer {
		const sandbox = this.#zone.find(sandboxId);
		if (sandbox === undefined || sandbox.resolverPort === 0) {
			throw dnsdFaults.SANDBOX_NOT_SERVED({ sandbox: sandboxId });
		}
		const outcome = answer(encodeQuery(0, name, type), this.#askerOf(sandboxId), "tcp");
		return outcome.kind === "answer" ? readAnswer(outcome.packet) : { code: "FORWARDED", data: [] };
	}

	status(): ResolverStatus {
		return {
			sandboxes: this.#listeners.size,
			upstreams: this.#withoutLoops(this.#parts.hostServers()).map(serverText),
			queries: this.#queries,
			forwarded: this.#forwarded,
			failures: this.#listeners.failures(),
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#listeners.close();
	}

	/** What was said about its names is said no more, nor what was said to it. */
	#change(sandboxId: string, zone: Zone): void {
		for (const sandbox of [this.#zone.find(sandboxId), zone.find(sandboxId)]) {
			if (sandbox !== undefined) this.#answers.changed(namesOf(sandbox));
		}
		this.#zone = zone;
		this.#viewOf(sandboxId).number = ++this.#lastView;
	}

	#viewOf(sandboxId: string): View {
		const view = this.#views.get(sandboxId) ?? { sandboxId, number: ++this.#lastView };
		this.#views.set(sandboxId, view);
		return view;
	}

	async #ensureSockets({ id, netnsPath, resolverPort }: Sandbox): Promise<void> {
		if (resolverPort === 0) await this.#listeners.remove(id);
		else await this.#listeners.ensure({ sandboxId: id, netnsPath, port: resolverPort });
	}

	#answererOf(sandboxId: string): Answerer {
		const asker = this.#askerOf(sandboxId);
		const view = this.#viewOf(sandboxId);
		return {
			handle: (packet, transport) => {
				try {
					return this.#handle(packet, transport, asker, view);
				} catch (error) {
					this.#parts.log.error("A query was not answered: this is a bug.", {
						err: error,
						query: packet.toString("hex"),
					});
					return undefined;
				}
			},
			again: (packet, length, room) => {
				const answered = this.#answers.find(view.number, packet, length, room);
				if (answered > 0) this.#queries += 1;
				return answered;
			},
		};
	}

	#handle(packet: Buffer, transport: Transport, asker: Asker, view: View): ReturnType<Handler> {
		this.#queries += 1;
		const outcome = answer(packet, asker, transport);
		switch (outcome.kind) {
			case "answer":
				if (outcome.isSettled && transport === "udp") {
					this.#answers.keep(view.number, packet, outcome.packet, { ages: false });
				}
				return outcome.packet;
			case "forward":
				return this.#forward(outcome.query, transport, view.sandboxId);
			case "ignore":
				return undefined;
		}
	}

	#forward(query: Query, transport: Transport, sandboxId: string): Buffer | Promise<Buffer> {
		this.#forwarded += 1;
		const own = this.#zone.find(sandboxId)?.dnsServers ?? [];
		const servers = own.length > 0 ? own.map(serverAt) : this.#parts.hostServers();
		// The packet is the caller's again when this returns.
		const kept = { ...query, packet: Buffer.from(query.packet) };
		return this.#parts.forwarder.forward(kept, transport, this.#withoutLoops(servers), sandboxId);
	}

	/** 127.0.0.11 is somebody else's on the host (Docker's, where wharf runs in its container) unless we serve the host itself. */
	#withoutLoops(servers: readonly Server[]): readonly Server[] {
		if (!this.#listeners.servesOwnNamespace) return servers;
		return servers.filter(({ address }) => address !== RESOLVER_ADDRESS);
	}

	/** The zone as this sandbox sees it at the moment of asking. */
	#askerOf(sandboxId: string): Asker {
		const forwards = (): boolean => this.#zone.find(sandboxId)?.forwards ?? false;
		return {
			ttlSeconds: this.#parts.ttlSeconds,
			get forwards() {
				return forwards();
			},
			lookUp: (key: NameKey): Found => this.#zone.lookUp(sandboxId, key),
		};
	}
}
