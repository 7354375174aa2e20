/**
 * The networks that are always there: `bridge`, as the settings say, `host` and `none`.
 *
 * `bridge` keeps its id for ever, since stopped containers are on it by that: it is never removed, but taken down and made again in
 * place, at start, and only while nothing is on it.
 */
import type { IfName } from "#lib/address/if-name.ts";
import { ChangesError } from "#lib/store/store.ts";
import { type DefaultBridge, type Difference, differences, differenceText, withLiveOptions } from "./default-bridge.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import { networkFact } from "./facts.ts";
import { newId } from "./id.ts";
import * as rows from "./network.ts";
import type { Network } from "./network.ts";
import { intent, type Networks, type NetworkSpec } from "./networks.ts";
import type { Parts } from "./parts.ts";

const NAME = "bridge";

export class Predefined {
	readonly #parts: Parts;
	readonly #networks: Networks;
	readonly #wanted: DefaultBridge;
	/** Once in a process's life the settings are compared with what is there. */
	#isCompared = false;

	constructor(parts: Parts, networks: Networks, wanted: DefaultBridge) {
		this.#parts = parts;
		this.#networks = networks;
		this.#wanted = wanted;
	}

	/** Makes what is missing, and brings to its end what was left half done. False: not all of it could be. */
	async ensure(signal: AbortSignal): Promise<boolean> {
		await this.#ensureFixed("host");
		await this.#ensureFixed("none");
		const { records, locks } = this.#parts;
		const found = records.networkNamed(NAME);
		if (found === undefined) {
			await this.#networks.make(this.#intent(newId()), this.#wanted.subnets, this.#driver(), plain(signal));
			this.#isCompared = true;
			return true;
		}
		using turn = locks.tryTake(found.id);
		const network = turn && records.network(found.id);
		if (network === undefined) return true;
		if (network.status.state === "creating" || network.status.state === "deleting")
			return await this.#again(network, signal);
		if (this.#isCompared) return true;
		const isDone = await this.#compare(network, signal);
		this.#isCompared = true;
		return isDone;
	}

	/** In what the network is otherwise than the settings say; none while it is on its way. */
	differences(): Difference[] {
		const network = this.#parts.records.networkNamed(NAME);
		return network === undefined || network.subnets.length === 0 ? [] : differences(network, this.#wanted);
	}

	/** Who is on the network, oldest first. */
	users(): string[] {
		const network = this.#parts.records.networkNamed(NAME);
		return network === undefined ? [] : this.#networks.users(network);
	}

	async #ensureFixed(driver: "host" | "none"): Promise<void> {
		const { records, store } = this.#parts;
		if (records.networkNamed(driver) !== undefined) return;
		const network = intent({ ...NOTHING, name: driver, driver, id: newId(), interface: undefined }, true);
		const active: Network = { ...network, status: { state: "active" } };
		await store.write([rows.insertNetwork(active), networkFact("CREATED", active)], "network.predefined");
	}

	async #compare(network: Network, signal: AbortSignal): Promise<boolean> {
		const { store, log } = this.#parts;
		if (differences(network, this.#wanted).length === 0) return true;
		const why = this.#whyNot(network);
		if (why === undefined) {
			try {
				await store.write([rows.beginDeletingNetwork(network.id)], "network.remaking");
				log.info("making the default network again, as its settings say");
				return await this.#again(network, signal);
			} catch (error) {
				// A sandbox was connected meanwhile.
				if (!(error instanceof ChangesError)) throw error;
			}
		}
		const changed: Network = { ...network, options: withLiveOptions(network.options, this.#wanted.options) };
		const left = differences(changed, this.#wanted).map(differenceText);
		if (left.length < differences(network, this.#wanted).length) {
			await store.write([rows.setNetworkOptions(network.id, changed.options)], "network.changed");
			this.#driver().ensureNetwork(changed);
		}
		if (left.length > 0) log.warn("the default network is not as its settings say", { why, left });
		return true;
	}

	/** Why it cannot be made again; undefined: it can. */
	#whyNot({ id, interface: name }: Network): string | undefined {
		const { records, kernel } = this.#parts;
		const wanted = this.#wanted;
		const [user] = this.#networks.users({ id });
		if (user !== undefined) return `${user} is on it`;
		const others = records.networks([["id <> ?", id]]);
		const isTaken = wanted.interface !== name && kernel.links.isThere(wanted.interface);
		if (isTaken) return `an interface ${wanted.interface} is there already`;
		for (const { cidr } of wanted.subnets) {
			const other = cidr && others.find(({ subnets }) => subnets.some((subnet) => subnet.cidr.overlaps(cidr)));
			if (other !== undefined) return `${cidr} overlaps the subnet of the network ${other.name}`;
		}
		return undefined;
	}

	/** From nothing, under its id. The turn is the caller's; the row is `creating` or `deleting`. */
	async #again(network: Network, signal: AbortSignal): Promise<boolean> {
		const { store, unfinished } = this.#parts;
		if (!(await this.#networks.takeDown(network))) return false;
		const anew = { ...this.#intent(network.id), createdAt: network.createdAt };
		const facts = network.subnets.length === 0 ? [] : [networkFact("DELETED", network)];
		await store.write([rows.remakeNetwork(anew), ...facts], "network.remade");
		const park = async (): Promise<void> => {
			await store.write([rows.parkNetwork(network.id)], "network.waiting");
			unfinished();
		};
		await this.#networks.bringUp(anew, this.#wanted.subnets, this.#driver(), plain(signal), { discard: park, park });
		this.#isCompared = true;
		return true;
	}

	#intent(id: string): Network {
		const { subnets, options, interface: name } = this.#wanted;
		return intent({ ...NOTHING, name: NAME, driver: NAME, id, interface: name, subnets, options }, true);
	}

	#driver(): LinkedDriver {
		const driver = this.#parts.drivers.get(NAME);
		if (driver.kind !== "linked") throw new TypeError("the driver bridge makes links");
		return driver;
	}
}

const NOTHING: Omit<NetworkSpec, "name" | "driver"> & { readonly interface: IfName | undefined } = {
	interface: undefined,
	subnets: [],
	internal: false,
	attachable: false,
	options: {},
	labels: {},
	configOnly: false,
	configFrom: undefined,
	dnsServers: [],
};

function plain(signal: AbortSignal): Parameters<Networks["make"]>[3] {
	return { signal, answer: () => [] };
}
