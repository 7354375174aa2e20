/**
 * Networks: made, found, removed; `predefined.ts` has the three that are always there.
 *
 * That a name and an interface are free is decided by the row's insertion, that no endpoint is on a network which goes, by the
 * statement that marks it: both before the first effect.
 */
import type { Ip } from "#lib/address/ip.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { ChangesError, ConstraintError } from "#lib/store/store.ts";
import { type Page, type PageRequest, pageOf } from "#lib/rpc/page.ts";
import type { SubnetSpec, Taken } from "./allocator.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import { networkFact } from "./facts.ts";
import { faults } from "./faults.ts";
import { keepHostSettings } from "./host-settings.ts";
import { newId } from "./id.ts";
import * as rows from "./network.ts";
import type { Network, Subnet, TextMap } from "./network.ts";
import type { Parts } from "./parts.ts";
import { canPublish } from "./publications.ts";
import { takeAddresses } from "./take-addresses.ts";
import { collect, type Intent, Undo } from "#lib/concurrency/undo.ts";

export interface NetworkSpec {
	readonly name: string;
	readonly driver: string;
	/** One a family that the network has. */
	readonly subnets: readonly SubnetSpec[];
	readonly internal: boolean;
	readonly attachable: boolean;
	readonly options: TextMap;
	readonly labels: TextMap;
	/** It is a configuration for other networks. Its driver, if one is given, judges its options. */
	readonly configOnly: boolean;
	/** Id, unique beginning of an id, or name of the configuration whose subnets, options, labels and servers it gets. */
	readonly configFrom: string | undefined;
	/** Where sandboxes on it that say none themselves ask unknown names. */
	readonly dnsServers: readonly Ip[];
}

export interface Created {
	readonly network: Network;
	/** What the user should know; one sentence each. */
	readonly warnings: readonly string[];
}

export interface NetworkFilter {
	readonly names: readonly string[];
	readonly drivers: readonly string[];
	/** An empty value matches any. */
	readonly labels: TextMap;
}

const DEFAULT_DRIVER = "bridge";

/** What an operation adds to what makes a network. */
type Call = Pick<Mutation<Created>, "signal" | "answer">;

/** In a sentence, so many users of a network are named. */
const NAMED_USERS = 10;

export class Networks {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	get(ref: string): Network {
		return this.#parts.records.getNetwork(ref);
	}

	/** Ports of its endpoints can be published. */
	publishes(network: Network): boolean {
		const driver = this.#parts.drivers.linked(network);
		return driver !== undefined && canPublish(network, driver);
	}

	/** The name of the configuration that it was made from. */
	configOf({ configFrom }: Network): string | undefined {
		return configFrom === undefined ? undefined : this.#parts.records.network(configFrom)?.name;
	}

	list({ names, drivers, labels }: NetworkFilter, page: PageRequest): Page<Network> {
		const isOneOf = (column: string, values: readonly string[]) =>
			values.length === 0
				? undefined
				: ([`${column} IN (SELECT value FROM json_each(?))`, JSON.stringify(values)] as const);
		const wanted = JSON.stringify(labels);
		const labelled = `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
			SELECT 1 FROM json_each(networks.labels) AS label WHERE label.key = wanted.key AND wanted.value IN ('', label.value)))`;
		const where = [
			isOneOf("name", names),
			isOneOf("driver", drivers),
			Object.keys(labels).length === 0 ? undefined : ([labelled, wanted] as const),
		];
		return pageOf(this.#parts.records.networks(where, page), page.limit, ({ seq }) => seq);
	}

	/** Those that are on it, oldest first, by the names of their sandboxes. */
	users({ id }: Pick<Network, "id">): string[] {
		const { records } = this.#parts;
		return records.endpoints([["network_id = ?", id]]).map(({ sandboxId }) => records.sandboxName(sandboxId));
	}

	async create(asked: NetworkSpec, call: Call): Promise<Created> {
		if (asked.configOnly) return this.#configure(asked, call);
		const spec = this.#configured(asked);
		const driver = this.#parts.drivers.get(spec.driver || DEFAULT_DRIVER);
		driver.check(spec.options, spec);
		if (driver.kind === "fixed") throw faults.DRIVER_IS_PREDEFINED({ driver: driver.name }, { field: "driver" });
		const id = newId();
		return this.make(
			intent({ ...spec, driver: driver.name, id, interface: driver.interfaceOf(id, spec.options) }),
			spec.subnets,
			driver,
			call,
		);
	}

	async delete(ref: string, call: Mutation<string>): Promise<string> {
		const { records, locks, store, unfinished } = this.#parts;
		const { id } = records.getNetwork(ref);
		using _turn = await locks.take(id, call.signal);
		const network = records.getNetwork(id);
		if (network.predefined) throw faults.NETWORK_PREDEFINED({ network: network.name }, { field: "network" });
		try {
			await store.write([rows.beginDeletingNetwork(id)], "network.deleting");
		} catch (error) {
			if (!(error instanceof ChangesError)) throw error;
			this.#refuseConfigInUse(network);
			throw faults.NETWORK_IN_USE(
				{ network: network.name, endpoints: listed(this.users(network)) },
				{ field: "network" },
			);
		}
		if (!(await this.finish(network, () => call.answer(id)))) unfinished();
		return id;
	}

	/** Takes a network that is `creating` or `deleting` to its end; true when nothing of it is left. The turn is the caller's. */
	async finish(network: Network, answer: () => ReturnType<Mutation<string>["answer"]> = () => []): Promise<boolean> {
		const { store } = this.#parts;
		if (!(await this.takeDown(network))) return false;
		// One without a subnet has never been told of as made.
		const wasMade = network.subnets.length > 0 || network.config !== undefined;
		const facts = wasMade ? [networkFact("DELETED", network)] : [];
		await store.write([rows.deleteNetworkRow(network.id), ...facts, ...answer()], "network.deleted");
		return true;
	}

	/** The network's effects alone; true when nothing of them is left. The turn is the caller's. */
	takeDown(network: Network): Promise<boolean> {
		const { allocator, drivers, log } = this.#parts;
		return collect(
			[
				async () => {
					await drivers.linked(network)?.removeNetwork(network);
				},
				() => this.#releaseHostAddresses(network),
				() => allocator.releaseSubnets(network.id),
				() => killPoint("netd.network.released"),
			],
			(error) => log.error("a part of a network could not be removed", { network: network.id, err: error }),
		);
	}

	/** It has nothing of its own in the kernel or at ipamd: one write makes it, or does not. */
	async #configure(spec: NetworkSpec, call: Call): Promise<Created> {
		const { drivers, store } = this.#parts;
		if (spec.driver !== "") drivers.get(spec.driver).check(spec.options, spec);
		const row = intent({ ...spec, driver: "none", id: newId(), interface: undefined });
		const network: Network = { ...row, status: { state: "active" }, resolvesNames: false, config: spec.subnets };
		const result = { network, warnings: [] };
		const statements = [rows.insertNetwork(network), networkFact("CREATED", network), ...call.answer(result)];
		await this.#orTaken(network, () => store.write(statements, "network.configured"));
		return result;
	}

	/** With what its configuration says. */
	#configured(spec: NetworkSpec): NetworkSpec {
		if (spec.configFrom === undefined) return spec;
		const found = this.#parts.records.getNetwork(spec.configFrom, "config_from");
		const { id, name, config, options, labels, dnsServers } = found;
		if (config === undefined) throw faults.NOT_A_CONFIGURATION({ network: name }, { field: "config_from" });
		return { ...spec, subnets: config, options, labels, dnsServers, configFrom: id };
	}

	#refuseConfigInUse({ id, name }: Network): void {
		const users = this.#parts.records.networks([["config_from = ?", id]]).map((network) => network.name);
		if (users.length === 0) return;
		throw faults.CONFIG_IN_USE({ network: name, networks: listed(users) }, { field: "network" });
	}

	/** A network whose row is not there yet. */
	async make(network: Network, specs: readonly SubnetSpec[], driver: LinkedDriver, call: Call): Promise<Created> {
		const { store, locks, unfinished } = this.#parts;
		using _turn = await locks.take(network.id, call.signal);
		await this.#insert(network);
		return await this.bringUp(network, specs, driver, call, {
			discard: () => store.write([rows.deleteNetworkRow(network.id)], "network.discarded"),
			park: async () => {
				await store.write([rows.parkNetwork(network.id)], "network.parked");
				unfinished();
			},
		});
	}

	/** The effects of a network whose row is `creating`, and `active` then. The turn is the caller's. */
	async bringUp(
		network: Network,
		specs: readonly SubnetSpec[],
		driver: LinkedDriver,
		call: Call,
		row: Intent,
	): Promise<Created> {
		const { store, records, allocator, log } = this.#parts;
		await using undo = new Undo(row, log);
		driver.refuseBeside(network, records.networks([["seq < (SELECT seq FROM networks WHERE id = ?)", network.id]]));
		undo.defer(() => allocator.releaseSubnets(network.id));
		const subnets: Subnet[] = [];
		const warnings: string[] = [];
		for (const spec of specs) {
			const taken = await this.#takeSubnet(network.id, spec, call.signal);
			killPoint("netd.network.subnet");
			subnets.push(driver.subnetAs(taken.subnet, network.options));
			warnings.push(...taken.warnings);
		}
		const hostAddresses = await this.#takeHostAddresses({ ...network, subnets }, driver, undo, call.signal);
		const taking = await keepHostSettings(store, driver, { ...network, subnets, hostAddresses });
		const active: Network = { ...taking, status: { state: "active" } };
		undo.defer(() => driver.removeNetwork(active));
		driver.ensureNetwork(active);
		call.signal.throwIfAborted();
		const result = {
			network: active,
			warnings: [...warnings, ...driver.warningsOf(active), ...serverWarnings(active)],
		};
		await store.write(
			[rows.activateNetwork(active), networkFact("CREATED", active), ...call.answer(result)],
			"network.active",
		);
		undo.done();
		return result;
	}

	async #takeHostAddresses(
		network: Network,
		driver: LinkedDriver,
		undo: Undo,
		signal: AbortSignal,
	): Promise<Network["hostAddresses"]> {
		const { allocator } = this.#parts;
		const { id: owner, name } = network;
		const wishes = driver.hostAddressesOf(network);
		if (wishes.length === 0) return [];
		const taken = await takeAddresses(allocator, { owner, wishes, mac: undefined, name }, undo, signal);
		killPoint("netd.network.host-address");
		return taken;
	}

	/** A crash may have come before the row knew of them. */
	async #releaseHostAddresses(network: Network): Promise<void> {
		const { allocator, drivers } = this.#parts;
		if (drivers.linked(network)?.hasHostAddresses(network) !== true) return;
		const held = await allocator.leases();
		await allocator.releaseAddresses(held.filter(({ owner }) => owner === network.id));
	}

	/** ipamd knows who has a subnet by id alone; a person knows the network by its name. */
	async #takeSubnet(owner: string, spec: SubnetSpec, signal: AbortSignal): Promise<Taken> {
		const { allocator, records } = this.#parts;
		try {
			return await allocator.takeSubnet(owner, spec, signal);
		} catch (error) {
			const holder = isFault(error, "SUBNET_OVERLAPS") ? records.network(error.metadata["owner"] ?? "") : undefined;
			if (!isFault(error) || holder === undefined) throw error;
			const { subnet = "", other = "" } = error.metadata;
			throw faults.SUBNET_OVERLAPS({ subnet, other, network: holder.name }, { field: "subnets", cause: error });
		}
	}

	async #insert(network: Network): Promise<void> {
		const { store } = this.#parts;
		await this.#orTaken(network, () => store.intend([rows.insertNetwork(network)], "network.creating"));
	}

	async #orTaken(network: Network, insert: () => Promise<void>): Promise<void> {
		try {
			await insert();
		} catch (error) {
			if (error instanceof ChangesError)
				throw faults.NETWORK_NOT_FOUND({ network: network.configFrom ?? "" }, { field: "config_from" });
			if (!(error instanceof ConstraintError)) throw error;
			if (error.columns.includes("networks.name"))
				throw faults.NETWORK_NAME_TAKEN({ name: network.name }, { field: "name" });
			throw faults.INTERFACE_EXISTS({ interface: network.interface ?? "" }, { field: "options" });
		}
	}
}

export function intent(spec: NetworkSpec & Pick<Network, "id" | "interface">, predefined = false): Network {
	return {
		seq: 0,
		id: spec.id,
		name: spec.name,
		driver: spec.driver,
		status: { state: "creating" },
		createdAt: new Date(),
		interface: spec.interface,
		internal: spec.internal,
		ipv6: spec.subnets.some(({ family }) => family === 6),
		attachable: spec.attachable,
		predefined,
		resolvesNames: !predefined,
		subnets: [],
		hostAddresses: [],
		hostSettings: undefined,
		options: spec.options,
		labels: spec.labels,
		config: undefined,
		configFrom: spec.configFrom,
		otherMacs: false,
		dnsServers: spec.dnsServers,
	};
}

function serverWarnings({ name, internal, dnsServers }: Network): string[] {
	return internal && dnsServers.length > 0 ? [`Nothing is asked at the DNS servers of ${name}: it is internal.`] : [];
}

function listed(names: readonly string[]): string {
	const shown = names.slice(0, NAMED_USERS).join(", ");
	return names.length > NAMED_USERS ? `${shown} and ${names.length - NAMED_USERS} more` : shown;
}
