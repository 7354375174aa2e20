/**
 * The watch on netd's names: what there is, then each change, and an acknowledgement when a change holds.
 *
 * A connection begins with everything that there is; it is gathered until netd says `synced` and then takes the place of what was,
 * so what vanished meanwhile is gone. While netd is away the last state goes on answering, and the connection is tried for ever.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NameServiceService, type ResolvedSandbox, type WatchNamesResponse } from "#gen/wharf/network/v1/endpoint.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { Log } from "#lib/log/log.ts";
import { type Address, client } from "#lib/rpc/client.ts";
import { sandboxOf } from "../convert.ts";
import type { Sandbox } from "../zone.ts";
import { Acknowledgements } from "./acknowledgements.ts";

/** Where what netd tells goes. A promise resolves when the change is in the answers and in the sockets. */
export interface Names {
	replaceAll(sandboxes: readonly Sandbox[]): Promise<void>;
	put(sandbox: Sandbox): Promise<void>;
	/** Absent is success. */
	remove(sandboxId: string): Promise<void>;
}

export interface WatchState {
	/** The answers show everything up to this one. */
	readonly revision: bigint;
	/** Everything was told at least once. */
	readonly synced: boolean;
	/** Sandboxes that netd told of in a way that makes no sense, one sentence each. */
	readonly unreadable: readonly string[];
}

const FIRST_RETRY_MS = 50;
/** Well below what netd waits for a resolver that it had. */
const LAST_RETRY_MS = 500;

export class NameWatch implements AsyncDisposable {
	readonly #address: Address;
	readonly #names: Names;
	readonly #log: Log;
	readonly #stopped = new AbortController();
	readonly #unreadable = new Map<string, string>();
	readonly #done: Promise<void>;
	#revision = 0n;
	#synced = false;
	#retryMs = FIRST_RETRY_MS;
	/** Said once, until the watch has worked again. */
	#reported = "";

	private constructor(address: Address, names: Names, log: Log) {
		this.#address = address;
		this.#names = names;
		this.#log = log;
		this.#done = this.#watchForEver();
	}

	static start(address: Address, names: Names, log: Log): NameWatch {
		return new NameWatch(address, names, log);
	}

	state(): WatchState {
		return { revision: this.#revision, synced: this.#synced, unreadable: [...this.#unreadable.values()] };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stopped.abort();
		await this.#done;
	}

	async #watchForEver(): Promise<void> {
		const { signal } = this.#stopped;
		using netd = client(NameServiceService, this.#address);
		while (!signal.aborted) {
			const acknowledgements = new Acknowledgements();
			let reason = "it ended the watch";
			try {
				await this.#follow(netd.watchNames(acknowledgements, { signal }), acknowledgements);
			} catch (error) {
				reason = error instanceof Error ? error.message : String(error);
				if (!(error instanceof Fault)) this.#log.error("The watch on netd's names failed.", { err: error });
			}
			if (signal.aborted) return;
			if (reason !== this.#reported)
				this.#log.warn("netd's names are not watched; the last ones are answered.", { reason });
			this.#reported = reason;
			await sleep(this.#retryMs, undefined, { signal }).catch(() => undefined);
			this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
		}
	}

	async #follow(responses: AsyncIterable<WatchNamesResponse>, acknowledgements: Acknowledgements): Promise<void> {
		const gathered = new Map<string, ResolvedSandbox>();
		let synced = false;
		for await (const { revision, change } of responses) {
			if (change === undefined) continue;
			if (synced) await this.#apply(change);
			else if (change.$case === "sandbox") gathered.set(change.value.sandboxId, change.value);
			else if (change.$case === "removedSandboxId") gathered.delete(change.value);
			else {
				this.#unreadable.clear();
				await this.#names.replaceAll(
					[...gathered.values()].map((one) => this.#read(one)).filter((one) => one !== undefined),
				);
				gathered.clear();
				synced = true;
				this.#synced = true;
				this.#retryMs = FIRST_RETRY_MS;
				this.#reported = "";
				this.#log.info("netd's names are watched.", { revision });
			}
			if (!synced) continue;
			this.#revision = revision;
			acknowledgements.say(revision);
		}
	}

	async #apply(change: NonNullable<WatchNamesResponse["change"]>): Promise<void> {
		switch (change.$case) {
			case "sandbox": {
				this.#unreadable.delete(change.value.sandboxId);
				const sandbox = this.#read(change.value);
				if (sandbox === undefined) await this.#names.remove(change.value.sandboxId);
				else await this.#names.put(sandbox);
				return;
			}
			case "removedSandboxId":
				this.#unreadable.delete(change.value);
				await this.#names.remove(change.value);
				return;
			case "synced":
				return;
		}
	}

	/** Undefined, and reported, when it makes no sense: one sandbox's trouble is not everybody's. */
	#read(message: ResolvedSandbox): Sandbox | undefined {
		try {
			return sandboxOf(message);
		} catch (error) {
			if (!(error instanceof Fault)) throw error;
			this.#unreadable.set(message.sandboxId, `sandbox ${message.sandboxId}: ${error.message}`);
			this.#log.error("netd told of a sandbox that makes no sense.", { sandbox: message.sandboxId, err: error });
			return undefined;
		}
	}
}
