/** netd's use cases on a store of its own and the strict models, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cidr } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { createLog } from "#lib/log/log.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { Store } from "#lib/store/store.ts";
import type { Allocator, SubnetSpec } from "../allocator.ts";
import { assemble, type Ingredients, type Netd } from "../assemble.ts";
import type { ConnectSpec } from "../endpoints.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { ModelKernel } from "../kernel/model/model.ts";
import type { NetworkSpec } from "../networks.ts";
import { ModelAllocator } from "../peers/model-allocator.ts";
import type { Port } from "../port.ts";
import type { Sandbox } from "../sandbox.ts";
import type { SandboxSpec } from "../sandboxes.ts";
import { migrations } from "../schema.ts";

export const BRIDGE = parseIfName("wharf0");

/** A request that nobody gives up and whose answer is kept nowhere. */
export function call<R>(signal: AbortSignal = new AbortController().signal): Mutation<R> {
	return { signal, requestId: "", log: createLog({ service: "netd", level: "silent" }), answer: () => [] };
}

/** A subnet with this range, or one of this family whose range is found for it. */
export function subnetSpec(range: string | Family, more: Partial<SubnetSpec> = {}): SubnetSpec {
	const nothing = { cidr: undefined, ipRange: undefined, gateway: undefined, auxiliary: {} };
	if (typeof range !== "string") return { family: range, ...nothing, ...more };
	const cidr = Cidr.parse(range);
	return { family: cidr.family, ...nothing, cidr, ...more };
}

export const BOTH_FAMILIES: readonly SubnetSpec[] = [subnetSpec(4), subnetSpec(6)];

export function networkSpec(name: string, more: Partial<NetworkSpec> = {}): NetworkSpec {
	return {
		name,
		driver: "bridge",
		subnets: [subnetSpec(4)],
		internal: false,
		attachable: false,
		options: {},
		labels: {},
		configOnly: false,
		configFrom: undefined,
		dnsServers: [],
		...more,
	};
}

export function sandboxSpec(name: string, more: Partial<SandboxSpec> = {}): SandboxSpec {
	const own = { adoptPath: undefined, adoptPid: undefined, join: undefined, dnsServers: [], hostname: undefined };
	return { holder: "test", owner: name, name, ...own, ...more };
}

export function connectSpec(network: string, sandbox: Sandbox, more: Partial<ConnectSpec> = {}): ConnectSpec {
	const nothing = { addresses: [], mac: undefined, aliases: [], ports: [], gatewayPriority: 0, options: {}, links: {} };
	return { network, sandboxId: sandbox.id, ...nothing, ...more };
}

export function tcp(hostPort: number, containerPort: number, address?: string): Port {
	return {
		protocol: "tcp",
		hostAddress: address === undefined ? undefined : Ip.parse(address),
		hostPort,
		containerPort,
	};
}

export interface BenchSettings {
	readonly bridge?: IfName;
	readonly settings?: NonNullable<Ingredients["settings"]>;
}

export interface Bench<K extends Kernel, A extends Allocator> extends AsyncDisposable {
	readonly kernel: K;
	readonly allocator: A;
	/** The present process. */
	netd: Netd;
	store: Store;
	/** Ends the process, and starts the next on the same store, with other settings if there are any. */
	restart(settings?: BenchSettings): Promise<void>;
}

export interface BenchOptions<K extends Kernel, A extends Allocator> {
	readonly kernel: K;
	readonly allocator: A;
	readonly netnsPath: (id: string) => string;
	/** As `Ingredients` have it. */
	readonly adapts?: boolean;
}

export async function bench<K extends Kernel, A extends Allocator>(options: BenchOptions<K, A>): Promise<Bench<K, A>> {
	const { kernel, allocator, netnsPath, adapts = false } = options;
	let settings: BenchSettings = {};
	const folder = mkdtempSync(join(tmpdir(), "netd-test-"));
	const open = async (): Promise<{ store: Store; netd: Netd }> => {
		const store = await Store.open({ path: join(folder, "netd.db"), migrations });
		const log = createLog({ service: "netd", level: "silent" });
		const { signal } = new AbortController();
		const netd = assemble({ store, kernel, allocator, log, netnsPath, bridge: BRIDGE, adapts, ...settings, signal });
		await netd.reconcile.run();
		netd.reconcile.seedNames();
		return { store, netd };
	};
	const close = async (): Promise<void> => {
		await it.netd[Symbol.asyncDispose]();
		await it.store.close();
	};
	const it: Bench<K, A> = {
		kernel,
		allocator,
		...(await open()),
		restart: async (next = settings) => {
			settings = next;
			await close();
			Object.assign(it, await open());
		},
		[Symbol.asyncDispose]: async () => {
			await close();
			rmSync(folder, { recursive: true });
		},
	};
	return it;
}

/** On the models. */
export function modelBench(): Promise<Bench<ModelKernel, ModelAllocator>> {
	return bench({
		kernel: new ModelKernel(),
		allocator: new ModelAllocator(),
		netnsPath: (id) => `/netns/${id}`,
	});
}
