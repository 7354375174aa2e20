/** Answers health checks, per service and overall (the empty name): all of a daemon's services stand and fall together. */
import { catalogue } from "#lib/fault/catalogue.ts";
import { abortable } from "#lib/concurrency/abortable.ts";
import { type Implementation, implement, serverStream, unary } from "./handler.ts";
import { HealthService, ServingStatus } from "./health-definition.ts";

const faults = catalogue("health", {
	SERVICE_UNKNOWN: {
		code: "NOT_FOUND",
		message: (m: { service: string }) => `There is no service ${m.service} here.`,
	},
});

export class Health {
	readonly implementation: Implementation;
	readonly #services: ReadonlySet<string>;
	#serving = true;
	/** Resolved and replaced at each change. */
	#change = Promise.withResolvers<void>();

	constructor(services: readonly string[]) {
		this.#services = new Set(["", ...services]);
		this.implementation = implement(HealthService, {
			check: unary({
				parse: ({ service }) => service,
				run: (service) => this.#get(service),
				render: (status) => ({ status }),
			}),
			watch: serverStream({
				parse: ({ service }) => service,
				run: (service, { signal }) => this.#watch(service, signal),
				render: (status) => ({ status }),
			}),
		});
	}

	setServing(serving: boolean): void {
		if (serving === this.#serving) return;
		this.#serving = serving;
		this.#change.resolve();
		this.#change = Promise.withResolvers();
	}

	#get(service: string): number {
		if (!this.#services.has(service)) throw faults.SERVICE_UNKNOWN({ service });
		return this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
	}

	async *#watch(service: string, signal: AbortSignal): AsyncGenerator<number> {
		for (;;) {
			const change = this.#change.promise;
			yield this.#services.has(service) ? this.#get(service) : ServingStatus.SERVICE_UNKNOWN;
			await abortable(change, signal);
		}
	}
}
