/**
 * Endpoints: connecting a sandbox to a network, and taking it off again.
 *
 * One operation at a time on a sandbox. That network and sandbox are there, that the sandbox is not on the network yet and that
 * nobody has the port is decided by the row's insertion, before the first effect.
 */
import { setImmediate } from "node:timers/promises";
import type { IfName } from "#lib/address/if-name.ts";
import type { Ip } from "#lib/address/ip.ts";
import { type Mac, macFromIp } from "#lib/address/mac.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { ChangesError, ConstraintError } from "#lib/store/store.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import { allDone } from "./all-done.ts";
import { refuseAddresses } from "./asked-addresses.ts";
import { attachmentsOf, refuseJoined } from "./attachments.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import * as rows from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { type EndpointView, endpointView, storedEndpointView } from "./endpoint-view.ts";
import { parseEndpointOptions } from "./endpoint-options.ts";
import { endpointFacts } from "./facts.ts";
import { faults } from "./faults.ts";
import { freeInterface } from "./free-interface.ts";
import { legName, newId } from "./id.ts";
import { type Network, noteOtherMac, type TextMap } from "./network.ts";
import { hasOwnMac } from "./own-mac.ts";
import type { Parts } from "./parts.ts";
import { insertPorts, type Port } from "./port.ts";
import { isPortConflict, portConflict } from "./port-conflict.ts";
import { refuseContradiction } from "./gateway-priority.ts";
import {
	boundPorts,
	hostFamilies,
	publicationsOf,
	refuseUnpublishable,
	shortcutsOf,
	shortcutsWithout,
} from "./publications.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Attachment, defaultRoutes, sourceRoutes } from "./sandbox-view.ts";
import { giveUp, releaseLeases, takeDown } from "./teardown.ts";
import { tellNames } from "./tell-names.ts";
import { takeAddresses } from "./take-addresses.ts";
import { Undo } from "#lib/concurrency/undo.ts";

export interface ConnectSpec {
	readonly network: string;
	readonly sandboxId: string;
	/** At most one of each family; what is not said is automatic. */
	readonly addresses: readonly Ip[];
	readonly mac: Mac | undefined;
	readonly aliases: readonly string[];
	/** Names for the sandbox alone, each with the name of the one that it stands for. */
	readonly links: TextMap;
	readonly gatewayPriority: number;
	readonly options: TextMap;
	readonly ports: readonly Port[];
}

export interface Connected {
	readonly view: EndpointView;
	/** A resolver has not said in time that it shows this. */
	readonly namesLag: boolean;
}

export interface Disconnected {
	readonly disconnected: boolean;
	readonly namesLag: boolean;
}

export interface EndpointFilter {
	/** Id, unique beginning of an id, or name. */
	readonly network: string | undefined;
	readonly sandboxId: string | undefined;
}

/** What connecting is about, as it was when its turn came. */
interface Connecting {
	readonly network: Network;
	readonly driver: LinkedDriver;
	readonly sandbox: Sandbox;
	/** The sandbox's other endpoints that are there. */
	readonly others: readonly Attachment[];
	/** Of all its endpoints, also of those on their way in or out. */
	readonly interfaces: readonly IfName[];
	/** The one that was asked for. */
	readonly asked: IfName | undefined;
}

export class Endpoints {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	get(id: string): EndpointView {
		const { records } = this.#parts;
		return storedEndpointView(records, records.getEndpoint(id, "id"));
	}

	list({ network, sandboxId }: EndpointFilter, page: PageRequest): Page<EndpointView> {
		const { records } = this.#parts;
		const endpoints = records.endpoints(
			[
				network === undefined ? undefined : ["network_id = ?", records.getNetwork(network).id],
				sandboxId === undefined ? undefined : ["sandbox_id = ?", sandboxId],
			],
			page,
		);
		return pageOf(
			endpoints.map((endpoint) => storedEndpointView(records, endpoint)),
			page.limit,
			({ seq }) => seq,
		);
	}

	async connect(spec: ConnectSpec, call: Mutation<Connected>): Promise<Connected> {
		const { kernel, locks, store, reservations, reaper, log, unfinished } = this.#parts;
		using _turn = await locks.take(spec.sandboxId, call.signal);
		const at = await this.#prepare(spec);
		const { network, sandbox, driver } = at;
		using _inside = kernel.links.visit(sandbox.netnsPath);
		const ports = reservations.reserve(boundPorts(spec.ports, network, driver), hostFamilies(network, driver));
		using reserved = new DisposableStack();
		reserved.defer(() => reservations.release(ports));

		const intent = this.#intent(spec, at, ports);
		await this.#insert(intent, at);
		await using undo = new Undo(
			{
				discard: () => store.write([rows.deleteEndpointRow(intent.id)], "endpoint.discarded"),
				park: async () => {
					unfinished();
					await store.write([rows.parkEndpoint(intent.id)], "endpoint.parked");
				},
			},
			log,
		);

		const leasing = this.#lease(intent, spec, at, undo, call.signal);
		const [endpoint] = await allDone([leasing, this.#link(intent, at, undo)] as const);
		const all = [...at.others, { endpoint, network }];
		// While resolvers take the names in, the rest is done; that they lag behind is the exception.
		const telling = tellNames(this.#parts, { sandbox, all, concerns: network.resolvesNames, undo });
		await this.#address(endpoint, at, undo);
		call.signal.throwIfAborted();

		const active: Endpoint = { ...endpoint, status: { state: "active" } };
		const attachment = { endpoint: active, network };
		const view = endpointView(attachment, sandbox, [...at.others, attachment]);
		const answer = call.answer({ view, namesLag: false });
		await store.write(
			[
				rows.activateEndpoint(active),
				...(hasOwnMac(network, active) ? [] : [noteOtherMac(network.id)]),
				...endpointFacts("CONNECTED", active),
				...answer,
			],
			"endpoint.active",
		);
		undo.done();
		reserved.move();
		// Who has been sending there all the time, without connections, is tracked as on the way to the host.
		reaper.removeFlows(
			ports.filter(({ protocol }) => protocol !== "tcp"),
			[],
		);
		return { view, namesLag: await telling };
	}

	async disconnect(id: string, call: Mutation<Disconnected>): Promise<Disconnected> {
		const { kernel, records, locks, store, reaper, unfinished } = this.#parts;
		const found = records.endpoint(id);
		if (found === undefined) return { disconnected: false, namesLag: false };
		using _turn = await locks.take(found.sandboxId, call.signal);
		const endpoint = records.endpoint(id);
		const sandbox = records.sandbox(found.sandboxId);
		if (endpoint === undefined || sandbox === undefined) return { disconnected: false, namesLag: false };

		using _inside = kernel.links.visit(sandbox.netnsPath);
		await store.intend([rows.parkEndpoint(id)], "endpoint.deleting");
		const resolves = this.#parts.names.find(sandbox.id) !== undefined;
		// The names go first, and while a resolver takes them in, the rest does.
		const telling = tellNames(this.#parts, { sandbox, all: attachmentsOf(records, sandbox.id), concerns: resolves });
		await setImmediate();
		const clean = await takeDown(this.#parts, endpoint, sandbox, { ending: false });
		if (!clean) {
			unfinished();
			return { disconnected: true, namesLag: await telling };
		}
		const facts = endpointFacts("DISCONNECTED", endpoint);
		const answer = call.answer({ disconnected: true, namesLag: false });
		const [released] = await allDone([
			releaseLeases(this.#parts, [endpoint]),
			store.write([rows.deleteEndpointRow(id), ...facts, ...answer], "endpoint.deleted"),
		] as const);
		if (!released) unfinished();
		reaper.removeLegs(sandbox.id, [endpoint.hostInterface]);
		giveUp(this.#parts, endpoint);
		return { disconnected: true, namesLag: await telling };
	}

	/** Takes an endpoint that is `creating` or `deleting` to its end; true when nothing of it is left. The turn is the caller's. */
	async finish(endpoint: Endpoint, sandbox: Sandbox): Promise<boolean> {
		const { store, kernel } = this.#parts;
		if (!(await takeDown(this.#parts, endpoint, sandbox, { ending: false }))) return false;
		if (!(await releaseLeases(this.#parts, [endpoint]))) return false;
		await kernel.links.removeLeg(endpoint.hostInterface);
		// One without an address has never been told of as connected.
		const facts = endpoint.addresses.length === 0 ? [] : endpointFacts("DISCONNECTED", endpoint);
		await store.write([rows.deleteEndpointRow(endpoint.id), ...facts], "endpoint.deleted");
		giveUp(this.#parts, endpoint);
		return true;
	}

	/** All that can be refused before the first effect, with everything as it is now that it is this operation's turn. */
	async #prepare({
		network: ref,
		sandboxId,
		addresses,
		ports,
		gatewayPriority,
		options,
	}: ConnectSpec): Promise<Connecting> {
		const { records, drivers, reaper } = this.#parts;
		await reaper.settled(sandboxId);
		const asked = parseEndpointOptions(options);
		const network = records.getNetwork(ref);
		const sandbox = records.getSandbox(sandboxId);
		refuseJoined(records, sandbox);
		const driver = drivers.linked(network);
		if (network.config !== undefined)
			throw faults.NETWORK_IS_CONFIG_ONLY({ network: network.name }, { field: "network" });
		if (driver === undefined) {
			throw faults.NETWORK_HAS_NO_ENDPOINTS({ network: network.name, driver: network.driver }, { field: "network" });
		}
		refuseAddresses(addresses, network);
		if (network.status.state !== "active") {
			throw faults.NETWORK_NOT_READY({ network: network.name, state: network.status.state }, { field: "network" });
		}
		if (sandbox.status.state !== "active") {
			throw faults.SANDBOX_NOT_READY({ sandbox: sandbox.name, state: sandbox.status.state }, { field: "sandbox_id" });
		}
		let endpoints = records.endpointsOf(sandbox.id);
		const present = endpoints.find(({ networkId }) => networkId === network.id);
		if (present !== undefined) {
			if (present.status.state !== "deleting" || !(await this.finish(present, sandbox))) {
				throw faults.ALREADY_CONNECTED({ sandbox: sandbox.name, network: network.name }, { field: "network" });
			}
			endpoints = endpoints.filter((endpoint) => endpoint !== present);
		}
		refuseUnpublishable(ports, network, driver, sandbox.name);
		const others = attachmentsOf(records, sandbox.id, endpoints);
		refuseContradiction({ network, gatewayPriority }, others);
		const interfaces = endpoints.map((endpoint) => endpoint.interface);
		return { network, driver, sandbox, others, interfaces, asked: asked.interface };
	}

	#intent(
		{ mac, aliases, links, gatewayPriority, options }: ConnectSpec,
		at: Connecting,
		ports: readonly Port[],
	): Endpoint {
		const { network, driver, sandbox } = at;
		const names = [...this.#parts.kernel.links.interfaces(sandbox.netnsPath), ...at.interfaces];
		const id = newId();
		return {
			seq: 0,
			id,
			networkId: network.id,
			sandboxId: sandbox.id,
			status: { state: "creating" },
			createdAt: new Date(),
			interface: freeInterface(at.asked, driver.interfacePrefix(network), names, sandbox.name),
			hostInterface: legName(id),
			mac,
			addresses: [],
			aliases,
			links,
			gatewayPriority,
			options,
			ports,
		};
	}

	async #insert(endpoint: Endpoint, { network, sandbox, driver }: Connecting): Promise<void> {
		const { store } = this.#parts;
		const alone = driver.takesOne(network);
		try {
			const ports = insertPorts(endpoint.id, endpoint.ports);
			const other = endpoint.mac === undefined ? [] : [noteOtherMac(network.id)];
			await store.intend([rows.insertEndpoint(endpoint, { alone }), ...ports, ...other], "endpoint.creating");
		} catch (error) {
			if (error instanceof ChangesError) {
				if (alone) this.#refuseSecond(network);
				throw faults.NETWORK_NOT_READY({ network: network.name, state: "being removed" }, { field: "network" });
			}
			if (!(error instanceof ConstraintError)) throw error;
			if (isPortConflict(error)) throw portConflict(this.#parts.records, endpoint.ports);
			throw faults.ALREADY_CONNECTED({ sandbox: sandbox.name, network: network.name }, { field: "network" });
		}
	}

	#refuseSecond({ id, name: network }: Network): void {
		const { records } = this.#parts;
		const [present] = records.endpoints([["network_id = ?", id]]);
		if (present === undefined) return;
		const holder = records.sandboxName(present.sandboxId);
		throw faults.NETWORK_TAKES_ONE({ network, holder }, { field: "network" });
	}

	async #lease(
		intent: Endpoint,
		{ addresses: asked, mac }: ConnectSpec,
		{ network, sandbox }: Connecting,
		undo: Undo,
		signal: AbortSignal,
	): Promise<Endpoint> {
		const { allocator } = this.#parts;
		const wishes = network.subnets.map(({ id: subnetId, cidr }) => ({
			subnetId,
			address: asked.find(({ family }) => family === cidr.family),
		}));
		const spec = { owner: intent.id, wishes, mac, name: sandbox.name };
		const addresses = await takeAddresses(allocator, spec, undo, signal);
		killPoint("netd.endpoint.leased");
		const [first] = addresses;
		return { ...intent, addresses, mac: mac ?? (first && macFromIp(first.ip)) };
	}

	/** What needs no address, while another process is asked for one: the link and, with the first network that resolves names, the resolver's rewrite. */
	async #link(intent: Endpoint, { network, driver, sandbox, others }: Connecting, undo: Undo): Promise<void> {
		const { kernel, pace } = this.#parts;
		await setImmediate(); // the request for the address leaves first
		await pace.next();
		undo.defer(() => driver.removeLink({ endpoint: intent, netnsPath: sandbox.netnsPath }));
		await driver.ensureLink(network, intent, sandbox.netnsPath);
		if (!network.resolvesNames || others.some((other) => other.network.resolvesNames)) return;
		await pace.next();
		undo.defer(() => kernel.resolver.remove(sandbox.netnsPath));
		kernel.resolver.ensure(sandbox.netnsPath, sandbox.resolverPort);
	}

	async #address(endpoint: Endpoint, at: Connecting, undo: Undo): Promise<void> {
		const { network, driver, sandbox } = at;
		await setImmediate(); // what the resolvers are told leaves first
		await this.#parts.pace.next();
		const passing = driver.ensureAddresses(network, endpoint, sandbox.netnsPath);
		await allDone([passing, this.#lead(endpoint, at, undo)]);
	}

	/** Routes and ports, while the bridge begins to forward. */
	async #lead(endpoint: Endpoint, { network, driver, sandbox, others }: Connecting, undo: Undo): Promise<void> {
		const { kernel, drivers } = this.#parts;
		const all = [...others, { endpoint, network }];
		const before = defaultRoutes(others);
		const after = defaultRoutes(all);
		if (before[4] !== after[4] || before[6] !== after[6]) {
			undo.defer(() => kernel.links.ensureDefaultRoutes(sandbox.netnsPath, before));
			kernel.links.ensureDefaultRoutes(sandbox.netnsPath, after);
		}
		const aside = { before: sourceRoutes(others), after: sourceRoutes(all) };
		if (aside.before.length + aside.after.length > 0) {
			undo.defer(() => kernel.links.ensureSourceRoutes(sandbox.netnsPath, aside.before));
			kernel.links.ensureSourceRoutes(sandbox.netnsPath, aside.after);
		}
		const shortcuts = shortcutsWithout(shortcutsOf(drivers, all), shortcutsOf(drivers, others));
		undo.defer(() => kernel.firewall.removeShortcuts(shortcuts));
		kernel.firewall.ensureShortcuts(shortcuts);
		const publications = publicationsOf(endpoint, driver.reachOf(network));
		undo.defer(() => kernel.firewall.removePublished(publications, []));
		kernel.firewall.ensurePublished(publications);
	}
}
