/**
 * The resolver of all sandboxes: the zone as it is now, the sockets, and the way out.
 *
 * A change is in the answers and in the sockets when `replaceAll`, `put` or `remove` has resolved; between changes the zone is
 * one value, so that no answer shows half of a change.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Ip } from "#lib/address/ip.ts";
import type { Log } from "#lib/log/log.ts";
import { type Page, pageOf, type PageRequest } from "#lib/rpc/page.ts";
import { AnswerCache } from "./answer-cache.ts";
import { answer, type Asker } from "./answer.ts";
import { encodeQuery, readAnswer, type ReadableAnswer } from "./codec.ts";
import { CounterBook, type Counters } from "./counters.ts";
import { dnsdFaults } from "./faults.ts";
import { answererOf } from "./handler.ts";
import { type Answerer, RESOLVER_ADDRESS } from "./listener.ts";
import { Listeners } from "./listeners.ts";
import type { NameKey } from "./name.ts";
import { QueryLog } from "./query-log.ts";
import type { TcpLimits } from "./tcp-connection.ts";
import type { Forwarder, ForwarderStatus } from "./upstream/forwarder.ts";
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
	/** Of all sandboxes, with those that are gone. */
	readonly counters: Counters;
	readonly forwarder: ForwarderStatus;
	readonly failures: readonly string[];
}

/** A sandbox's view of the names; another number when it may be another. */
interface View {
	number: number;
}

export interface ServedSandbox {
	readonly sandbox: Sandbox;
	/** Where its unknown names are asked; empty: nowhere. */
	readonly upstreams: readonly string[];
	readonly counters: Counters;
}

export interface LocalAnswer extends ReadableAnswer {
	/** Where it would be asked, when it is not a local name. */
	readonly upstreams: readonly string[];
}

/** Sockets are opened in parcels, so that queries are answered meanwhile. */
const PARCEL = 32;

export class Resolver implements AsyncDisposable {
	/** What is asked, for whoever watches. */
	readonly queries = new QueryLog();
	readonly #parts: ResolverParts;
	readonly #listeners: Listeners;
	readonly #answers = new AnswerCache();
	/** By a sandbox's list of addresses. */
	readonly #ownServers = new WeakMap<readonly Ip[], readonly Server[]>();
	readonly #views = new Map<string, View>();
	#lastView = 0;
	readonly #counters = new CounterBook();
	#zone: Zone;

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
		const there = new Set(sandboxes.map(({ id }) => id));
		this.#counters.keepOnly(there);
		for (const id of this.#views.keys()) if (!there.has(id)) this.#views.delete(id);
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
		this.#counters.drop(sandboxId);
	}

	/** What a sandbox would be answered from local names; `name` must be a domain name. */
	lookUp(sandboxId: string, name: string, type: number): LocalAnswer {
		const sandbox = this.#zone.find(sandboxId);
		if (sandbox === undefined || sandbox.resolverPort === 0) {
			throw dnsdFaults.SANDBOX_NOT_SERVED({ sandbox: sandboxId });
		}
		const outcome = answer(encodeQuery(0, name, type), this.#askerOf(sandboxId), "tcp");
		if (outcome.kind === "answer") return { ...readAnswer(outcome.packet), upstreams: [] };
		return { code: "FORWARDED", data: [], upstreams: this.#serversOf(sandbox).map(serverText) };
	}

	/** Those with a resolver, by id. */
	sandboxes({ after, limit }: PageRequest<string>): Page<ServedSandbox, string> {
		const behind = [...this.#zone.sandboxes()].filter(({ id, resolverPort }) => resolverPort > 0 && id > after);
		const { items, next } = pageOf(
			behind.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
			limit,
			({ id }) => id,
		);
		return { items: items.map((sandbox) => this.#served(sandbox)), next };
	}

	/** How many answers of upstream resolvers were kept until now. */
	flushCache(): number {
		this.#answers.clear();
		return this.#parts.forwarder.flush();
	}

	status(): ResolverStatus {
		return {
			sandboxes: this.#listeners.size,
			upstreams: this.#withoutLoops(this.#parts.hostServers()).map(serverText),
			counters: this.#counters.total(),
			forwarder: this.#parts.forwarder.status(),
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
		const view = this.#views.get(sandboxId) ?? { number: ++this.#lastView };
		this.#views.set(sandboxId, view);
		return view;
	}

	async #ensureSockets({ id, netnsPath, resolverPort }: Sandbox): Promise<void> {
		if (resolverPort === 0) await this.#listeners.remove(id);
		else await this.#listeners.ensure({ sandboxId: id, netnsPath, port: resolverPort });
	}

	#served(sandbox: Sandbox): ServedSandbox {
		const upstreams = sandbox.forwards ? this.#serversOf(sandbox).map(serverText) : [];
		return { sandbox, upstreams, counters: this.#counters.of(sandbox.id) };
	}

	#answererOf(sandboxId: string): Answerer {
		const sandbox = (): Sandbox | undefined => this.#zone.find(sandboxId);
		return answererOf({
			asker: this.#askerOf(sandboxId),
			answers: this.#answers,
			view: this.#viewOf(sandboxId),
			counters: this.#counters.of(sandboxId),
			queries: this.queries,
			log: this.#parts.log,
			asking: () => ({ sandboxId, owner: sandbox()?.owner ?? "", container: sandbox()?.name ?? "" }),
			forward: (query, transport, mostNegativeSeconds) => {
				const servers = this.#serversOf(sandbox());
				return this.#parts.forwarder.forward(query, transport, servers, sandboxId, mostNegativeSeconds);
			},
		});
	}

	/** Its own, or the host's; the same list as long as nothing of it changes. */
	#serversOf(sandbox: Sandbox | undefined): readonly Server[] {
		const own = sandbox?.dnsServers ?? [];
		if (own.length === 0) return this.#withoutLoops(this.#parts.hostServers());
		const servers = this.#ownServers.get(own) ?? own.map(serverAt);
		this.#ownServers.set(own, servers);
		return this.#withoutLoops(servers);
	}

	/** 127.0.0.11 is somebody else's on the host (Docker's, where wharf runs in its container) unless we serve the host itself. */
	#withoutLoops(servers: readonly Server[]): readonly Server[] {
		if (!this.#listeners.servesOwnNamespace) return servers;
		const isLoop = ({ address }: Server): boolean => address === RESOLVER_ADDRESS;
		return servers.some(isLoop) ? servers.filter((server) => !isLoop(server)) : servers;
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
