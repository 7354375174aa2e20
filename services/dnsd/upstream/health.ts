/** Which servers kept silent lately: those are asked after the others, and come back by answering or by time. */
import { type Server, serverText } from "./server.ts";

const REMEMBER_MS = 10_000;

export class Health {
	readonly #silentUntilMs = new Map<string, number>();

	answered(server: Server): void {
		this.#silentUntilMs.delete(serverText(server));
	}

	silent(server: Server): void {
		this.#silentUntilMs.set(serverText(server), performance.now() + REMEMBER_MS);
	}

	/** In their own order, the silent ones last. */
	order(servers: readonly Server[]): readonly Server[] {
		if (this.#silentUntilMs.size === 0) return servers;
		const silent = servers.filter((server) => this.#isSilent(server));
		return silent.length === 0 ? servers : [...servers.filter((server) => !silent.includes(server)), ...silent];
	}

	#isSilent(server: Server): boolean {
		const text = serverText(server);
		const until = this.#silentUntilMs.get(text);
		if (until === undefined) return false;
		if (performance.now() < until) return true;
		this.#silentUntilMs.delete(text);
		return false;
	}
}
