/**
 * The sockets of all sandboxes, as netd wants them: opened, moved, closed; what cannot be opened is tried again for ever.
 *
 * A failure is one sandbox's: it is reported, and nobody else waits for it.
 */
import { statSync } from "node:fs";
import { Datagrams } from "#lib/linux/datagrams.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Log } from "#lib/log/log.ts";
import { type Answerer, Listener, type Place } from "./listener.ts";
import { UDP_BYTES } from "./protocol.ts";
import type { TcpLimits } from "./tcp-connection.ts";

interface Wanted extends Place {
	readonly sandboxId: string;
}

interface Failure {
	readonly wanted: Wanted;
	readonly reason: string;
	readonly retry: NodeJS.Timeout;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const OWN_NETNS = "/proc/self/ns/net";

export class Listeners {
	readonly #answererOf: (sandboxId: string) => Answerer;
	readonly #limits: TcpLimits;
	readonly #log: Log;
	readonly #datagrams = new Datagrams(UDP_BYTES);
	readonly #open = new Map<string, Listener>();
	readonly #failures = new Map<string, Failure>();
	/** Sandboxes whose namespace is dnsd's own: an upstream at 127.0.0.11 may then be dnsd itself. */
	readonly #here = new Set<string>();

	constructor(answererOf: (sandboxId: string) => Answerer, limits: TcpLimits, log: Log) {
		this.#answererOf = answererOf;
		this.#limits = limits;
		this.#log = log;
	}

	get size(): number {
		return this.#open.size;
	}

	get servesOwnNamespace(): boolean {
		return this.#here.size > 0;
	}

	/** One sentence each. */
	failures(): string[] {
		return [...this.#failures.values()].map(({ wanted, reason }) => `sandbox ${wanted.sandboxId}: ${reason}`);
	}

	/** Everybody who has sockets, or is to have them. */
	sandboxIds(): string[] {
		return [...this.#open.keys(), ...this.#failures.keys()];
	}

	/** Resolves when the sockets are open there, or have failed and will be tried again. */
	async ensure(wanted: Wanted): Promise<void> {
		const open = this.#open.get(wanted.sandboxId);
		if (open?.place.port === wanted.port && open.place.netnsPath === wanted.netnsPath) return;
		await this.remove(wanted.sandboxId);
		this.#tryToOpen(wanted, FIRST_RETRY_MS);
	}

	/** Resolves when no descriptor is left; absent is success. */
	async remove(sandboxId: string): Promise<void> {
		clearTimeout(this.#failures.get(sandboxId)?.retry);
		this.#failures.delete(sandboxId);
		this.#here.delete(sandboxId);
		const listener = this.#open.get(sandboxId);
		if (listener === undefined) return;
		this.#open.delete(sandboxId);
		await listener.close();
		killPoint("dnsd.sockets.closed");
		this.#log.change("resolver.close", { sandbox: sandboxId });
	}

	async close(): Promise<void> {
		await Promise.all(this.sandboxIds().map((id) => this.remove(id)));
		await this.#datagrams[Symbol.asyncDispose]();
	}

	#tryToOpen(wanted: Wanted, delayMs: number): void {
		const { sandboxId, netnsPath, port } = wanted;
		try {
			const isHere = isOwnNamespace(netnsPath);
			const listener = Listener.open({ netnsPath, port }, this.#datagrams, this.#answererOf(sandboxId), this.#limits);
			killPoint("dnsd.sockets.opened");
			this.#open.set(sandboxId, listener);
			this.#failures.delete(sandboxId);
			if (isHere) this.#here.add(sandboxId);
			this.#log.change("resolver.open", { sandbox: sandboxId, port });
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			if (this.#failures.get(sandboxId)?.reason !== reason) {
				this.#log.warn("The resolver's sockets cannot be opened; they will be tried again.", {
					sandbox: sandboxId,
					reason,
				});
			}
			const next = Math.min(delayMs * 2, LAST_RETRY_MS);
			const retry = setTimeout(() => this.#tryToOpen(wanted, next), delayMs).unref();
			this.#failures.set(sandboxId, { wanted, reason, retry });
		}
	}
}

function isOwnNamespace(netnsPath: string): boolean {
	const [own, other] = [statSync(OWN_NETNS), statSync(netnsPath)];
	return own.ino === other.ino && own.dev === other.dev;
}
