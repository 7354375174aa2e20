/**
 * One endpoint with one published port through netd's gRPC, beside the kernel floor: the same links by a bare loop over lib/linux.
 * Beside them what else a connect cannot do without, alone: two calls from process to process, and three durable writes.
 *
 * netd and ipamd are real processes in this network namespace, which plays the host (`npm run bench` makes it). The rounds of the
 * two alternate, and the sandboxes' namespaces are there before the clock starts. Prints only.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EndpointServiceService, type Port } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";
import { Store } from "#lib/store/store.ts";
import { Times, times } from "./support/figures.ts";
import { type Floor, floorOn } from "./netd/floor.ts";
import { connectRequest, sandboxRequest, tcp } from "./netd/requests.ts";

const ROUNDS = 5;
const PER_ROUND = 40;
const FIRST_PORT = 20_000;

const root = mkdtempSync(join(tmpdir(), "wharf-bench-"));
const paths = new Paths(root);
const children: Child[] = [];

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
	const connect = (by: typeof endpoints, network: string, sandboxId: string, ports: Port[]) =>
		by.connect(connectRequest({ requestId: `${sandboxId}-${network}`, network, sandboxId, ports }));
	return {
		network: () => networks.createNetwork(CreateNetworkRequest.fromPartial({ requestId: "bench", name: "bench" })),
		close: () => {
			for (const one of [networks, sandboxes, endpoints, pipelined]) one.close();
		},
		round: async (found: Found) => {
			const ids: string[] = [];
			for (let count = 0; count < PER_ROUND; count += 1) {
				const fields = sandboxRequest(`bench-${++made}`);
				const { sandbox } = await found.sandbox.of(() => sandboxes.createSandbox(fields));
				const port = tcp(FIRST_PORT + made);
				const { id = "" } = sandbox ?? {};
				ids.push(id);
				// By turns, so that both ways meet the same machine.
				if (count % 2 === 0) await found.connect.of(() => connect(pipelined, "bench", id, [port]));
				else await found.connectAlone.of(() => connect(endpoints, "bench", id, [port]));
				// Here, so that they find the caches as a connect does: in a loop of their own they take a half.
				await found.call.of(bareCall);
				await found.write.of(() => store.write([{ sql: ROW, params: [made] }]));
			}
			// Apart from the above: the kernel holds its one lock of all links while it ends one, some 15 ms.
			for (const id of ids) {
				const { endpoint } = await connect(pipelined, "bridge", id, []);
				const request = { requestId: `${id}-off`, endpointId: endpoint?.id ?? "" };
				await found.disconnect.of(() => pipelined.disconnect(request));
			}
		},
	};
}

/** A bridge, and what the kernel alone takes for the same links on it. */
function kernelFloor(): Floor {
	const name = parseIfName("floor0");
	const gateway = Ip.parse("10.254.0.1");
	using host = Rtnetlink.open();
	host.links.addBridge({ name, mac: macFromIp(gateway), up: true });
	host.addresses.add({ link: host.links.get(name).index, ip: gateway, prefix: 16 });
	return floorOn(name, gateway.toString());
}

async function floorRound(floor: Floor, found: Times): Promise<void> {
	await times(PER_ROUND, async () => {
		const netns = floor.netns();
		await found.of(() => floor.attach(netns));
	});
}

const STEPS = ["sandbox", "connect", "connectAlone", "call", "write", "disconnect"] as const;
type Found = Readonly<Record<(typeof STEPS)[number], Times>>;

function fresh(): Found {
	// The keys are the steps above.
	return Object.fromEntries(STEPS.map((step) => [step, new Times()])) as Found;
}

const ROW = "INSERT INTO row (id) VALUES (?)";

/** One call that does nothing, to a service that has nothing else to do. */
async function bareCall(): Promise<void> {
	await checkHealth({ unix: paths.socket("netd") });
}

try {
	await daemon("ipamd");
	await daemon("netd");
	const path = join(root, "floor.db");
	await using store = await Store.open({ path, migrations: ["CREATE TABLE row (id INTEGER PRIMARY KEY) STRICT"] });
	const netd = throughNetd(store);
	await netd.network();
	using floor = kernelFloor();
	// Services run for weeks: the first round warms both up and does not count.
	await floorRound(floor, new Times());
	await netd.round(fresh());
	const [found, floors] = [fresh(), new Times()];
	await times(ROUNDS, async () => {
		await floorRound(floor, floors);
		await netd.round(found);
	});
	const report = (name: string, one: Times): void =>
		console.log(`${name}: median ${one.median.toFixed(2)} ms, p99 ${one.quantile(0.99).toFixed(2)} ms (${one.count})`);
	report("kernel floor: veth on a bridge, address, route, one port", floors);
	report("one call that does nothing, from process to process (a connect has two)", found.call);
	report("one durable write (a connect has two)", found.write);
	report("netd Connect with one published port", found.connect);
	report("the same by a gRPC call of its own, and not over a pipeline", found.connectAlone);
	report("netd Disconnect of a second network", found.disconnect);
	report("netd CreateSandbox", found.sandbox);
	netd.close();
} finally {
	for (const child of children) child.kill("SIGTERM");
	for (const child of children) await child.done;
	// What netd made outlives it: the sandboxes are still there.
	unmount(paths.netnsDir, { detach: true });
	rmSync(root, { recursive: true });
}
