/** Ports of an endpoint that is there already: published and unpublished while its container runs. */
import type { Mutation } from "#lib/rpc/handler.ts";
import { ConstraintError } from "#lib/store/store.ts";
import { attachmentOf } from "./attachments.ts";
import type { Endpoint } from "./endpoint.ts";
import { type EndpointView, storedEndpointView } from "./endpoint-view.ts";
import { portFacts } from "./facts.ts";
import { faults } from "./faults.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import type { Network } from "./network.ts";
import type { Parts } from "./parts.ts";
import { deletePorts, insertPorts, type Port, portKey } from "./port.ts";
import { isPortConflict, portConflict } from "./port-conflict.ts";
import { boundPorts, hostFamilies, publicationsOf, refuseUnpublishable } from "./publications.ts";
import type { Attachment } from "./sandbox-view.ts";
import { isThere } from "./status.ts";

export interface PublishSpec {
	readonly endpointId: string;
	readonly ports: readonly Port[];
}

export interface UnpublishSpec {
	readonly endpointId: string;
	/** None: all of them. Of one with a port of the host's, the container's does not matter. */
	readonly ports: readonly Port[];
}

export class PublishedPorts {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** All or none. What the endpoint has under the same port of the host is success when it is the same, else PORT_IN_USE. */
	async publish({ endpointId, ports: asked }: PublishSpec, call: Mutation<EndpointView>): Promise<EndpointView> {
		const { records, store, reservations, reaper } = this.#parts;
		using turn = await this.#turn(endpointId, call.signal);
		const { endpoint, network } = turn;
		const driver = this.#parts.drivers.getLinked(network);
		refuseUnpublishable(asked, network, driver, records.getSandbox(endpoint.sandboxId).name);
		const fresh = boundPorts(asked, network, driver).filter(
			(port) => port.hostPortEnd !== undefined || !has(endpoint, port),
		);
		const ports = reservations.reserve(fresh, hostFamilies(network, driver));
		using reserved = new DisposableStack();
		reserved.defer(() => reservations.release(ports));

		const after: Endpoint = { ...endpoint, ports: [...endpoint.ports, ...ports] };
		const view = this.#view(after);
		// The rows before the elements: a crash between them is an element that reconciliation puts there. A power cut takes both.
		await this.#insert(endpoint, ports);
		try {
			this.#ensureElements(after, network, ports);
			await store.write([...portFacts("PUBLISHED", endpoint.id, ports), ...call.answer(view)], "ports.published");
		} catch (error) {
			await this.#takeBack(after, network, ports);
			throw error;
		}
		reserved.move();
		reaper.removeFlows(ports, []);
		return view;
	}

	/** What is not published is success. */
	async unpublish({ endpointId, ports: asked }: UnpublishSpec, call: Mutation<EndpointView>): Promise<EndpointView> {
		const { store, reservations, reaper } = this.#parts;
		using turn = await this.#turn(endpointId, call.signal);
		const { endpoint, network } = turn;
		const keys = new Set(asked.map(portKey));
		const going = endpoint.ports.filter((port) => keys.size === 0 || keys.has(portKey(port)));
		const after: Endpoint = { ...endpoint, ports: endpoint.ports.filter((port) => !going.includes(port)) };
		this.#removeElements(endpoint, network, going);
		const view = this.#view(after);
		await store.write(
			[...deletePorts(endpoint.id, going), ...portFacts("UNPUBLISHED", endpoint.id, going), ...call.answer(view)],
			"ports.deleted",
		);
		reservations.release(going);
		reaper.removeFlows(going, []);
		return view;
	}

	/** The endpoint as it is once nobody else is at work on its sandbox. */
	async #turn(endpointId: string, signal: AbortSignal): Promise<Attachment & Disposable> {
		const { records, locks } = this.#parts;
		const turn = await locks.take(records.getEndpoint(endpointId).sandboxId, signal);
		try {
			const attachment = attachmentOf(records, records.getEndpoint(endpointId));
			if (!isThere(attachment.endpoint))
				throw faults.ENDPOINT_NOT_FOUND({ endpoint: endpointId }, { field: "endpoint_id" });
			return { ...attachment, [Symbol.dispose]: () => turn[Symbol.dispose]() };
		} catch (error) {
			turn[Symbol.dispose]();
			throw error;
		}
	}

	#view(endpoint: Endpoint): EndpointView {
		return { ...storedEndpointView(this.#parts.records, endpoint), endpoint };
	}

	#ensureElements(endpoint: Endpoint, network: Network, ports: readonly Port[]): void {
		const { kernel } = this.#parts;
		if (ports.length > 0 && endpoint.ports.length === ports.length)
			kernel.links.setHairpin(endpoint.hostInterface, true);
		kernel.firewall.ensurePublished(publicationsOf({ ...endpoint, ports }, this.#reachOf(network)));
	}

	#removeElements(endpoint: Endpoint, network: Network, going: readonly Port[]): void {
		const { kernel } = this.#parts;
		const reach = this.#reachOf(network);
		const kept = endpoint.ports.filter((port) => !going.includes(port));
		kernel.firewall.removePublished(
			publicationsOf({ ...endpoint, ports: going }, reach),
			publicationsOf({ ...endpoint, ports: kept }, reach),
		);
		if (going.length > 0 && kept.length === 0) kernel.links.setHairpin(endpoint.hostInterface, false);
	}

	#reachOf(network: Network): ReturnType<LinkedDriver["reachOf"]> {
		return this.#parts.drivers.getLinked(network).reachOf(network);
	}

	async #insert({ id }: Endpoint, ports: readonly Port[]): Promise<void> {
		const { store, records } = this.#parts;
		try {
			await store.intend(insertPorts(id, ports), "ports.inserted");
		} catch (error) {
			throw error instanceof ConstraintError && isPortConflict(error) ? portConflict(records, ports) : error;
		}
	}

	async #takeBack(endpoint: Endpoint, network: Network, ports: readonly Port[]): Promise<void> {
		const { store, log, unfinished } = this.#parts;
		try {
			this.#removeElements(endpoint, network, ports);
		} catch (error) {
			log.error("published ports could not be taken back", { endpoint: endpoint.id, err: error });
			unfinished();
		}
		await store.write(deletePorts(endpoint.id, ports), "ports.discarded");
	}
}

function has({ ports }: Endpoint, wanted: Port): boolean {
	return ports.some((port) => portKey(port) === portKey(wanted) && port.containerPort === wanted.containerPort);
}
