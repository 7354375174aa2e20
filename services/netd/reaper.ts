/**
 * What an answer need not wait for: the ends of links (an RCU wait each) and of tracked connections (the whole table is read).
 *
 * Nothing here is durable, and need not be: what a crash leaves is found by name and removed by reconciliation.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { IfName } from "#lib/address/if-name.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { Log } from "#lib/log/log.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { type HostPort, isOpened } from "./port.ts";

/** Packets of unpublished flows are dropped at once by the rules; their entries may wait, and many then go in one reading. */
const FLOWS_AFTER_MS = 100;

export class Reaper implements AsyncDisposable {
	readonly #kernel: Pick<Kernel, "links" | "flows">;
	readonly #log: Log;
	/** By sandbox: a new link cannot have the name of one that is still going. */
	readonly #links = new Map<string, Promise<void>>();
	readonly #stop = new AbortController();
	#ports: HostPort[] = [];
	#addresses: Ip[] = [];
	#flowing: Promise<void> | undefined;

	constructor(kernel: Pick<Kernel, "links" | "flows">, log: Log) {
		this.#kernel = kernel;
		this.#log = log;
	}

	/** `afterMs`: a namespace that ends takes its links with it; only what is there after that time is removed here. */
	removeLegs(sandboxId: string, legs: readonly IfName[], afterMs = 0): void {
		const removal = this.#removeLegs(legs, afterMs, this.#links.get(sandboxId)).finally(() => {
			if (this.#links.get(sandboxId) === removal) this.#links.delete(sandboxId);
		});
		this.#links.set(sandboxId, removal);
	}

	/** Resolves when no link of the sandbox is on its way out. */
	async settled(sandboxId: string): Promise<void> {
		await this.#links.get(sandboxId);
	}

	/** The table is read once for all that is asked for meanwhile. */
	removeFlows(ports: readonly HostPort[], addresses: readonly Ip[]): void {
		this.#ports.push(...ports.filter((port) => !isOpened(port)));
		this.#addresses.push(...addresses);
		if (this.#ports.length + this.#addresses.length > 0) this.#flowing ??= this.#removeFlows();
	}

	/** Waits for what is under way. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await Promise.all([...this.#links.values(), this.#flowing]);
	}

	async #removeLegs(legs: readonly IfName[], afterMs: number, before: Promise<void> | undefined): Promise<void> {
		await before;
		if (afterMs > 0) await sleep(afterMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
		await Promise.all(legs.map((leg) => this.#removeLeg(leg)));
	}

	async #removeLeg(leg: IfName): Promise<void> {
		try {
			await this.#kernel.links.removeLeg(leg);
		} catch (error) {
			this.#log.error("a link could not be removed; reconciliation will", { leg, err: error });
		}
	}

	async #removeFlows(): Promise<void> {
		await sleep(FLOWS_AFTER_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
		while (this.#ports.length + this.#addresses.length > 0) {
			const [ports, addresses] = [this.#ports, this.#addresses];
			this.#ports = [];
			this.#addresses = [];
			try {
				await this.#kernel.flows.remove({ ports, addresses });
			} catch (error) {
				this.#log.error("tracked connections could not be removed", { err: error });
			}
		}
		this.#flowing = undefined;
	}
}
