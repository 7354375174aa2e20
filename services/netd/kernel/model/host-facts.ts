/** Facts of the model's host: those of its links as they are, and everything else as a healthy host has it until a test says otherwise. */
import type { HostFacts, HostLink, ObservedHost } from "../host-facts.ts";
import type { State } from "./state.ts";

export class ModelHostFacts implements HostFacts {
	readonly #state: State;
	/** In place of what the model would say. */
	told: Partial<ObservedHost> = {};

	constructor(state: State) {
		this.#state = state;
	}

	observe(): ObservedHost {
		const { forwarding } = this.#state;
		return {
			forwards: { 4: forwarding.ipv4, 6: forwarding.ipv6 },
			showsBridged: { 4: false, 6: false },
			links: this.#links(),
			routes: [],
			droppers: [],
			unreadable: [],
			conntrack: { entries: 0, limit: 65_536 },
			neighbours: [4, 6].map((family) => ({ family: family === 4 ? 4 : 6, entries: 0, limit: 1024 })),
			ephemeral: { first: 32_768, last: 60_999, kept: [] },
			missing: [],
			...this.told,
		};
	}

	#links(): HostLink[] {
		const { bridges, legs, forwarding } = this.#state;
		const mtuOf = (bridge: string | undefined): number =>
			[...bridges.values()].find(({ name }) => name === bridge)?.mtu ?? 1500;
		return [
			...[...bridges.values()].map(({ name, mtu, ipv6 }) => {
				return { name, mtu, master: undefined, forwards: forwarding.ipv4, ipv6 };
			}),
			...[...legs].map(([name, { bridge }]) => {
				return { name, mtu: mtuOf(bridge), master: bridge, forwards: true, ipv6: true };
			}),
		];
	}
}
