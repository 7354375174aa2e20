/**
 * One endpoint with one published port through netd's gRPC, beside the kernel floor: the same links by a bare loop over lib/linux.
 * Beside them what else a connect cannot do without, alone: two calls from process to process, and three durable writes.
 *
 * netd and ipamd are real processes in this network namespace, which plays the host (`npm run bench` makes it). The rounds of the
 * two alternate, and the sandboxes' namespaces are there before the clock starts. Prints only.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EndpointServiceService, type Port } from "#gen/wharf/network/v1/endpoint.ts";
import { NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Cidr } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { ElementBatch } from "#lib/linux/nft/element-batch.ts";
import { address, concatenation, inetProto, service } from "#lib/linux/nft/field.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";
import { Store } from "#lib/store/store.ts";

const ROUNDS = 5;
const PER_ROUND = 40;
const FIRST_PORT = 20_000;

const root = mkdtempSync(join(tmpdir(), "wharf-bench-"));
const paths = new Paths(root);
const children: Child[] = [];
const namespaces: string[] = [];

async function daemon(name: string): Promise<void> {
	const env = { WHARF_ROOT: root, WHARF_LOG_LEVEL: "warn" };
	const main = join(import.meta.dirname, "../services", name, "main.ts");
	children.push(start(process.execPath, [main], { env, stdout: "ignore", stderr: 2 }));
	while ((await checkHealth({ unix: paths.socket(name) })) !== "SERVING") await sleep(20);
}

/** Makes the sandboxes of a round, then connects each; milliseconds a step. */
function throughNetd(store: Store) {
	const at = { unix: paths.socket("netd") };
	const networks = client(NetworkServiceService, at);
	const sandboxes = client(SandboxServiceService, at);
	const endpoints = client(EndpointServiceService, at);
	const pipelined = client(EndpointServiceService, at, { pipeline: true });
	let made = 0;
	const timed = async <T>(into: number[], body: () => Promise<T>): Promise<T> => {
		const begin = performance.now();
		const result = await body();
		into.push(performance.now() - begin);
		return result;
	};
	const connect = (by: typeof endpoints, network: string, sandboxId: string, ports: Port[]) =>
		by.connect({
			requestId: `${sandboxId}-${network}`,
			network,
			sandboxId,
			addresses: [],
			mac: "",
			aliases: [],
			gatewayPriority: 0,
			options: {},
			ports,
		});
	return {
		network: () =>
			networks.createNetwork({
				requestId: "bench",
				name: "bench",
				driver: "",
				subnets: [],
				internal: false,
				ipv6: false,
				options: {},
				labels: {},
				attachable: false,
				configOnly: false,
				configFrom: "",
			}),
		close: () => {
			for (const one of [networks, sandboxes, endpoints, pipelined]) one.close();
		},
		round: async (times: Times) => {
			const ids: string[] = [];
			for (let count = 0; count < PER_ROUND; count += 1) {
				const owner = `bench-${++made}`;
				const fields = {
					requestId: owner,
					holder: "bench",
					owner,
					name: owner,
					adoptPath: "",
					adoptPid: 0,
					joinSandboxId: "",
					dnsServers: [],
					hostname: "",
				};
				const { sandbox } = await timed(times.sandbox, () => sandboxes.createSandbox(fields));
				const port = {
					protocol: "PROTOCOL_TCP",
					hostAddress: "",
					hostPort: FIRST_PORT + made,
					containerPort: 80,
				} as const;
				const { id = "" } = sandbox ?? {};
				ids.push(id);
				// By turns, so that both ways meet the same machine.
				if (count % 2 === 0) await timed(times.connect, () => connect(pipelined, "bench", id, [port]));
				else await timed(times.connectAlone, () => connect(endpoints, "bench", id, [port]));
				// Here, so that they find the caches as a connect does: in a loop of their own they take a half.
				await timed(times.call, bareCall);
				await timed(times.write, () => store.write([{ sql: ROW, params: [made] }]));
			}
			// Apart from the above: the kernel holds its one lock of all links while it ends one, some 15 ms.
			for (const id of ids) {
				const { endpoint } = await connect(pipelined, "bridge", id, []);
				const request = { requestId: `${id}-off`, endpointId: endpoint?.id ?? "" };
				await timed(times.disconnect, () => pipelined.disconnect(request));
			}
		},
	};
}

/** The same veth, address, route and map element, and nothing else. */
function kernelFloor() {
	const host = Rtnetlink.open();
	const tables = NfTables.open();
	using skeleton = Nft.open();
	skeleton.run("table inet floor { map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }; }");
	const set = { family: "inet", table: "floor", set: "ports" } as const;
	const gateway = Ip.parse("10.254.0.1");
	const bridge = parseIfName("floor0");
	const eth0 = parseIfName("eth0");
	const everything = Cidr.parse("0.0.0.0/0");
	host.links.addBridge({ name: bridge, mac: macFromIp(gateway), up: true });
	const master = host.links.get(bridge).index;
	host.addresses.add({ link: master, ip: gateway, prefix: 16 });
	let made = 0;
	return (times: number[]): void => {
		for (let count = 0; count < PER_ROUND; count += 1) {
			made += 1;
			const netns = join(root, `floor${made}`);
			createNetns(netns);
			namespaces.push(netns);
			const ip = gateway.plus(BigInt(made));
			const begin = performance.now();
			host.links.addVeth({
				name: parseIfName(`f${made}`),
				master,
				up: true,
				peer: { name: eth0, netns, mac: macFromIp(ip) },
			});
			using inside = Rtnetlink.open(netns);
			const { index } = inside.links.get(eth0);
			inside.addresses.add({ link: index, ip, prefix: 16 });
			inside.links.set(index, { up: true });
			inside.routes.add({ destination: everything, gateway, link: index });
			const key = concatenation(inetProto("tcp"), service(FIRST_PORT + made));
			tables.commit(new ElementBatch().add(set, key, concatenation(address(ip), service(80))));
			times.push(performance.now() - begin);
		}
	};
}

interface Times {
	readonly sandbox: number[];
	readonly connect: number[];
	readonly connectAlone: number[];
	readonly call: number[];
	readonly write: number[];
	readonly disconnect: number[];
}

function fresh(): Times {
	return { sandbox: [], connect: [], connectAlone: [], call: [], write: [], disconnect: [] };
}

const ROW = "INSERT INTO row (id) VALUES (?)";

/** One call that does nothing, to a service that has nothing else to do. */
async function bareCall(): Promise<void> {
	await checkHealth({ unix: paths.socket("netd") });
}

function quantile(values: readonly number[], part: number): string {
	const sorted = values.toSorted((a, b) => a - b);
	return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(2);
}

try {
	await daemon("ipamd");
	await daemon("netd");
	const path = join(root, "floor.db");
	await using store = await Store.open({ path, migrations: ["CREATE TABLE row (id INTEGER PRIMARY KEY) STRICT"] });
	const netd = throughNetd(store);
	await netd.network();
	const floor = kernelFloor();
	// Services run for weeks: the first round warms both up and does not count.
	floor([]);
	await netd.round(fresh());
	const times = fresh();
	const floors: number[] = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		floor(floors);
		await netd.round(times);
	}
	const report = (name: string, values: readonly number[]): void =>
		console.log(`${name}: median ${quantile(values, 0.5)} ms, p99 ${quantile(values, 0.99)} ms (${values.length})`);
	report("kernel floor: veth on a bridge, address, route, one port", floors);
	report("one call that does nothing, from process to process (a connect has two)", times.call);
	report("one durable write (a connect has three)", times.write);
	report("netd Connect with one published port", times.connect);
	report("the same by a gRPC call of its own, and not over a pipeline", times.connectAlone);
	report("netd Disconnect of a second network", times.disconnect);
	report("netd CreateSandbox", times.sandbox);
	netd.close();
} finally {
	for (const child of children) child.kill("SIGTERM");
	for (const child of children) await child.done;
	// What netd made outlives it: the sandboxes are still there.
	const sandboxes = existsSync(paths.netnsDir) ? readdirSync(paths.netnsDir).map((id) => paths.netns(id)) : [];
	for (const path of [...namespaces, ...sandboxes]) removeNetns(path);
	rmSync(root, { recursive: true });
}
