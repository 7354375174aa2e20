/** netd on a played host, with the real ipamd and dnsd and no gateway: asked over gRPC, killed at any moment, started again. */
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Paths } from "#lib/config/paths.ts";
import type { Child } from "#lib/exec/run.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";
import { CHECKOUT, Host } from "../../support/host.ts";

/** Namespaces that somebody else made, for sandboxes that are adopted. */
export const ADOPTABLE = ["kite", "lark"];
/** The host's own at `eth2`, in the middle of the subnet of the network that has it as its uplink. */
export const OWN_ADDRESS = "10.203.0.5/24";
const START_MS = 30_000;
/** A call outlives the end and the start of netd. */
const TIMEOUT_MS = 30_000;
const RETRY = { limit: 10, firstDelayMs: 50 };

export class NetdHost implements AsyncDisposable {
	readonly host: Host;
	readonly #paths: Paths;
	readonly #children = new Map<string, Child>();
	readonly networks;
	readonly sandboxes;
	/** Of processes in the namespaces to adopt, by name. */
	readonly pids = new Map<string, number>();
	readonly endpoints;

	private constructor(host: Host) {
		this.host = host;
		this.#paths = new Paths(host.root);
		const at = { unix: this.#paths.socket("netd") };
		const options = { timeoutMs: TIMEOUT_MS, retry: RETRY, readsAgain: true };
		this.networks = client(NetworkServiceService, at, options);
		this.sandboxes = client(SandboxServiceService, at, options);
		this.endpoints = client(EndpointServiceService, at, options);
	}

	/** A host with `eth1`, that macvlans can be on, `eth2` with an address, for an uplink, and the namespaces to adopt. */
	static async boot(): Promise<NetdHost> {
		const host = await Host.boot();
		try {
			await host.ok("ip", ["link", "add", "eth1", "up", "type", "bridge"]);
			await host.ok("ip", ["link", "add", "eth2", "type", "veth", "peer", "name", "eth2", "netns", "outside"]);
			await host.ok("ip", ["address", "add", OWN_ADDRESS, "dev", "eth2"]);
			await host.ok("ip", ["link", "set", "eth2", "up"]);
			await host.ok("ip", ["-n", "outside", "link", "set", "eth2", "up"]);
			for (const name of ADOPTABLE) await host.ok("ip", ["netns", "add", name]);
			for (const folder of ["run", "logs"]) await mkdir(join(host.root, folder), { recursive: true });
			const it = new NetdHost(host);
			for (const name of ADOPTABLE) await it.#inhabit(name);
			for (const service of ["ipamd", "netd"]) await it.start(service);
			// What Node has compiled is kept at an orderly end alone, and makes every later start quicker.
			await it.kill("SIGTERM");
			for (const service of ["netd", "dnsd"]) await it.start(service);
			return it;
		} catch (error) {
			await host[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** Somebody runs in the namespace. */
	async #inhabit(name: string): Promise<void> {
		const child = this.host.start("sh", ["-c", "echo $$; exec sleep infinity"], { netns: name });
		this.#children.set(name, child);
		const said = await new Promise<unknown>((resolve) => void child.stdout.once("data", resolve).resume());
		this.pids.set(name, Number(String(said)));
	}

	/** Resolves when it serves. With a kill point it may end before that, or later; undefined: nothing ends it. */
	async start(service: string, point = ""): Promise<void> {
		const main = join(CHECKOUT, "services", service, "main.ts");
		const child = this.host.start(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
			env: {
				NODE_COMPILE_CACHE: join(this.host.root, "run/compile-cache"),
				WHARF_LOG_LEVEL: "warn",
				WHARF_KILL_POINT: point,
			},
		});
		child.stdout.resume();
		this.#children.set(service, child);
		let isOver = false;
		void child.done.then(() => (isOver = true));
		const end = performance.now() + START_MS;
		while ((await checkHealth({ unix: this.#paths.socket(service) })) !== "SERVING") {
			if (isOver && point !== "") return;
			if (isOver || performance.now() > end) throw new Error(`${service} does not start: ${await this.#said(child)}`);
			await delay(10);
		}
	}

	async #said(child: Child): Promise<string> {
		child.kill("SIGKILL");
		return (await child.done).stderr;
	}

	/** Ends netd's process, as an accident does unless told otherwise; what it had said of itself. */
	async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<string> {
		const netd = this.#children.get("netd");
		netd?.kill(signal);
		const said = (await netd?.done)?.stderr ?? "";
		await appendFile(join(this.host.root, "logs/netd.log"), said);
		return said;
	}

	/** Settles when netd's present process has ended. */
	async ended(): Promise<void> {
		await this.#children.get("netd")?.done;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const one of [this.networks, this.sandboxes, this.endpoints]) one.close();
		for (const child of this.#children.values()) child.kill("SIGKILL");
		await this.host[Symbol.asyncDispose]();
	}
}
