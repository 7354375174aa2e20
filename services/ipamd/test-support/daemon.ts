/** ipamd as a process of its own, with a root of its own, that can be ended and started again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IpamServiceService } from "#gen/wharf/ipam/v1/ipam.ts";
import { Paths } from "#lib/config/paths.ts";
import { type Child, type Ended, start } from "#lib/exec/start.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export type Ipamd = ClientOf<typeof IpamServiceService>;

export class Daemon implements AsyncDisposable {
	readonly paths = new Paths(mkdtempSync(join(tmpdir(), "wharf-ipamd-")));
	readonly #env: Readonly<Record<string, string>>;
	readonly #nodeArgs: readonly string[];
	#child: Child | undefined;

	constructor(env: Readonly<Record<string, string>>, nodeArgs: readonly string[] = []) {
		this.#env = env;
		this.#nodeArgs = nodeArgs;
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	/** Resolves when it serves. */
	async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
		const args = [...this.#nodeArgs, MAIN];
		const child = start(process.execPath, args, { env: { WHARF_ROOT: this.paths.root, ...this.#env, ...env } });
		this.#child = child;
		const ended = child.done.then(({ stderr }) => {
			throw new Error(`ipamd ended: ${stderr}`);
		});
		ended.catch(() => undefined); // later ends are awaited by whoever causes them
		await Promise.race([this.#serving(), ended]);
	}

	async end(signal: "SIGTERM" | "SIGKILL"): Promise<Ended> {
		this.#child?.kill(signal);
		return await this.ended();
	}

	/** Resolves when it has ended by itself. */
	async ended(): Promise<Ended> {
		if (this.#child === undefined) throw new Error("ipamd was not started");
		return await this.#child.done;
	}

	/** A new connection; without retries, so that a test sees each failure. */
	connect(): Ipamd {
		const address = { unix: this.paths.socket("ipamd") };
		return client(IpamServiceService, address, { retry: { limit: 0, firstDelayMs: 0 } });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child !== undefined) await this.end("SIGKILL");
		rmSync(this.paths.root, { recursive: true, force: true });
	}

	async #serving(): Promise<void> {
		while ((await checkHealth({ unix: this.paths.socket("ipamd") })) !== "SERVING") {
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}
}
