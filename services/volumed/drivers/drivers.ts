/** The drivers by their names: `local`, `sshfs`, and whatever plugin listens under a name. */
import type { Driver } from "./driver.ts";

/** Names come from whoever asks: what a driver remembers is only to save asking again. */
const MOST_PLUGINS = 64;

export class Drivers {
	readonly #builtIn: ReadonlyMap<string, Driver>;
	readonly #pluginNamed: (name: string) => Driver;
	readonly #plugins = new Map<string, Driver>();

	constructor(builtIn: readonly Driver[], pluginNamed: (name: string) => Driver) {
		this.#builtIn = new Map(builtIn.map((driver) => [driver.name, driver]));
		this.#pluginNamed = pluginNamed;
	}

	/** Of any name; whether there is such a plugin shows when it is asked. */
	get(name: string): Driver {
		const known = this.#builtIn.get(name) ?? this.#plugins.get(name);
		if (known !== undefined) return known;
		const plugin = this.#pluginNamed(name);
		const [oldest] = this.#plugins.keys();
		if (oldest !== undefined && this.#plugins.size >= MOST_PLUGINS) this.#plugins.delete(oldest);
		this.#plugins.set(name, plugin);
		return plugin;
	}
}
