/** A real nats-server with JetStream for tests: on a loopback port of its own, its data in a temporary folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { type Child, start } from "#lib/exec/run.ts";
import type { NatsSettings } from "../nats-settings.ts";

export class NatsServer implements AsyncDisposable {
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-nats-"));
	readonly #port: number;
	#child: Child | undefined;

	private constructor(port: number) {
		this.#port = port;
	}

	/** Not running yet; its port stays the same through every start. */
	static async reserve(): Promise<NatsServer> {
		const probe = createServer().listen(0, "127.0.0.1");
		await once(probe, "listening");
		// A TCP server's address is never a path.
		const { port } = probe.address() as AddressInfo;
		probe.close();
		await once(probe, "close");
		return new NatsServer(port);
	}

	static async start(): Promise<NatsServer> {
		const server = await NatsServer.reserve();
		await server.start();
		return server;
	}

	get settings(): NatsSettings {
		return { servers: [`127.0.0.1:${this.#port}`] };
	}

	/** Resolves when JetStream answers, with what was stored before a kill. */
	async start({
		jetstream = true,
		user,
		pass,
	}: {
		jetstream?: boolean;
		user?: string;
		pass?: string;
	} = {}): Promise<void> {
		const storage = jetstream ? ["-js", "-sd", this.#folder] : [];
		const login = user === undefined || pass === undefined ? undefined : { user, pass };
		const logins = login === undefined ? [] : ["--user", login.user, "--pass", login.pass];
		const args = ["-a", "127.0.0.1", "-p", String(this.#port), ...storage, ...logins];
		this.#child = start("nats-server", args, { stdout: "ignore" });
		for (let attempt = 1; ; attempt++) {
			try {
				const connection = await connect({ servers: [...this.settings.servers], reconnect: false, ...login });
				if (jetstream) await connection.jetstreamManager();
				await connection.close();
				return;
			} catch (error) {
				if (attempt === 200) throw error;
				await sleep(50);
			}
		}
	}

	async kill(): Promise<void> {
		this.#child?.kill("SIGKILL");
		await this.#child?.done;
	}

	/** Stops answering, as a host that is cut off, until it is killed. */
	freeze(): void {
		this.#child?.kill("SIGSTOP");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}
