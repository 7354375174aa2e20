/** Interfaces of the model's host as ports of bridges, and the host's addresses there. It has no routes. */
import type { IfName } from "#lib/address/if-name.ts";
import { faults } from "../../faults.ts";
import type { Bridge, HostSettings, Uplink } from "../links.ts";
import type { State } from "./state.ts";

const BOOT = "00000000-0000-0000-0000-000000000001";

export class ModelUplinks {
	readonly #state: State;

	constructor(state: State) {
		this.#state = state;
	}

	refuse({ name, mtu }: Bridge, uplink: Uplink): void {
		const { ports, bridges } = this.#state;
		const { name: parent } = uplink;
		const master = ports.get(parent);
		const portOf = master === undefined || master === name ? undefined : `it is a port of ${master}`;
		this.#state.refuseLower(parent, mtu, bridges.has(parent) ? "it is a bridge itself" : portOf);
		const [address] = master === undefined && !uplink.moves ? this.#addresses(parent) : [];
		if (address !== undefined)
			throw faults.UPLINK_HAS_ADDRESSES({ uplink: parent, address: address.toString() }, { field: "options" });
	}

	ensure({ name }: Bridge, { name: uplink, moves, settings }: Uplink): void {
		this.#state.ports.set(uplink, name);
		if (!moves) return;
		const bare = this.#addresses(uplink).length === 0;
		this.#pass(uplink, name);
		if (bare) this.#restore(name, settings);
	}

	leave({ name, uplink }: Bridge): void {
		if (uplink === undefined || this.#state.ports.get(uplink.name) !== name) return;
		this.#state.ports.delete(uplink.name);
		if (uplink.moves) this.#pass(name, uplink.name);
	}

	restoreAlone({ name, moves, settings }: Uplink): void {
		if (moves && this.#state.foreign.has(name) && !this.#state.ports.has(name)) this.#restore(name, settings);
	}

	observe(bridge: IfName, uplink: IfName): HostSettings {
		return { bootId: BOOT, addresses: [...this.#addresses(uplink), ...this.#addresses(bridge)], routes: [] };
	}

	#restore(link: IfName, settings: HostSettings | undefined): void {
		if (settings?.bootId !== BOOT || this.#addresses(link).length > 0) return;
		this.#state.hostAddresses.set(link, settings.addresses);
	}

	#pass(from: IfName, to: IfName): void {
		const addresses = [...this.#addresses(to), ...this.#addresses(from)];
		this.#state.hostAddresses.delete(from);
		if (addresses.length > 0) this.#state.hostAddresses.set(to, addresses);
	}

	#addresses(link: IfName): NonNullable<ReturnType<State["hostAddresses"]["get"]>> {
		return this.#state.hostAddresses.get(link) ?? [];
	}
}
