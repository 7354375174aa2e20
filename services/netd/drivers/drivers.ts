/** The drivers by name. */
import { faults } from "../faults.ts";
import type { Network } from "../network.ts";
import type { AnyDriver, LinkedDriver } from "./driver.ts";

export class Drivers {
	readonly #drivers: ReadonlyMap<string, AnyDriver>;

	constructor(drivers: readonly AnyDriver[]) {
		this.#drivers = new Map(drivers.map((driver) => [driver.name, driver]));
	}

	/** For a name that a caller gave. */
	get(name: string): AnyDriver {
		const driver = this.#drivers.get(name);
		if (driver !== undefined) return driver;
		const known = [...this.#drivers.keys()].join(", ");
		throw faults.UNKNOWN_DRIVER({ driver: name, known }, { field: "driver" });
	}

	/** The network's, when it makes links; `host` and `none` have none. */
	linked(network: Network): LinkedDriver | undefined {
		const driver = this.get(network.driver);
		return driver.kind === "linked" ? driver : undefined;
	}

	/** For a network that has endpoints. */
	getLinked(network: Network): LinkedDriver {
		const driver = this.linked(network);
		if (driver === undefined) throw new TypeError(`an endpoint is on the network ${network.id}, which has no links`);
		return driver;
	}
}
