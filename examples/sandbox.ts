/**
 * Sandboxes without containers, through gRPC alone: a network, two sandboxes on it, a published port, a process in one of them.
 *
 * Run it as root while wharf is up: `node examples/sandbox.ts`. It removes everything that it has made, also when it fails.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectRequest, EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest, SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { run, start } from "#lib/exec/run.ts";
import { client } from "#lib/rpc/client.ts";

const netd = { unix: `${process.env["WHARF_ROOT"] ?? "/var/lib/wharf"}/run/netd.sock` };
const SERVER = 'require("http").createServer((_, answer) => answer.end("hello from a sandbox\\n")).listen(80)';

await using cleanup = new AsyncDisposableStack();
const networks = cleanup.use(client(NetworkServiceService, netd));
const sandboxes = cleanup.use(client(SandboxServiceService, netd));
const endpoints = cleanup.use(client(EndpointServiceService, netd));

// A request id makes a mutation safe to repeat: the client does so by itself while a service restarts.
const { network } = await networks.createNetwork(
	CreateNetworkRequest.fromPartial({ requestId: randomUUID(), name: "example" }),
);
if (network === undefined) throw new Error("netd gave no network");
cleanup.defer(async () => void (await networks.deleteNetwork({ requestId: randomUUID(), network: network.id })));
console.log(`network   ${network.name} ${network.subnets[0]?.cidr}`);

const server = await join("server", [{ hostPort: 0, containerPort: 80 }]);
const visitor = await join("visitor", []);

const child = start("nsenter", [`--net=${server.netnsPath}`, process.execPath, "-e", SERVER]);
cleanup.defer(async () => {
	child.kill("SIGKILL");
	await child.done;
});

const port = server.endpoint.ports[0]?.hostPort ?? 0;
console.log(`outside   http://127.0.0.1:${port}/ says: ${await fetched(`http://127.0.0.1:${port}/`)}`);

const fetchByName = 'fetch("http://server/").then(async (answer) => process.stdout.write(await answer.text()))';
const inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c"];
const script =
	'echo "nameserver 127.0.0.11" >/run/wharf-example && mount --bind /run/wharf-example /etc/resolv.conf && exec "$@"';
const { stdout } = await run("nsenter", [
	`--net=${visitor.netnsPath}`,
	...inside,
	script,
	"sh",
	process.execPath,
	"-e",
	fetchByName,
]);
console.log(`inside    http://server/ says: ${stdout.trim()}`);

/** A sandbox on the network, its address, and what is published of it. */
async function join(name: string, ports: readonly { hostPort: number; containerPort: number }[]) {
	const { sandbox } = await sandboxes.createSandbox(
		CreateSandboxRequest.fromPartial({ requestId: randomUUID(), holder: "example", owner: name, name }),
	);
	if (sandbox === undefined) throw new Error("netd gave no sandbox");
	cleanup.defer(async () => void (await sandboxes.deleteSandbox({ requestId: randomUUID(), id: sandbox.id })));
	const { endpoint } = await endpoints.connect(
		ConnectRequest.fromPartial({
			requestId: randomUUID(),
			network: "example",
			sandboxId: sandbox.id,
			ports: [...ports],
		}),
	);
	if (endpoint === undefined) throw new Error("netd gave no endpoint");
	console.log(`sandbox   ${name} ${endpoint.addresses[0]} on ${endpoint.interface}`);
	return { netnsPath: sandbox.netnsPath, endpoint };
}

/** The server needs a moment to listen. */
async function fetched(url: string): Promise<string> {
	for (let attempt = 1; ; attempt++) {
		try {
			return (await (await fetch(url)).text()).trim();
		} catch (error) {
			if (attempt === 100) throw error;
			await sleep(50);
		}
	}
}
