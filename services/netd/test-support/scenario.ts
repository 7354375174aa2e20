/**
 * A process of netd that lives through everything once, for tests that kill it in between; and one that only reconciles.
 *
 * `scenario.ts live <round>` or `scenario.ts reconcile`, with NETD_TEST_HOST, NETD_TEST_FOLDER, NETD_TEST_IPAMD and, for a
 * namespace of somebody else's, NETD_TEST_FOREIGN. It prints what the store says at its end.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { parseIfName } from "#lib/address/if-name.ts";
import { parseMac } from "#lib/address/mac.ts";
import { isFault } from "#lib/fault/fault.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import { assemble, type Ingredients, type Netd } from "../assemble.ts";
import type { Endpoint } from "../endpoint.ts";
import { faults } from "../faults.ts";
import { openLinuxKernel } from "../kernel/linux/kernel.ts";
import { shimName } from "../id.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { IpamdAllocator } from "../peers/ipamd.ts";
import { Records } from "../records.ts";
import type { Sandbox } from "../sandbox.ts";
import { migrations } from "../schema.ts";
import { BRIDGE, call, connectSpec, networkSpec, sandboxSpec, subnetSpec, tcp } from "./netd.ts";

const { NETD_TEST_HOST: host = "", NETD_TEST_FOLDER: folder = "", NETD_TEST_IPAMD: ipamd = "" } = process.env;
const { NETD_TEST_FOREIGN: foreign = "" } = process.env;
const [, , mode, round = "0"] = process.argv;

/** Calls that fail once each, as `firewall.ensurePublished`: of whom they are broken for, and not of what mends in the background. */
const broken = new Set<string>();
const isMeant = new AsyncLocalStorage<boolean>();

function breakable(kernel: Kernel): Kernel {
	const part = <T extends object>(name: string, target: T): T =>
		new Proxy(target, {
			get: (object, key) => {
				const value: unknown = Reflect.get(object, key, object);
				if (typeof value !== "function") return value;
				return (...args: unknown[]): unknown => {
					if (isMeant.getStore() !== true || !broken.delete(`${name}.${String(key)}`))
						return value.apply(object, args) as unknown;
					throw faults.KERNEL_REFUSED({ what: String(key), words: "broken on purpose" });
				};
			},
		});
	const { links, namespaces, firewall, resolver, hostPorts, flows, foreign, facts } = kernel;
	return {
		links: part("links", links),
		namespaces: part("namespaces", namespaces),
		firewall: part("firewall", firewall),
		resolver,
		hostPorts,
		flows,
		foreign,
		facts,
	};
}

async function refusedOn(calls: readonly string[], body: () => Promise<unknown>): Promise<void> {
	for (const name of calls) broken.add(name);
	try {
		await isMeant.run(true, body);
	} catch {
		if (broken.size > 0) throw new Error(`these calls were not made: ${[...broken].join(", ")}`);
		return;
	}
	throw new Error("nothing failed");
}

async function live(netd: Netd): Promise<void> {
	const { networks, sandboxes, endpoints, ports, reconcile } = netd;
	const options = { "com.docker.network.bridge.name": `lan${round}` };
	const subnets = [subnetSpec(`10.200.${round}.0/24`)];
	await networks.create(networkSpec(`lan-${round}`, { options, subnets }), call());
	await networks.create(networkSpec(`web-${round}`), call());
	await networks.create(networkSpec(`base-${round}`, { configOnly: true }), call());
	await networks.create(networkSpec(`from-${round}`, { configFrom: `base-${round}` }), call());
	const sandbox = await sandboxes.create(sandboxSpec(`c-${round}`), call());
	const first = await endpoints.connect(connectSpec(`lan-${round}`, sandbox, { ports: [tcp(0, 80)] }), call());
	const second = await endpoints.connect(connectSpec(`web-${round}`, sandbox), call());
	const endpointId = first.view.endpoint.id;
	await mistaken(netd, first.view.endpoint, `lan${round}`);
	await ports.publish({ endpointId, ports: [tcp(0, 81)] }, call());
	await ports.unpublish({ endpointId, ports: [] }, call());
	await refusedOn(["firewall.ensurePublished"], () => ports.publish({ endpointId, ports: [tcp(0, 81)] }, call()));
	await endpoints.disconnect(endpointId, call());
	await endpoints.disconnect(second.view.endpoint.id, call());
	await refusedOn(["links.ensureLeg"], () => endpoints.connect(connectSpec(`web-${round}`, sandbox), call()));
	await refusedOn(["links.ensureLeg", "links.removeLeg"], () =>
		endpoints.connect(connectSpec(`web-${round}`, sandbox), call()),
	);
	await macvlans(netd, sandbox);
	await borrowed(netd, sandbox);
	await reconcileBesideDocker(netd);
	await uplinks(netd);
	askHost();
	await refusedOn(["namespaces.create"], () => sandboxes.create(sandboxSpec(`d-${round}`), call()));
	await refusedOn(["namespaces.create", "namespaces.remove"], () =>
		sandboxes.create(sandboxSpec(`e-${round}`), call()),
	);
	// One that is due by itself would make a bridge sure in between, and the call that fails would be its. The second is whole:
	// the first may have been under way.
	await reconcile.run();
	await reconcile.run();
	await refusedOn(["links.ensureBridge"], () => networks.create(networkSpec(`x-${round}`), call()));
	await refusedOn(["links.ensureBridge", "links.removeBridge"], () =>
		networks.create(networkSpec(`y-${round}`), call()),
	);
	await reconcile.run();
	await endpoints.connect(connectSpec(`web-${round}`, sandbox, { ports: [tcp(0, 80)] }), call());
	await endpoints.connect(connectSpec(`mac-${round}`, sandbox), call());
	await sandboxes.delete(sandbox.id, call());
	await networks.delete(`mac-${round}`, call());
	await networks.delete(`web-${round}`, call());
	await networks.delete(`from-${round}`, call());
	await networks.delete(`base-${round}`, call());
	await networks.delete(`lan-${round}`, call());
}

/** Somebody has written of an endpoint's address that another has it. */
async function mistaken({ reconcile }: Netd, { addresses }: Endpoint, bridge: string): Promise<void> {
	{
		using rtnl = Rtnetlink.open(host);
		const [at] = addresses;
		const link = rtnl.links.get(parseIfName(bridge)).index;
		if (at !== undefined) rtnl.neighbours.replace({ link, ip: at.ip, mac: parseMac("02:00:00:00:00:66") });
	}
	await reconcile.run();
	await reconcile.run();
}

/** A namespace of somebody else's, and one that two share. */
async function borrowed({ sandboxes, endpoints }: Netd, sandbox: Sandbox): Promise<void> {
	const theirs = await sandboxes.create(sandboxSpec(`f-${round}`, { adoptPath: foreign }), call());
	await endpoints.connect(connectSpec(`web-${round}`, theirs), call());
	const guest = await sandboxes.create(sandboxSpec(`g-${round}`, { join: sandbox.id }), call());
	const left = await sandboxes.create(sandboxSpec(`h-${round}`, { join: theirs.id }), call());
	await sandboxes.delete(guest.id, call());
	await sandboxes.delete(theirs.id, call());
	await sandboxes.delete(left.id, call());
	await sandboxes.delete(
		(await sandboxes.create(sandboxSpec(`i-${round}`, { adoptPath: foreign }), call())).id,
		call(),
	);
}

/** Its rules come, and are gone: ours in them is made and taken away. */
async function reconcileBesideDocker({ reconcile }: Netd): Promise<void> {
	for (const policy of ["drop", "accept"]) {
		nft(`table ip filter { chain DOCKER-USER { }; chain FORWARD { type filter hook forward priority 0; policy ${policy}; }; }
			flush table ip filter
			add rule ip filter FORWARD jump DOCKER-USER`);
		await reconcile.run();
		await reconcile.run();
	}
}

/** The setting is another one, and then as it was. */
function askHost(): void {
	for (const asksHost of [true, false]) {
		using other = openLinuxKernel({ log, namespaces, host, asksHost });
		other.firewall.ensureSkeleton();
	}
}

function nft(commands: string): void {
	using tables = Nft.open(host);
	tables.run(commands);
}

/** The default network, of what a kill has left on it: it is made again while nothing is. */
async function emptied({ endpoints, sandboxes }: Netd): Promise<void> {
	const { items } = endpoints.list({ network: "bridge", sandboxId: undefined }, { after: 0, limit: 100 });
	for (const { sandbox } of items) await sandboxes.delete(sandbox.id, call());
}

async function macvlans({ networks, endpoints }: Netd, sandbox: Sandbox): Promise<void> {
	const name = `mac-${round}`;
	const options = { parent: "eth1", "wharf.macvlan.host_shim": "auto" };
	await networks.create(networkSpec(name, { driver: "macvlan", options }), call());
	await refusedOn(["links.ensureShim", "links.removeBridge"], () =>
		networks.create(networkSpec(`shim-${round}`, { driver: "macvlan", options }), call()),
	);
	const connect = () => endpoints.connect(connectSpec(name, sandbox), call());
	const { view } = await connect();
	await endpoints.disconnect(view.endpoint.id, call());
	await refusedOn(["links.ensureMacvlan"], connect);
	await refusedOn(["links.ensureMacvlan", "links.removeMacvlan"], connect);
	try {
		await networks.create(networkSpec(`alone-${round}`, { driver: "macvlan" }), call());
		await networks.delete(`alone-${round}`, call());
	} catch (error) {
		if (!isFault(error, "LINK_KIND_UNSUPPORTED")) throw error;
	}
}

/** The host's `eth2` has an address, which is somewhere whatever happens. */
async function uplinks({ networks, reconcile }: Netd): Promise<void> {
	// One of an earlier round has the interface.
	const { items } = networks.list({ names: [], drivers: ["bridge"], labels: {} }, { after: 0, limit: 1000 });
	for (const old of items) if (old.name.startsWith("segment-")) await networks.delete(old.id, call());
	const name = `segment-${round}`;
	const options = { "wharf.bridge.uplink": "eth2", "wharf.bridge.uplink_move": "true" };
	const subnets = [subnetSpec(`10.78.${round}.0/24`)];
	const { network } = await networks.create(networkSpec(name, { options, subnets }), call());
	{
		using rtnl = Rtnetlink.open(host);
		if (network.interface !== undefined) rtnl.links.remove(network.interface);
	}
	await reconcile.run();
	await reconcile.run();
	await networks.delete(name, call());
}

const namespaces = join(folder, "netns");
const log = createLog({ service: "netd", level: mode === "live" ? "silent" : "error" });
const store = await Store.open({ path: join(folder, "netd.db"), migrations });
const kernel = breakable(openLinuxKernel({ log, namespaces, host }));
const allocator = new IpamdAllocator({ unix: ipamd });
const { signal } = new AbortController();

/** The next process of netd, with other settings. */
async function begun(settings: NonNullable<Ingredients["settings"]> = {}): Promise<Netd> {
	const netnsPath = (id: string): string => join(namespaces, id);
	const netd = assemble({ store, kernel, allocator, log, netnsPath, bridge: BRIDGE, settings, adapts: true, signal });
	for (let attempt = 0; (await netd.reconcile.run()) > 0; attempt += 1) {
		if (attempt > 5) throw new Error("reconciliation has problems");
	}
	return netd;
}

/** The default network is made again, fails at that once, and is changed in place. */
async function resettled(): Promise<void> {
	// One that it has not had yet, whatever a kill has left.
	const mtu = 1300 + Number(round);
	broken.add("links.ensureBridge");
	const first = await isMeant.run(true, () => begun({ mtu }));
	if (broken.size > 0) throw new Error("the default network was not made again");
	const sandbox = await first.sandboxes.create(sandboxSpec(`s-${round}`), call());
	await first.endpoints.connect(connectSpec("bridge", sandbox), call());
	await first[Symbol.asyncDispose]();
	const second = await begun({ mtu, ipMasq: false });
	await second.sandboxes.delete(sandbox.id, call());
	await second[Symbol.asyncDispose]();
}

const netd = await begun();
if (mode === "live") {
	await emptied(netd);
	await live(netd);
}
await netd[Symbol.asyncDispose]();
if (mode === "live") await resettled();

const records = new Records(store);
const texts = (values: readonly (string | undefined)[]): string[] =>
	values.filter((value) => value !== undefined).sort();
const isOnMacvlan = ({ networkId }: Endpoint): boolean => records.network(networkId)?.driver === "macvlan";
const said = {
	states: [
		...new Set(
			[...records.networks(), ...records.sandboxes(), ...records.endpoints()].map(({ status }) => status.state),
		),
	],
	bridges: texts(records.networks().map((network) => network.interface)),
	legs: texts(records.endpoints().map((one) => (isOnMacvlan(one) ? undefined : one.hostInterface))),
	macvlans: texts(
		records.endpoints().map((one) => (isOnMacvlan(one) ? `${one.sandboxId} ${one.interface}` : undefined)),
	),
	shims: texts(
		records.networks().map(({ id, hostAddresses }) => (hostAddresses.length > 0 ? shimName(id) : undefined)),
	),
	namespaces: texts(records.sandboxes([["joined = ''"]]).map(({ id }) => id)),
	ports: texts(records.endpoints().flatMap((endpoint) => endpoint.ports.map(({ hostPort }) => String(hostPort)))),
	leases: texts([
		...records.endpoints().flatMap(({ addresses }) => addresses.map(({ ip }) => ip.toString())),
		...records.networks().flatMap(({ hostAddresses }) => hostAddresses.map(({ ip }) => ip.toString())),
	]),
	subnets: texts(records.networks().flatMap(({ subnets }) => subnets.map(({ cidr }) => cidr.toString()))),
};
await store.close();
process.stdout.write(JSON.stringify(said));
process.exit(0);
