/** dnsd as its supervisor starts it, told of sandboxes by the bench in netd's place, so that it alone is measured. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResolvedSandbox } from "#gen/wharf/network/v1/endpoint.ts";
import { Ip } from "#lib/address/ip.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { nodeOptions } from "../../gateway/supervisor/node-options.ts";
import { program } from "../../gateway/package-root.ts";
import { NameServiceDouble, told } from "../../services/dnsd/test-support/name-service.ts";
import { residentMb } from "../support/resident.ts";

export const PORT = 5353;
const BASE = Ip.parse("172.18.0.2").value;
const NOBODY = "# nobody is asked\n";

/** The sandbox of a container on the network `frontend`; it has a resolver where it has a namespace. */
export function container(index: number, netnsPath?: string): ResolvedSandbox {
	const owner = index.toString(16).padStart(12, "0").padEnd(64, "0");
	const place = netnsPath === undefined ? {} : { netnsPath, resolverPort: PORT };
	return told(nameOf(index), addressOf(index), { owner, hostname: "", ...place });
}

/** As many as every part has, unless it counts something else. */
export const CONTAINERS = 1_000;

/** All of them; the first has its sandbox at `inside`. */
export function containers(inside: string): ResolvedSandbox[] {
	return Array.from({ length: CONTAINERS }, (_, i) => container(i, i === 0 ? inside : undefined));
}

export function nameOf(index: number): string {
	return `container-${index}`;
}

export function addressOf(index: number): string {
	return Ip.of(4, BASE + BigInt(index)).toString();
}

export class Dnsd implements AsyncDisposable {
	readonly #root = mkdtempSync(join(tmpdir(), "wharf-bench-"));
	readonly #paths = new Paths(this.#root);
	#netd: NameServiceDouble | undefined;
	#child: Child | undefined;

	/** `netns`: where it is, and asks others. */
	static async start(
		sandboxes: readonly ResolvedSandbox[],
		{ netns, upstream }: { readonly netns?: string; readonly upstream?: string } = {},
	): Promise<Dnsd> {
		const dnsd = new Dnsd();
		await dnsd.#start(sandboxes, netns, upstream);
		return dnsd;
	}

	async #start(sandboxes: readonly ResolvedSandbox[], netns?: string, upstream?: string): Promise<void> {
		mkdirSync(join(this.#root, "run"));
		const resolvConf = join(this.#root, "resolv.conf");
		writeFileSync(resolvConf, upstream === undefined ? NOBODY : `nameserver ${upstream}\n`);
		this.#netd = await NameServiceDouble.start(this.#paths.socket("netd"), 1n, ...sandboxes);
		const node = nodeOptions("dnsd");
		const env = { ...node.env, WHARF_ROOT: this.#root, WHARF_LOG_LEVEL: "error", WHARF_DNSD_RESOLV_CONF: resolvConf };
		const command = [process.execPath, ...node.args, program("dnsd")];
		const inside = netns === undefined ? [] : ["nsenter", `--net=${netns}`, "--"];
		const [file = "", ...args] = [...inside, ...command];
		this.#child = start(file, args, { env, stdout: "ignore", stderr: 2 });
		while ((await checkHealth({ unix: this.#paths.socket("dnsd") })) !== "SERVING") await sleep(20);
		await this.netd.until(1n);
	}

	/** Resolves when it is in the answers and the sockets are open. */
	async put(sandbox: ResolvedSandbox): Promise<void> {
		await this.netd.until(this.netd.put(sandbox));
	}

	async remove(sandboxId: string): Promise<void> {
		await this.netd.until(this.netd.remove(sandboxId));
	}

	/** What is resident, in MB. */
	residentMb(): number {
		return residentMb(this.#child?.pid);
	}

	get netd(): NameServiceDouble {
		if (this.#netd === undefined) throw new Error("it has not been started");
		return this.#netd;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child?.kill("SIGTERM");
		await this.#child?.done;
		await this.#netd?.[Symbol.asyncDispose]();
		rmSync(this.#root, { recursive: true });
	}
}
