/** Every server that was asked, with what is known of it; within a bound, as containers may name any. */
import { type Server, serverText } from "./server.ts";
import { type AskSettings, Upstream, type UpstreamStatus } from "./upstream.ts";

/** Those that were first asked longest ago are forgotten beyond it. */
const MOST = 1_000;

export class Upstreams {
	readonly #settings: AskSettings;
	readonly #known = new Map<string, Upstream>();

	constructor(settings: AskSettings) {
		this.#settings = settings;
	}

	/** In their own order, the doubtful ones last. */
	inOrder(servers: readonly Server[]): readonly Upstream[] {
		const all = servers.map((server) => this.#get(server));
		const doubtful = all.filter(({ health }) => health.isDoubtful);
		return doubtful.length === 0 ? all : [...all.filter((one) => !doubtful.includes(one)), ...doubtful];
	}

	status(): readonly UpstreamStatus[] {
		return [...this.#known.values()].map((upstream) => upstream.status());
	}

	#get(server: Server): Upstream {
		const text = serverText(server);
		const known = this.#known.get(text);
		if (known !== undefined) return known;
		const upstream = new Upstream(server, this.#settings);
		this.#known.set(text, upstream);
		for (const [oldest] of this.#known) {
			if (this.#known.size <= MOST) break;
			this.#known.delete(oldest);
		}
		return upstream;
	}
}
