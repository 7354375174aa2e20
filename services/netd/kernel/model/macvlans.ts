/** Macvlans of the model and the links that they are on. */
import type { IfName } from "#lib/address/if-name.ts";
import { faults } from "../../faults.ts";
import type { Macvlan, MacvlanRef, ObservedMacvlan, Parent, Shim } from "../links.ts";
import type { MacvlanState, SandboxState, State } from "./state.ts";

export class ModelMacvlans {
	readonly #state: State;

	constructor(state: State) {
		this.#state = state;
	}

	ensureParent({ name, networkId, mtu, made }: Parent): void {
		const { foreign, parents, lacking } = this.#state;
		if (made === undefined) {
			this.#state.refuseLower(name, mtu);
			return;
		}
		const present = parents.get(name);
		if (foreign.has(name) || (present !== undefined && present.networkId !== networkId)) {
			throw faults.INTERFACE_EXISTS({ interface: name });
		}
		if (present !== undefined) return;
		if (made.kind === "802.1q") this.#state.refuseLower(made.on, mtu);
		if (lacking.has(made.kind)) throw faults.LINK_KIND_UNSUPPORTED({ kind: made.kind });
		parents.set(name, { networkId });
	}

	ensureShim(shim: Shim): void {
		const { bridges, shims } = this.#state;
		this.#state.refuseLower(shim.parent);
		const present = shims.get(shim.name);
		if (present === undefined && this.#state.isThere(shim.name))
			throw faults.INTERFACE_EXISTS({ interface: shim.name });
		if (present !== undefined && present.networkId !== shim.networkId)
			throw faults.INTERFACE_EXISTS({ interface: shim.name });
		if (present === undefined) {
			const own = [...bridges.values()].flatMap(({ name, addresses }) => addresses.map(({ ip }) => ({ name, ip })));
			const others = [...shims.values()].flatMap(({ name, ways }) => ways.map(({ address: ip }) => ({ name, ip })));
			for (const { name, ip } of [...own, ...others]) {
				const taken = shim.ways.find(({ range }) => range.contains(ip));
				if (taken === undefined) continue;
				const metadata = { range: taken.range.toString(), address: ip.toString(), interface: name };
				throw faults.SHIM_RANGE_TAKEN(metadata, { field: "subnets" });
			}
		}
		shims.set(shim.name, shim);
	}

	ensure(wanted: Macvlan): void {
		const { endpointId, netns, interface: name, parent, mode } = wanted;
		const what = `connect ${name} to ${parent}`;
		const { interfaces } = this.#state.sandbox(netns);
		this.#state.refuseLower(parent);
		const old = find(interfaces, endpointId);
		const isRight = old?.name === name && old.macvlan.parent === parent && old.macvlan.mode === mode;
		if (isRight) return;
		if (old !== undefined) interfaces.delete(old.name);
		const on = [...this.#state.sandboxes.values()].flatMap((sandbox) => macvlansOn(sandbox, parent));
		if (on.some((other) => other.mode === "passthru") || (mode === "passthru" && on.length > 0)) {
			throw faults.KERNEL_REFUSED({ what, words: "Invalid argument (EINVAL)" });
		}
		if (interfaces.has(name)) throw faults.KERNEL_REFUSED({ what, words: "File exists (EEXIST)" });
		const macvlan = { endpointId, parent, mode };
		interfaces.set(name, { addresses: [], settings: [], up: false, hostInterface: undefined, macvlan });
	}

	remove({ endpointId, netns }: MacvlanRef): void {
		const sandbox = this.#state.sandboxes.get(netns);
		const present = sandbox && find(sandbox.interfaces, endpointId);
		if (sandbox === undefined || present === undefined) return;
		sandbox.interfaces.delete(present.name);
		sandbox.routes = this.#state.reachable(sandbox, sandbox.routes);
	}

	observe(netns: string): ObservedMacvlan[] {
		const { interfaces } = this.#state.sandbox(netns);
		return [...interfaces].flatMap(([name, { macvlan, up }]) =>
			macvlan === undefined ? [] : [{ interface: name, up, ...macvlan }],
		);
	}
}

function find(
	interfaces: SandboxState["interfaces"],
	endpointId: string,
): { name: IfName; macvlan: MacvlanState } | undefined {
	for (const [name, { macvlan }] of interfaces) {
		if (macvlan?.endpointId === endpointId) return { name, macvlan };
	}
	return undefined;
}

function macvlansOn({ interfaces }: SandboxState, parent: IfName): MacvlanState[] {
	return [...interfaces.values()].flatMap(({ macvlan }) => (macvlan?.parent === parent ? [macvlan] : []));
}
