/**
 * An instance of wharf without the gateway, for measuring: ipamd, netd and dnsd as processes in this network namespace, and their
 * callers. A probe that runs inside netd tells of its memory and its loop.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, EndpointServiceService, type Port } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";
import { nodeOptions } from "../../gateway/supervisor/node-options.ts";
import { program } from "../../gateway/package-root.ts";
import type { Probed } from "./probe.ts";
import { connectRequest, sandboxRequest } from "./requests.ts";
import { residentMb } from "../support/resident.ts";

const SERVICES = ["ipamd", "netd", "dnsd"] as const;
const PROBE = join(import.meta.dirname, "probe.ts");
/** Publishing thousands of ports is one call. */
const TIMEOUT_MS = 60_000;

export class Instance implements AsyncDisposable {
	readonly root = mkdtempSync(join(tmpdir(), "wharf-bench-"));
	readonly #paths = new Paths(this.root);
	readonly #children = new Map<string, Child>();
	readonly #at = { unix: this.#paths.socket("netd") };
	/** By a pipeline, as the gateway calls. */
	readonly #options = { timeoutMs: TIMEOUT_MS, pipeline: true };
	readonly networks = client(NetworkServiceService, this.#at, this.#options);
	readonly sandboxes = client(SandboxServiceService, this.#at, this.#options);
	readonly endpoints = client(EndpointServiceService, this.#at, this.#options);
	/** The same by gRPC calls of their own. */
	readonly calls = client(EndpointServiceService, this.#at, { timeoutMs: TIMEOUT_MS });
	#made = 0;

	/** The services as the supervisor starts them, for the second time: what Node compiles is there by then. */
	static async start(): Promise<Instance> {
		const instance = new Instance();
		for (const name of SERVICES) await instance.#daemon(name);
		await instance.#end();
		for (const name of SERVICES) await instance.#daemon(name);
		return instance;
	}

	async #daemon(name: (typeof SERVICES)[number]): Promise<void> {
		const node = nodeOptions(name);
		const probed = name === "netd" ? ["--import", PROBE] : [];
		const child = start(process.execPath, [...node.args, ...probed, program(name)], {
			env: {
				...node.env,
				WHARF_ROOT: this.root,
				WHARF_LOG_LEVEL: "error",
				WHARF_BENCH_PROBE: this.#probePath,
				NODE_COMPILE_CACHE: join(this.root, "compile-cache"),
			},
			stdout: "ignore",
			stderr: 2,
		});
		this.#children.set(name, child);
		while ((await checkHealth({ unix: this.#paths.socket(name) })) !== "SERVING") await sleep(20);
	}

	async #end(): Promise<void> {
		for (const child of this.#children.values()) child.kill("SIGTERM");
		for (const child of this.#children.values()) await child.done;
	}

	get #probePath(): string {
		return join(this.root, "probe.json");
	}

	/** What of netd is resident, in MB. */
	residentMb(): number {
		return residentMb(this.#children.get("netd")?.pid);
	}

	/** What the probe saw since it was asked last. */
	async probe(): Promise<Probed> {
		rmSync(this.#probePath, { force: true });
		this.#children.get("netd")?.kill("SIGUSR2");
		while (!existsSync(this.#probePath)) await sleep(5);
		return JSON.parse(readFileSync(this.#probePath, "utf8")) as Probed;
	}

	async network(name: string, more: Partial<CreateNetworkRequest> = {}): Promise<string> {
		await this.networks.createNetwork(CreateNetworkRequest.fromPartial({ requestId: name, name, ...more }));
		return name;
	}

	/** A sandbox by its id, and where its namespace is. */
	async sandbox(): Promise<{ readonly id: string; readonly netns: string }> {
		const owner = `bench-${++this.#made}`;
		const { sandbox } = await this.sandboxes.createSandbox(sandboxRequest(owner));
		return { id: sandbox?.id ?? "", netns: sandbox?.netnsPath ?? "" };
	}

	async connect(network: string, sandboxId: string, ports: Port[] = [], by = this.endpoints): Promise<Endpoint> {
		const requestId = `${sandboxId}-${network}-${++this.#made}`;
		const { endpoint, namesLag } = await by.connect(connectRequest({ requestId, network, sandboxId, ports }));
		if (endpoint === undefined || namesLag) throw new Error("a connect came to nothing, or its name is not there");
		return endpoint;
	}

	async disconnect(endpointId: string): Promise<void> {
		await this.endpoints.disconnect({ requestId: `${endpointId}-${++this.#made}`, endpointId });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const one of [this.networks, this.sandboxes, this.endpoints, this.calls]) one.close();
		await this.#end();
		// What netd made outlives it: the sandboxes are still there.
		unmount(this.#paths.netnsDir, { detach: true });
		rmSync(this.root, { recursive: true });
	}
}
