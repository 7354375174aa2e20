/** Sandboxes: network namespaces that netd makes, takes in, or lets several share; and what they take with them when they end. */
import type { Ip } from "#lib/address/ip.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { ChangesError, ConstraintError } from "#lib/store/store.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import { deleteEndpointRow, type Endpoint } from "./endpoint.ts";
import { endpointFacts, sandboxFact } from "./facts.ts";
import { faults } from "./faults.ts";
import { nameOf, newId, shortId } from "./id.ts";
import type { NamespaceRef, OpenNamespace } from "./kernel/namespaces.ts";
import type { Parts } from "./parts.ts";
import * as rows from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { allDone } from "./all-done.ts";
import { dnsServersOf } from "./sandbox-view.ts";
import { giveUp, isOutlived, releaseLeases, takeDown } from "./teardown.ts";
import { collect, Undo } from "#lib/concurrency/undo.ts";

export interface SandboxSpec {
	readonly holder: string;
	readonly owner: string;
	readonly name: string;
	/** Take in this namespace instead of making one. */
	readonly adoptPath: string | undefined;
	/** Take in this process's. */
	readonly adoptPid: number | undefined;
	/** Share this sandbox's. */
	readonly join: string | undefined;
	readonly dnsServers: readonly Ip[];
	/** Undefined: the first 12 digits of the owner. */
	readonly hostname: string | undefined;
}

export interface Resolving {
	/** While a network of it resolves names. */
	readonly hasResolver: boolean;
	/** None: the host's. */
	readonly dnsServers: readonly Ip[];
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

	/** How names are asked in it, as of now. */
	resolving(sandbox: Sandbox): Resolving {
		const { names, records, dnsServers } = this.#parts;
		const told = names.find(sandbox.joined ?? sandbox.id);
		if (told !== undefined) return { hasResolver: names.find(sandbox.id) !== undefined, dnsServers: told.dnsServers };
		const owner = sandbox.joined === undefined ? undefined : records.sandbox(sandbox.joined);
		// One that no resolver is told of has no networks that say where: those resolve names.
		return { hasResolver: false, dnsServers: dnsServersOf(owner ?? sandbox, [], dnsServers) };
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
		if (spec.join !== undefined) return this.#share(spec, spec.join, call);
		const { kernel, locks, pace, store, log, unfinished } = this.#parts;
		using adopted = this.#open(spec);
		const sandbox = this.#intent(spec, { adopted: adopted !== undefined });
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
		undo.defer(() => kernel.namespaces.remove(sandbox.netnsPath));
		await pace.next();
		if (adopted === undefined) kernel.namespaces.create(sandbox.netnsPath);
		else adopted.pin(sandbox.netnsPath);
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
		await store.intend(rows.beginDeletingSandbox(sandbox), "sandbox.deleting");
		if (!(await this.finish(sandbox, () => call.answer(true)))) unfinished();
		return true;
	}

	/** Takes a sandbox that is `creating` or `deleting` to its end; true when nothing of it is left. The turn is the caller's. */
	async finish(sandbox: Sandbox, answer: () => ReturnType<Mutation<boolean>["answer"]> = () => []): Promise<boolean> {
		if (sandbox.joined !== undefined) return this.#finishJoined(sandbox, answer);
		const { records, store, names, kernel, reaper, log, unfinished } = this.#parts;
		const endpoints = records.endpointsOf(sandbox.id);
		const told = names.find(sandbox.id) !== undefined;
		// A resolver's sockets hold the namespace: it closes them, and says so.
		const closing = told ? names.settled(names.put(sandbox.id, undefined)) : Promise.resolve(true);
		let clean = true;
		for (const endpoint of endpoints) {
			clean = (await takeDown(this.#parts, endpoint, sandbox, { ending: true })) && clean;
		}
		const closed = await closing;
		const outlived = isOutlived(this.#parts, sandbox);
		const released = await collect([() => this.#release(sandbox, outlived)], (error) =>
			log.error("a sandbox's namespace could not be removed", { sandbox: sandbox.id, err: error }),
		);
		if (!clean || !released) return false;
		const wasActive = sandbox.status.state !== "creating";
		const releasing = releaseLeases(this.#parts, endpoints);
		const storing = store.write(
			[
				...endpoints.flatMap((endpoint) => [deleteEndpointRow(endpoint.id), ...goneFacts(endpoint)]),
				rows.deleteSandboxRow(sandbox.id),
				...(wasActive ? [sandboxFact("DELETED", sandbox)] : []),
				...answer(),
			],
			"sandbox.deleted",
		);
		const [, leasesReleased] = await allDone([storing, releasing] as const);
		if (!leasesReleased) unfinished();
		for (const endpoint of endpoints) giveUp(this.#parts, endpoint);
		const waits = closed && !outlived && !kernel.namespaces.isNamespace(sandbox.netnsPath);
		const legs = endpoints.map(({ hostInterface }) => hostInterface);
		if (legs.length > 0) reaper.removeLegs(sandbox.id, legs, waits ? NAMESPACE_END_MS : 0);
		return true;
	}

	/** A namespace that others hold as well stays, without what netd put there. */
	#release({ id, netnsPath }: Sandbox, outlived: boolean): void {
		const { kernel } = this.#parts;
		if (outlived && kernel.namespaces.isNamespace(netnsPath)) kernel.resolver.remove(netnsPath);
		// One that was taken in before netd held such namespaces is at its owner's path.
		if (netnsPath === this.#parts.netnsPath(id)) kernel.namespaces.remove(netnsPath);
	}

	/** It has nothing of its own in the kernel: one write makes it, or does not. */
	async #share(spec: SandboxSpec, ref: string, call: Mutation<Sandbox>): Promise<Sandbox> {
		const { records, store } = this.#parts;
		const named = records.getSandbox(ref, "join_sandbox_id");
		const owner = named.joined === undefined ? named : records.sandbox(named.joined);
		if (owner === undefined) throw notReady(named);
		const { id: joined, netnsPath, hostname, dnsServers } = owner;
		const sandbox = this.#intent({ ...spec, hostname, dnsServers }, { joined, netnsPath });
		const active: Sandbox = { ...sandbox, status: { state: "active" } };
		try {
			const statements = [rows.insertSandbox(active), sandboxFact("CREATED", active), ...call.answer(active)];
			await store.write(statements, "sandbox.joined");
		} catch (error) {
			if (!(error instanceof ChangesError)) throw taken(error, sandbox);
			throw notReady(records.getSandbox(joined, "join_sandbox_id"));
		}
		return active;
	}

	async #finishJoined(sandbox: Sandbox, answer: () => ReturnType<Mutation<boolean>["answer"]>): Promise<boolean> {
		const statements = [rows.deleteSandboxRow(sandbox.id), sandboxFact("DELETED", sandbox), ...answer()];
		await this.#parts.store.write(statements, "sandbox.left");
		return true;
	}

	/** What is to be taken in, opened and judged; undefined: a namespace is to be made. */
	#open({ adoptPath, adoptPid }: SandboxSpec): OpenNamespace | undefined {
		const ref = refOf(adoptPath, adoptPid);
		if (ref === undefined) return undefined;
		const { kernel, records } = this.#parts;
		const found = kernel.namespaces.open(ref);
		const [holder] = found.pinnedAt === undefined ? [] : records.sandboxes([["netns_path = ?", found.pinnedAt]]);
		if (holder === undefined) return found;
		found[Symbol.dispose]();
		const field = "path" in ref ? "adopt_path" : "adopt_pid";
		throw faults.NAMESPACE_TAKEN({ sandbox: nameOf(holder) }, { field });
	}

	#intent(spec: SandboxSpec, more: Partial<Pick<Sandbox, "adopted" | "joined" | "netnsPath">>): Sandbox {
		const id = newId();
		return {
			seq: 0,
			id,
			holder: spec.holder,
			owner: spec.owner,
			name: spec.name,
			hostname: spec.hostname ?? shortId(spec.owner),
			netnsPath: this.#parts.netnsPath(id),
			adopted: false,
			joined: undefined,
			status: { state: "creating" },
			createdAt: new Date(),
			dnsServers: spec.dnsServers,
			resolverPort: rows.pickResolverPort(),
			...more,
		};
	}

	async #insert(sandbox: Sandbox): Promise<void> {
		try {
			await this.#parts.store.intend([rows.insertSandbox(sandbox)], "sandbox.creating");
		} catch (error) {
			throw taken(error, sandbox);
		}
	}
}

function notReady(sandbox: Sandbox): Error {
	const { state } = sandbox.status;
	return faults.SANDBOX_NOT_READY({ sandbox: nameOf(sandbox), state }, { field: "join_sandbox_id" });
}

function refOf(path: string | undefined, pid: number | undefined): NamespaceRef | undefined {
	if (path !== undefined) return { path };
	return pid === undefined ? undefined : { pid };
}

function taken(error: unknown, { holder, owner }: Sandbox): unknown {
	if (!(error instanceof ConstraintError)) return error;
	return faults.SANDBOX_EXISTS({ holder, owner }, { field: "owner" });
}
