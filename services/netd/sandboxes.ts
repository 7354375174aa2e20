/** Sandboxes: network namespaces that netd makes, or takes in, and what they take with them when they end. */
import type { Ip } from "#lib/address/ip.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { ConstraintError } from "#lib/store/store.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import { deleteEndpointRow, type Endpoint } from "./endpoint.ts";
import { endpointFacts, sandboxFact } from "./facts.ts";
import { faults } from "./faults.ts";
import { newId, shortId } from "./id.ts";
import type { Parts } from "./parts.ts";
import * as rows from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { giveUp, takeDown } from "./teardown.ts";
import { collect, Undo } from "#lib/concurrency/undo.ts";

export interface SandboxSpec {
	readonly holder: string;
	readonly owner: string;
	readonly name: string;
	/** Take in this namespace instead of making one. */
	readonly adoptPath: string | undefined;
	readonly dnsServers: readonly Ip[];
	/** Undefined: the first 12 digits of the owner. */
	readonly hostname: string | undefined;
}

export interface SandboxFilter {
	readonly holder: string | undefined;
	readonly owner: string | undefined;
}

/** One without an address has never been told of as connected. */
function goneFacts(endpoint: Endpoint): ReturnType<typeof endpointFacts> {
	return endpoint.addresses.length === 0 ? [] : endpointFacts("DISCONNECTED", endpoint);
}

/** The kernel takes this long at most to end a namespace that nobody holds; a link that is there after it has a holder. */
const NAMESPACE_END_MS = 1_000;

export class Sandboxes {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	get(id: string): Sandbox {
		return this.#parts.records.getSandbox(id, "id");
	}

	/** Its resolver is there while a network of it resolves names. */
	hasResolver(id: string): boolean {
		return this.#parts.names.find(id) !== undefined;
	}

	list({ holder, owner }: SandboxFilter, page: PageRequest): Page<Sandbox> {
		const { records } = this.#parts;
		const sandboxes = records.sandboxes(
			[
				holder === undefined ? undefined : ["holder = ?", holder],
				owner === undefined ? undefined : ["owner = ?", owner],
			],
			page,
		);
		return pageOf(sandboxes, page.limit, ({ seq }) => seq);
	}

	async create(spec: SandboxSpec, call: Mutation<Sandbox>): Promise<Sandbox> {
		const { kernel, locks, store, log, unfinished } = this.#parts;
		if (spec.adoptPath !== undefined && !kernel.namespaces.isNamespace(spec.adoptPath)) {
			throw faults.NOT_A_NAMESPACE({ path: spec.adoptPath }, { field: "adopt_path" });
		}
		const sandbox = this.#intent(spec);
		using _turn = await locks.take(sandbox.id, call.signal);
		await this.#insert(sandbox);
		await using undo = new Undo(
			{
				discard: () => store.write([rows.deleteSandboxRow(sandbox.id)], "sandbox.discarded"),
				park: async () => {
					await store.write([rows.parkSandbox(sandbox.id)], "sandbox.parked");
					unfinished();
				},
			},
			log,
		);
		if (!sandbox.adopted) {
			undo.defer(() => kernel.namespaces.remove(sandbox.netnsPath));
			kernel.namespaces.create(sandbox.netnsPath);
		}
		call.signal.throwIfAborted();
		const active: Sandbox = { ...sandbox, status: { state: "active" } };
		await store.write(
			[rows.activateSandbox(sandbox.id), sandboxFact("CREATED", active), ...call.answer(active)],
			"sandbox.active",
		);
		undo.done();
		return active;
	}

	/** False: it was gone already. */
	async delete(id: string, call: Mutation<boolean>): Promise<boolean> {
		const { records, locks, store, unfinished } = this.#parts;
		using _turn = await locks.take(id, call.signal);
		const sandbox = records.sandbox(id);
		if (sandbox === undefined) return false;
		await store.write(rows.beginDeletingSandbox(id), "sandbox.deleting");
		if (!(await this.finish(sandbox, () => call.answer(true)))) unfinished();
		return true;
	}

	/** Takes a sandbox that is `creating` or `deleting` to its end; true when nothing of it is left. The turn is the caller's. */
	async finish(sandbox: Sandbox, answer: () => ReturnType<Mutation<boolean>["answer"]> = () => []): Promise<boolean> {
		const { records, store, names, kernel, reaper, log } = this.#parts;
		const endpoints = records.endpointsOf(sandbox.id);
		const told = names.find(sandbox.id) !== undefined;
		// A resolver's sockets hold the namespace: it closes them, and says so.
		const closing = told ? names.settled(names.put(sandbox.id, undefined)) : Promise.resolve(true);
		let clean = true;
		for (const endpoint of endpoints) {
			clean = (await takeDown(this.#parts, endpoint, sandbox, { ending: true })) && clean;
		}
		const closed = await closing;
		const released = await collect([() => this.#release(sandbox)], (error) =>
			log.error("a sandbox's namespace could not be removed", { sandbox: sandbox.id, err: error }),
		);
		if (!clean || !released) return false;
		const wasActive = sandbox.status.state !== "creating";
		await store.write(
			[
				...endpoints.flatMap((endpoint) => [deleteEndpointRow(endpoint.id), ...goneFacts(endpoint)]),
				rows.deleteSandboxRow(sandbox.id),
				...(wasActive ? [sandboxFact("DELETED", sandbox)] : []),
				...answer(),
			],
			"sandbox.deleted",
		);
		for (const endpoint of endpoints) giveUp(this.#parts, endpoint);
		const waits = closed && !sandbox.adopted && !kernel.namespaces.isNamespace(sandbox.netnsPath);
		const legs = endpoints.map(({ hostInterface }) => hostInterface);
		if (legs.length > 0) reaper.removeLegs(sandbox.id, legs, waits ? NAMESPACE_END_MS : 0);
		return true;
	}

	/** One that was taken in stays, without what netd put there. */
	#release({ adopted, netnsPath }: Sandbox): void {
		const { kernel } = this.#parts;
		if (!adopted) kernel.namespaces.remove(netnsPath);
		else if (kernel.namespaces.isNamespace(netnsPath)) kernel.resolver.remove(netnsPath);
	}

	#intent(spec: SandboxSpec): Sandbox {
		const id = newId();
		return {
			seq: 0,
			id,
			holder: spec.holder,
			owner: spec.owner,
			name: spec.name,
			hostname: spec.hostname ?? shortId(spec.owner),
			netnsPath: spec.adoptPath ?? this.#parts.netnsPath(id),
			adopted: spec.adoptPath !== undefined,
			status: { state: "creating" },
			createdAt: new Date(),
			dnsServers: spec.dnsServers,
			resolverPort: rows.pickResolverPort(),
		};
	}

	async #insert(sandbox: Sandbox): Promise<void> {
		try {
			await this.#parts.store.intend([rows.insertSandbox(sandbox)], "sandbox.creating");
		} catch (error) {
			if (!(error instanceof ConstraintError)) throw error;
			throw faults.SANDBOX_EXISTS({ holder: sandbox.holder, owner: sandbox.owner }, { field: "owner" });
		}
	}
}
