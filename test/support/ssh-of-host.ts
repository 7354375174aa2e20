/** A real sshd on a host's loopback, with keys and a `/run` of its own; it serves files of the host, and nothing of the machine's is changed. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Child } from "#lib/exec/run.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";

const PORT = 2222;

const IN_OWN_VIEW = `
	mount -t tmpfs tmpfs /run && mkdir -m 0755 /run/sshd && mount --bind "$1/shadow" /etc/shadow &&
	exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`;

export class SshOfHost implements AsyncDisposable {
	readonly #host: Host;
	readonly folder: string;
	/** Served. */
	readonly content: string;
	#child: Child | undefined;

	private constructor(host: Host) {
		this.#host = host;
		this.folder = join(dirname(host.root), "ssh");
		this.content = join(this.folder, "content");
	}

	/** It does not run yet. */
	static async create(host: Host): Promise<SshOfHost> {
		const server = new SshOfHost(host);
		const { folder } = server;
		await host.ok("mkdir", ["-p", server.content]);
		for (const name of ["host", "user"]) {
			await host.ok("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
		}
		const config = [
			...[`Port ${PORT}`, "ListenAddress 127.0.0.1", `HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/user.pub`],
			...["PidFile none", "UsePAM no", "PermitRootLogin yes", "StrictModes no", "Subsystem sftp internal-sftp", ""],
		];
		const write = (name: string, input: string): Promise<string> =>
			host.ok("sh", ["-c", 'cat >"$0"', join(folder, name)], { input });
		await write("sshd_config", config.join("\n"));
		await write("shadow", "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n");
		return server;
	}

	/** As `volume create` has them. */
	async options(): Promise<string[]> {
		const [kind = "", key = ""] = (await readFile(join(this.folder, "host.pub"), "utf8")).split(" ");
		const options = {
			device: `root@127.0.0.1:${this.content}`,
			port: String(PORT),
			identity_file: join(this.folder, "user"),
			host_key: `[127.0.0.1]:${PORT} ${kind} ${key}`,
		};
		return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
	}

	/** Resolves when it lets connections in. */
	async start(): Promise<void> {
		// A process namespace: its end is the end of every session.
		const flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
		this.#child = this.#host.start("unshare", [...flags, "--", "sh", "-c", IN_OWN_VIEW, "sh", this.folder], {});
		await eventually(async () => {
			const listening = await this.#host.ok("ss", ["-Htln", `sport = :${PORT}`]);
			if (listening === "") throw new Error("sshd does not listen yet");
		});
	}

	/** It and all its sessions are gone when this resolves. */
	async kill(): Promise<void> {
		this.#child?.kill("SIGKILL");
		await this.#child?.done;
		this.#child = undefined;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
	}
}
