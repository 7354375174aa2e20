/** Store, kernel and allocator put together into use cases: once in `main.ts`, and in tests on other kernels. */
import type { IfName } from "#lib/address/if-name.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { Log } from "#lib/log/log.ts";
import type { Store } from "#lib/store/store.ts";
import type { Allocator } from "./allocator.ts";
import { type BridgeSettings, defaultBridge } from "./default-bridge.ts";
import { Diagnosis } from "./diagnosis/diagnosis.ts";
import { BridgeDriver } from "./drivers/bridge.ts";
import { Drivers } from "./drivers/drivers.ts";
import { MacvlanDriver } from "./drivers/macvlan.ts";
import { fixedDriver } from "./drivers/fixed.ts";
import { Endpoints } from "./endpoints.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { Locks } from "#lib/concurrency/locks.ts";
import { Pace } from "#lib/concurrency/pace.ts";
import { Names } from "./names.ts";
import { Networks } from "./networks.ts";
import type { Parts } from "./parts.ts";
import { Predefined } from "./predefined.ts";
import { holderName } from "./port-conflict.ts";
import { PublishedPorts } from "./published-ports.ts";
import { Reaper } from "./reaper.ts";
import { Reconcile } from "./reconcile/reconcile.ts";
import { Records } from "./records.ts";
import { Reservations } from "./reservations.ts";
import { Sandboxes } from "./sandboxes.ts";

export interface Ingredients {
	readonly store: Store;
	readonly kernel: Kernel;
	readonly allocator: Allocator;
	readonly log: Log;
	readonly netnsPath: (sandboxId: string) => string;
	/** The default network's bridge. */
	readonly bridge: IfName;
	/** Other programs' packet rules may be given a rule that lets ours through; not unless it is said. */
	readonly adapts?: boolean;
	/**
	 * What else the settings say of the default network, where ports go for which nobody says an address, and where unknown names are
	 * asked of which nobody says where.
	 */
	readonly settings?: BridgeSettings & { readonly ip?: Ip | undefined; readonly dns?: readonly Ip[] };
	/** Aborted when the end begins. */
	readonly signal: AbortSignal;
}

export interface Netd extends AsyncDisposable {
	readonly networks: Networks;
	readonly sandboxes: Sandboxes;
	readonly endpoints: Endpoints;
	readonly ports: PublishedPorts;
	readonly names: Names;
	readonly reconcile: Reconcile;
	readonly diagnosis: Diagnosis;
}

export function assemble(ingredients: Ingredients): Netd {
	const { store, kernel, allocator, log, netnsPath, bridge, settings = {}, adapts = false, signal } = ingredients;
	const records = new Records(store);
	const reaper = new Reaper(kernel, log);
	const parts: Parts = {
		store,
		records,
		kernel,
		drivers: new Drivers([
			new BridgeDriver(kernel, settings.ip),
			new MacvlanDriver(kernel),
			fixedDriver("host"),
			fixedDriver("none"),
		]),
		allocator,
		names: new Names(),
		dnsServers: settings.dns ?? [],
		reservations: new Reservations(kernel.hostPorts, (port) => holderName(records, port)),
		reaper,
		locks: new Locks(),
		pace: new Pace(),
		log,
		netnsPath,
		unfinished: () => reconcile.soon(),
	};
	const networks = new Networks(parts);
	const sandboxes = new Sandboxes(parts);
	const endpoints = new Endpoints(parts);
	const predefined = new Predefined(parts, networks, defaultBridge(bridge, settings));
	const reconcile = new Reconcile({ parts, useCases: { networks, sandboxes, endpoints, predefined }, adapts, signal });
	return {
		networks,
		sandboxes,
		endpoints,
		ports: new PublishedPorts(parts),
		names: parts.names,
		reconcile,
		diagnosis: new Diagnosis(parts, predefined),
		[Symbol.asyncDispose]: async () => {
			await reconcile[Symbol.asyncDispose]();
			await reaper[Symbol.asyncDispose]();
			parts.reservations[Symbol.dispose]();
		},
	};
}
