/** The use cases over a real store in a folder of its own, and a host's network that a test writes down. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import type { PoolSpec } from "../choice.ts";
import type { HostNetwork, HostObservation } from "../host-network.ts";
import type { LeaseRequest, Leases } from "../leases.ts";
import { reconcile } from "../reconcile.ts";
import { MIGRATIONS } from "../schema.ts";
import { type SubnetRequest, Subnets } from "../subnets.ts";

export const REST_MS = 10_000;

/** A host with these routes, `10.1.0.0/16`, addresses, `10.1.0.5/16`, and nameservers. */
class WrittenHost implements HostNetwork {
	routes: string[] = [];
	addresses: string[] = [];
	nameservers: string[] = [];

	async observe(): Promise<HostObservation> {
		return {
			routes: this.routes.map((text) => ({ destination: Cidr.parse(text), link: "eth0" })),
			addresses: this.addresses.map((text) => ({ address: IpInterface.parse(text), link: "eth0" })),
			nameservers: this.nameservers.map((text) => Ip.parse(text)),
		};
	}
}

export interface Ipam {
	readonly store: Store;
	readonly subnets: Subnets;
	readonly leases: Leases;
}

/** Its `open` may be called again after `close`, as after a restart. */
export class Scratch implements AsyncDisposable {
	readonly folder = mkdtempSync(join(tmpdir(), "wharf-ipamd-"));
	readonly host = new WrittenHost();
	readonly clock = { ms: Date.UTC(2026, 0, 1) };
	readonly #pools: readonly PoolSpec[];
	#store: Store | undefined;

	constructor(...pools: (readonly [base: string, prefix: number])[]) {
		this.#pools = pools.map(([base, prefix]) => ({ base: Cidr.parse(base), prefix }));
	}

	async open(): Promise<Ipam> {
		const store = await Store.open({ path: join(this.folder, "ipamd.db"), migrations: MIGRATIONS });
		this.#store = store;
		const now = () => this.clock.ms;
		const options = { store, pools: this.#pools, restMs: REST_MS, now };
		const { book, leases } = await reconcile(options, createLog({ service: "ipamd", level: "silent" }));
		return { store, leases, subnets: new Subnets({ store, book, host: this.host, now }) };
	}

	async close(): Promise<void> {
		await this.#store?.close();
		this.#store = undefined;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
		rmSync(this.folder, { recursive: true, force: true });
	}
}

export function keepNothing(): [] {
	return [];
}

/** An automatic subnet unless `cidr` is given. */
export function subnetRequest(owner: string, cidr?: string, more: Partial<SubnetRequest> = {}): SubnetRequest {
	const wish: SubnetRequest["wish"] =
		cidr === undefined ? { kind: "any", family: 4, prefix: undefined } : { kind: "this", cidr: Cidr.parse(cidr) };
	return { holder: "netd", owner, wish, auxiliary: new Map(), ...more };
}

/** The next free address unless `address` is given. */
export function leaseRequest(subnetId: string, owner: string, address?: string): LeaseRequest {
	const ip = address === undefined ? undefined : Ip.parse(address);
	return { subnetId, holder: "netd", owner, address: ip, mac: undefined, name: "" };
}
