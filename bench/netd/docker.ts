/** A Docker Engine of its own in this namespace, asked over its socket as its command line does. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, run, start } from "#lib/exec/run.ts";
import { residentMb } from "../support/resident.ts";

const IMAGE = "bench";
const CGROUP = "wharf-bench-docker";
const PROGRAMS = ["/bin/sleep", "/bin/tar"];

interface Answer {
	readonly status: number;
	readonly body: Buffer;
}

export class Docker implements AsyncDisposable {
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-docker-"));
	readonly #socket = join(this.#folder, "docker.sock");
	readonly #containers: string[] = [];
	#daemon: Child | undefined;

	static async start(): Promise<Docker> {
		const docker = new Docker();
		await docker.#start();
		return docker;
	}

	async #start(): Promise<void> {
		const flags = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid", "--storage-driver", "vfs"];
		const args = [...flags, "--cgroup-parent", CGROUP, "-H", `unix://${this.#socket}`];
		const cwd = this.#folder;
		for (const name of ["data", "exec"]) mkdirSync(join(cwd, name));
		const absolute = args.map((arg) => (["data", "exec", "pid"].includes(arg) ? join(cwd, arg) : arg));
		this.#daemon = start("dockerd", absolute, { cwd, stdout: "ignore", stderr: "ignore" });
		for (let attempt = 0; attempt < 600 && !(await this.#answers()); attempt += 1) await sleep(50);
		await this.#import();
	}

	async #answers(): Promise<boolean> {
		if (!existsSync(this.#socket)) return false;
		return (await this.#ask("GET", "/_ping").catch(() => undefined))?.status === 200;
	}

	/** The least that a container can run: these programs with their libraries. */
	async #import(): Promise<void> {
		const { stdout } = await run("ldd", PROGRAMS);
		const libraries = [...stdout.matchAll(/(\/\S+) \(/g)].map(([, path = ""]) => path);
		const archive = join(this.#folder, "image.tar");
		await run("tar", [
			"-chf",
			archive,
			"-C",
			"/",
			...[...PROGRAMS, ...new Set(libraries)].map((path) => path.slice(1)),
		]);
		await this.ask("POST", `/images/create?fromSrc=-&repo=${IMAGE}`, readFileSync(archive));
	}

	/** Throws what the engine refused. */
	async ask(method: string, path: string, body?: object): Promise<unknown> {
		const { status, body: answer } = await this.#ask(method, path, body);
		if (status >= 400) throw new Error(`${method} ${path}: ${status} ${answer.toString()}`);
		return answer.length > 0 && answer[0] === 0x7b
			? (JSON.parse(answer.toString().split("\r\n")[0] ?? "") as unknown)
			: undefined;
	}

	#ask(method: string, path: string, body?: object): Promise<Answer> {
		const raw = Buffer.isBuffer(body);
		const type = raw ? "application/x-tar" : "application/json";
		return new Promise((resolve, reject) => {
			const asked = request(
				{ socketPath: this.#socket, method, path, headers: { "content-type": type } },
				(response) => {
					const chunks: Buffer[] = [];
					response.on("data", (chunk: Buffer) => chunks.push(chunk));
					response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
				},
			);
			asked.on("error", reject);
			asked.end(body === undefined ? undefined : raw ? body : JSON.stringify(body));
		});
	}

	/** A container that runs; its id. */
	async container(ports: readonly number[] = []): Promise<string> {
		const bindings = Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostPort: String(port) }]]));
		const made = await this.ask("POST", "/containers/create", {
			Image: IMAGE,
			Cmd: ["/bin/sleep", "1000"],
			ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
			HostConfig: { PortBindings: bindings },
		});
		const { Id: id } = made as { Id: string };
		this.#containers.push(id);
		await this.ask("POST", `/containers/${id}/start`);
		return id;
	}

	/** As `docker run --rm` with these binds, without its client. Throws when the command fails. */
	async ran(command: readonly string[], binds: readonly string[]): Promise<void> {
		const host = { Binds: binds, NetworkMode: "none" };
		const made = await this.ask("POST", "/containers/create", { Image: IMAGE, Cmd: command, HostConfig: host });
		const { Id: id } = made as { Id: string };
		await this.ask("POST", `/containers/${id}/start`);
		const { StatusCode } = (await this.ask("POST", `/containers/${id}/wait`)) as { StatusCode: number };
		await this.ask("DELETE", `/containers/${id}`);
		if (StatusCode !== 0) throw new Error(`${command.join(" ")}: exit status ${StatusCode}`);
	}

	/** A container on the network `name`, made for it, where it is called by all of `aliases`; the number of its process. */
	async named(name: string, aliases: readonly string[]): Promise<number> {
		await this.ask("POST", "/networks/create", { Name: name });
		const made = await this.ask("POST", "/containers/create", {
			Image: IMAGE,
			Cmd: ["/bin/sleep", "1000"],
			HostConfig: { NetworkMode: name },
			NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: aliases } } },
		});
		const { Id: id } = made as { Id: string };
		this.#containers.push(id);
		await this.ask("POST", `/containers/${id}/start`);
		const { State } = (await this.ask("GET", `/containers/${id}/json`)) as { State: { Pid: number } };
		return State.Pid;
	}

	/** Resident, in MB: the engine without its containerd. */
	residentMb(): number {
		return residentMb(this.#daemon?.pid);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const id of this.#containers) await this.#ask("DELETE", `/containers/${id}?force=1`).catch(() => undefined);
		this.#daemon?.kill("SIGTERM");
		await this.#daemon?.done;
		removeGroups();
		await run("sh", [
			"-c",
			"awk -v at=\"$0/\" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | xargs -r umount -l",
			this.#folder,
		]);
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

/** The engine leaves the group around its containers. */
function removeGroups(): void {
	for (const controller of readdirSync("/sys/fs/cgroup")) {
		const group = join("/sys/fs/cgroup", controller, CGROUP);
		if (existsSync(group)) rmdirSync(group);
	}
}
