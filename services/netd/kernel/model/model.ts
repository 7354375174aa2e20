/**
 * The strict model: the kernel's state in memory, refusing what the kernel refuses, for tests of use cases.
 *
 * It passes the same contract as the adapters. Beside the ports it lets a test make calls fail, put foreign objects there, and
 * look at everything at once.
 */
import type { IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import { faults } from "../../faults.ts";
import type { Kernel } from "../kernel.ts";
import { ModelFirewall } from "./firewall.ts";
import { ModelForeignFirewalls } from "./foreign-firewalls.ts";
import { ModelHostFacts } from "./host-facts.ts";
import { ModelHostPorts } from "./host-ports.ts";
import { ModelLinks } from "./links.ts";
import { ModelNamespaces } from "./namespaces.ts";
import { State } from "./state.ts";

export class ModelKernel implements Kernel {
	readonly state = new State();
	readonly links = this.#breakable("links", new ModelLinks(this.state));
	readonly namespaces = this.#breakable("namespaces", new ModelNamespaces(this.state));
	readonly firewall = this.#breakable("firewall", new ModelFirewall());
	readonly foreign = this.#breakable("foreign", new ModelForeignFirewalls());
	readonly hostPorts = new ModelHostPorts(this.state);
	readonly facts = new ModelHostFacts(this.state);
	readonly #failures: { call: string; error: Error; times: number }[] = [];

	readonly resolver = this.#breakable("resolver", {
		ensure: (netns: string, port: number): void => {
			this.state.sandbox(netns).redirect = port;
		},
		remove: (netns: string): void => {
			const sandbox = this.state.sandboxes.get(netns);
			if (sandbox !== undefined) sandbox.redirect = undefined;
		},
		observe: (netns: string): number | undefined => this.state.sandbox(netns).redirect,
	});

	readonly removedFlows: string[] = [];
	readonly flows: Kernel["flows"] = {
		remove: async ({ ports, addresses }) => {
			this.removedFlows.push(...ports.map((port) => `${port.protocol} ${port.hostPort}`), ...addresses.map(String));
		},
	};

	/** The next calls of `links.ensureLeg` or the like fail, after their effect when `after` says so. */
	fail(call: string, error: Error = refused(call, "Operation not permitted (EPERM)"), times = 1): void {
		this.#failures.push({ call, error, times });
	}

	/** A namespace that is not in netd's folder, as the kernel makes them: its loopback is down. */
	addForeignNamespace(path: string, ...interfaces: readonly IfName[]): void {
		const links = interfaces.map(
			(name) => [name, { addresses: [], settings: [], up: true, hostInterface: undefined }] as const,
		);
		this.state.sandboxes.set(path, {
			loopback: false,
			interfaces: new Map(links),
			routes: {},
			sourceRoutes: [],
			redirect: undefined,
		});
	}

	/** One of somebody else's, whose namespace is at that path until it ends. */
	addProcess(pid: number, path: string): void {
		this.addForeignNamespace(path);
		this.state.processes.set(pid, path);
	}

	endProcess(pid: number): void {
		this.state.removeSandbox(this.state.processes.get(pid) ?? "");
		this.state.processes.delete(pid);
	}

	addForeignLink(name: IfName): void {
		this.state.foreign.add(name);
	}

	/** The host has this one at a link. */
	addAddress(name: IfName, address: IpInterface): void {
		this.state.hostAddresses.set(name, [...(this.state.hostAddresses.get(name) ?? []), address]);
	}

	/** Everything, as a value to compare. */
	snapshot(): object {
		return {
			...this.state.snapshot(),
			rules: this.firewall.observe(),
			letThrough: this.foreign.observe(),
			reserved: this.hostPorts.reserved(),
		};
	}

	#breakable<T extends object>(name: string, target: T): T {
		return new Proxy(target, {
			get: (object, key, receiver) => {
				const value: unknown = Reflect.get(object, key, receiver);
				if (typeof value !== "function" || typeof key !== "string") return value;
				return (...args: unknown[]): unknown => {
					const failure = this.#failures.find(({ call, times }) => call === `${name}.${key}` && times > 0);
					if (failure !== undefined) {
						failure.times -= 1;
						throw failure.error;
					}
					return value.apply(object, args) as unknown;
				};
			},
		});
	}
}

function refused(what: string, words: string): Error {
	return faults.KERNEL_REFUSED({ what, words });
}
