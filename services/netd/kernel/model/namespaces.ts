/** Namespaces of the model: paths that lead to the same state are the same namespace. */
import { faults } from "../../faults.ts";
import type { NamespaceRef, Namespaces, OpenNamespace } from "../namespaces.ts";
import { HOST_NAMESPACE, type SandboxState, type State } from "./state.ts";

export class ModelNamespaces implements Namespaces {
	readonly #state: State;

	constructor(state: State) {
		this.#state = state;
	}

	create(path: string): void {
		this.#refuseTaken(path, "make a network namespace");
		this.#pin(path, { loopback: true, interfaces: new Map(), routes: {}, sourceRoutes: [], redirect: undefined });
	}

	open(at: NamespaceRef): OpenNamespace {
		const what = "path" in at ? at.path : this.#state.processes.get(at.pid);
		if (what === HOST_NAMESPACE) throw faults.HOST_NAMESPACE({ what });
		const found = what === undefined ? undefined : this.#state.sandboxes.get(what);
		if (found === undefined) {
			throw "path" in at
				? faults.NOT_A_NAMESPACE({ path: at.path }, { field: "adopt_path" })
				: faults.PROCESS_NOT_FOUND({ pid: String(at.pid) }, { field: "adopt_pid" });
		}
		return {
			pinnedAt: this.observe().find((path) => this.#state.sandboxes.get(path) === found),
			pin: (path) => {
				this.#refuseTaken(path, "hold a network namespace");
				this.#pin(path, found);
				this.ensureLoopback(path);
			},
			[Symbol.dispose]: () => {},
		};
	}

	remove(path: string): void {
		this.#state.removeSandbox(path);
	}

	ensureLoopback(path: string): void {
		this.#state.sandbox(path).loopback = true;
	}

	isNamespace(path: string): boolean {
		return this.#state.sandboxes.has(path);
	}

	observe(): string[] {
		return [...this.#state.pinned];
	}

	#pin(path: string, sandbox: SandboxState): void {
		this.#state.sandboxes.set(path, sandbox);
		this.#state.pinned.add(path);
	}

	#refuseTaken(path: string, what: string): void {
		if (this.#state.sandboxes.has(path)) throw faults.KERNEL_REFUSED({ what, words: "File exists (EEXIST)" });
	}
}
