/** A nats-server with JetStream that the test ends and starts as it likes; wharf is told of it by the settings file. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Child } from "#lib/exec/run.ts";
import { processes } from "./audit/kernel.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";

export class NatsServer {
	readonly #host: Host;
	readonly #port: number;
	#child: Child | undefined;

	private constructor(host: Host, port: number) {
		this.#host = host;
		this.#port = port;
	}

	static async start(host: Host, port: number): Promise<NatsServer> {
		await mkdir(host.root, { recursive: true });
		await writeFile(join(host.root, "wharf.json"), JSON.stringify({ nats: { servers: [`127.0.0.1:${port}`] } }));
		const server = new NatsServer(host, port);
		await server.restart();
		return server;
	}

	async restart(): Promise<void> {
		const store = join(this.#host.root, "..", "nats");
		this.#child = this.#host.start("nats-server", ["-a", "127.0.0.1", "-p", String(this.#port), "-js", "-sd", store]);
		await eventually(() => this.#host.ok("ss", ["-Hltn", `sport = :${this.#port}`]).then(nonEmpty));
	}

	/** At once, as an accident does; its files stay. */
	async kill(): Promise<void> {
		const own = `-a 127.0.0.1 -p ${this.#port} `;
		const found = (await processes(this.#host)).filter(
			({ command }) => /^\S*nats-server /.test(command) && command.includes(own),
		);
		if (found.length > 0) await this.#host.run("kill", ["-KILL", ...found.map(({ pid }) => String(pid))]);
		await this.#child?.done;
	}
}

function nonEmpty(text: string): void {
	if (text.trim() === "") throw new Error("nothing listens");
}
