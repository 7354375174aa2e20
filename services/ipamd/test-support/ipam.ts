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
import type { LeasesRequest } from "../leases.ts";
import { type Ipamd, reconcile } from "../reconcile.ts";
import { MIGRATIONS } from "../schema.ts";
import type { SubnetRequest } from "../subnets.ts";

export const REST_MS = 10_000;

/** A host with these routes, `10.1.0.0/16 tun0`, addresses, `10.1.0.5/16 br0`, and nameservers; on eth0 unless it is said. */
class WrittenHost implements HostNetwork {
	routes: string[] = [];
	addresses: string[] = [];
	nameservers: string[] = [];

	async observe(): Promise<HostObservation> {
		return {
			routes: this.routes.map(onLink).map(({ text, link }) => ({ destination: Cidr.parse(text), link })),
			addresses: this.addresses.map(onLink).map(({ text, link }) => ({ address: IpInterface.parse(text), link })),
			nameservers: this.nameservers.map((text) => Ip.parse(text)),
		};
	}
}

function onLink(said: string): { readonly text: string; readonly link: string } {
	const [text = "", link = "eth0"] = said.split(" ");
	return { text, link };
}

export interface Ipam extends Ipamd {
	readonly store: Store;
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
		const options = { store, pools: this.#pools, host: this.host, restMs: REST_MS, now };
		const ipamd = await reconcile(options, createLog({ service: "ipamd", level: "silent" }));
		return { store, ...ipamd };
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
	return { holder: "netd", owner, space: "local", wish, auxiliary: new Map(), order: "sequential", ...more };
}

/** The next free address unless `address` is given. */
export function leaseRequest(subnetId: string, owner: string, address?: string): LeasesRequest {
	const ip = address === undefined ? undefined : Ip.parse(address);
	const wishes = [{ subnetIds: [subnetId], address: ip, at: "" }];
	return { holder: "netd", owner, wishes, mac: undefined, name: "" };
}
