/** A real sshd on this namespace's loopback, with keys, a log and a `/run` of its own; nothing of the machine's is changed. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, start } from "#lib/exec/run.ts";

/** What root's password is for this server alone. */
export const PASSWORD = "a secret, of sorts";

const IN_OWN_VIEW = `
	mount -t tmpfs tmpfs /run && mkdir -m 0755 /run/sshd && mount --bind "$1/shadow" /etc/shadow &&
	exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`;

export class SshServer implements AsyncDisposable {
	readonly folder: string;
	readonly port: number;
	/** Served. */
	readonly content: string;
	/** A private key that it lets in. */
	readonly identity: string;
	#child: Child | undefined;

	private constructor(folder: string, port: number) {
		this.folder = folder;
		this.port = port;
		this.content = join(folder, "content");
		this.identity = join(folder, "user key");
	}

	/** `folder` is an empty one, where everything of it is. */
	static async create(folder: string): Promise<SshServer> {
		const server = new SshServer(folder, await freePort());
		mkdirSync(server.content);
		for (const name of ["host", "other", "user key"]) keygen(join(folder, name));
		cpSync(`${server.identity}.pub`, join(folder, "authorized"));
		const hash = execFileSync("openssl", ["passwd", "-6", PASSWORD], { encoding: "utf8" }).trim();
		writeFileSync(join(folder, "shadow"), `root:${hash}:19000:0:99999:7:::\nsshd:!:19000::::::\n`, { mode: 0o600 });
		const lines = [
			`Port ${server.port}`,
			"ListenAddress 127.0.0.1",
			`HostKey ${join(folder, "host")}`,
			`AuthorizedKeysFile ${join(folder, "authorized")}`,
			"PidFile none",
			"UsePAM no",
			"PermitRootLogin yes",
			"PasswordAuthentication yes",
			"KbdInteractiveAuthentication no",
			"StrictModes no",
			"Subsystem sftp internal-sftp",
			"MaxStartups 100",
			"",
		];
		writeFileSync(join(folder, "sshd_config"), lines.join("\n"));
		await server.start();
		return server;
	}

	/** Resolves when it lets connections in. */
	async start(): Promise<void> {
		// A process namespace: its end is the end of every session.
		const flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
		const child = start("unshare", [...flags, "--", "sh", "-c", IN_OWN_VIEW, "sh", this.folder], { stdout: "ignore" });
		this.#child = child;
		let isOver = false;
		void child.done.finally(() => {
			isOver = true;
		});
		for (;;) {
			if (isOver) throw new Error(`sshd did not start: ${(await child.done).stderr}`);
			if (execFileSync("ss", ["-Htln", `sport = :${this.port}`], { encoding: "utf8" }) !== "") return;
			await sleep(20);
		}
	}

	/** It and all its sessions are gone when this resolves. */
	async kill(): Promise<void> {
		this.#child?.kill("SIGKILL");
		await this.#child?.done;
	}

	/** As ssh-keyscan prints it; of another key with `other`. */
	hostKey(which: "host" | "other" = "host"): string {
		const [kind = "", key = ""] = readFileSync(join(this.folder, `${which}.pub`), "utf8").split(" ");
		return `[127.0.0.1]:${this.port} ${kind} ${key}`;
	}

	/** Nobody's key is let in any more, or that of `identity` again. */
	letIn(isOpen: boolean): void {
		const path = join(this.folder, "authorized");
		writeFileSync(path, isOpen ? readFileSync(`${this.identity}.pub`) : "");
		chmodSync(path, 0o600);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
	}
}

function keygen(path: string): void {
	execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	await once(server, "close");
	if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
	return address.port;
}
