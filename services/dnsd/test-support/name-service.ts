/** netd's NameService as its contract says, over real gRPC on a unix socket, with a script instead of networks behind it. */
import { NameServiceService, ResolvedSandbox, type WatchNamesResponse } from "#gen/wharf/network/v1/endpoint.ts";
import { createLog } from "#lib/log/log.ts";
import { bidi, implement } from "#lib/rpc/handler.ts";
import { serve, type Server } from "#lib/rpc/serve.ts";

export class NameServiceDouble implements AsyncDisposable {
	/** What was acknowledged on the present watch, in order. */
	readonly acknowledged: bigint[] = [];
	/** Watches since the start. */
	watches = 0;
	readonly #sandboxes: Map<string, ResolvedSandbox>;
	readonly #pending: WatchNamesResponse[] = [];
	#wake: () => void = () => undefined;
	readonly #noted = new Set<() => void>();
	#revision: bigint;
	#server: Server | undefined;

	private constructor(revision: bigint, sandboxes: readonly ResolvedSandbox[]) {
		this.#revision = revision;
		this.#sandboxes = new Map(sandboxes.map((sandbox) => [sandbox.sandboxId, sandbox]));
	}

	static async start(
		path: string,
		revision: bigint,
		...sandboxes: readonly ResolvedSandbox[]
	): Promise<NameServiceDouble> {
		const double = new NameServiceDouble(revision, sandboxes);
		const service = implement(NameServiceService, {
			watchNames: bidi({
				parse: ({ acknowledgedRevision }) => acknowledgedRevision,
				run: (acknowledgements, { signal }) => double.#watch(acknowledgements, signal),
				render: (response: WatchNamesResponse) => response,
			}),
		});
		const log = createLog({ service: "netd", level: "silent" });
		double.#server = await serve({ name: "netd", listen: { unix: path }, services: [service], log });
		return double;
	}

	/** Tells a change; its revision. */
	put(sandbox: ResolvedSandbox): bigint {
		this.#sandboxes.set(sandbox.sandboxId, sandbox);
		return this.#tell({ $case: "sandbox", value: sandbox });
	}

	remove(sandboxId: string): bigint {
		this.#sandboxes.delete(sandboxId);
		return this.#tell({ $case: "removedSandboxId", value: sandboxId });
	}

	/** Resolves when this revision has been acknowledged on the present watch. */
	async until(revision: bigint): Promise<void> {
		while ((this.acknowledged.at(-1) ?? -1n) < revision) {
			await new Promise<void>((resolve) => this.#noted.add(resolve));
		}
	}

	get revision(): bigint {
		return this.#revision;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#server?.close();
	}

	#tell(change: WatchNamesResponse["change"]): bigint {
		this.#revision += 1n;
		this.#pending.push({ revision: this.#revision, change });
		this.#wake();
		return this.#revision;
	}

	async *#watch(acknowledgements: AsyncIterable<bigint>, signal: AbortSignal): AsyncGenerator<WatchNamesResponse> {
		this.watches += 1;
		this.acknowledged.length = 0;
		this.#pending.length = 0;
		void this.#note(acknowledgements);
		const revision = this.#revision;
		for (const value of this.#sandboxes.values()) yield { revision, change: { $case: "sandbox", value } };
		yield { revision, change: { $case: "synced", value: true } };
		signal.addEventListener("abort", () => this.#wake(), { once: true });
		while (!signal.aborted) {
			const next = this.#pending.shift();
			if (next !== undefined) yield next;
			else {
				const { promise, resolve } = Promise.withResolvers<void>();
				this.#wake = resolve;
				await promise;
			}
		}
	}

	async #note(acknowledgements: AsyncIterable<bigint>): Promise<void> {
		try {
			for await (const revision of acknowledgements) {
				this.acknowledged.push(revision);
				for (const resolve of this.#noted) resolve();
				this.#noted.clear();
			}
		} catch {
			// The watch has ended.
		}
	}
}

/** A sandbox on the network `frontend`, as netd would tell it. */
export function told(name: string, address: string, more: Partial<ResolvedSandbox> = {}): ResolvedSandbox {
	return {
		...ResolvedSandbox.fromPartial({
			sandboxId: `s-${name}`,
			netnsPath: "/nowhere",
			name,
			owner: name,
			hostname: name,
			forwards: true,
			endpoints: [
				{ endpointId: `e-${name}`, networkId: "n", networkName: "frontend", addresses: [address], aliases: [] },
			],
		}),
		...more,
	};
}
