/** Other programs' firewalls on a host that a test has booted: the real ones, with settings and data of their own. */
import { basename, dirname, join } from "node:path";
import type { Child } from "#lib/exec/run.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";

/** What is written there stays the host's. */
async function ownCopy(host: Host, path: string): Promise<void> {
	const copy = `/run/copies${path}`;
	await host.ok("mkdir", ["-p", dirname(copy)]);
	await host.ok("cp", ["-a", path, copy]);
	await host.ok("mount", ["--bind", copy, path]);
}

/** ufw, not enabled yet. */
export async function prepareUfw(host: Host): Promise<void> {
	for (const path of ["/etc/ufw", "/etc/default/ufw"]) await ownCopy(host, path);
}

/** firewalld, running. */
export async function startFirewalld(host: Host): Promise<void> {
	await ownCopy(host, "/etc/firewalld");
	await host.ok("mkdir", ["-p", "/run/dbus"]);
	host.start("dbus-daemon", ["--system", "--nofork", "--nopidfile"]);
	await eventually(() => host.ok("test", ["-S", "/run/dbus/system_bus_socket"]));
	host.start("firewalld", ["--nofork", "--nopid"]);
	await eventually(() => host.ok("firewall-cmd", ["--state"]), 30_000);
}

/** Docker Engine with a data root of the host's, and one image, `tiny`, in which there is `sleep`. */
export class Docker {
	readonly #host: Host;
	readonly #root: string;
	readonly #cgroup: string;
	#daemon: Child | undefined;

	private constructor(host: Host) {
		this.#host = host;
		this.#root = join(dirname(host.root), "docker");
		this.#cgroup = basename(dirname(host.root));
	}

	static async start(host: Host): Promise<Docker> {
		const docker = new Docker(host);
		await docker.restart();
		const tree = join(docker.#root, "tiny");
		const files = await host.ok("sh", ["-c", "echo /bin/sleep; ldd /bin/sleep | grep -o '/[^ ]*'"]);
		await host.ok("mkdir", ["-p", tree]);
		for (const file of files.trim().split("\n")) await host.ok("cp", ["-L", "--parents", file, tree]);
		await host.ok("sh", ["-c", `tar -C ${tree} -c . | docker -H unix:///run/docker.sock import - tiny`]);
		return docker;
	}

	/** Starts it, and ends the one before it; containers end with that. */
	async restart(): Promise<void> {
		await this.#end();
		this.#daemon = this.#host.start("dockerd", [
			...["--data-root", join(this.#root, "data"), "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid"],
			...["-H", "unix:///run/docker.sock", "--storage-driver", "vfs", "--cgroup-parent", `/${this.#cgroup}`],
		]);
		await eventually(() => this.ok("version"), 60_000);
	}

	ok(...args: string[]): Promise<string> {
		return this.#host.ok("docker", ["-H", "unix:///run/docker.sock", ...args]);
	}

	/** A container that sleeps; gives the id of its process. */
	async run(name: string, ...flags: string[]): Promise<string> {
		await this.ok("run", "-d", "--name", name, ...flags, "tiny", "/bin/sleep", "1000");
		return (await this.ok("inspect", "-f", "{{.State.Pid}}", name)).trim();
	}

	/** Ends it, and removes what it leaves on the machine. */
	async remove(): Promise<void> {
		await this.#end();
		const theirs = ["-depth", "-type", "d", "-path", `*/${this.#cgroup}*`, "-delete"];
		await this.#host.run("find", ["/sys/fs/cgroup", ...theirs]);
	}

	async #end(): Promise<void> {
		if (this.#daemon === undefined) return;
		const containers = (await this.ok("ps", "-aq")).split("\n").filter((line) => line !== "");
		if (containers.length > 0) await this.ok("rm", "-f", ...containers);
		await this.#host.ok("sh", ["-c", "kill $(cat /run/docker.pid)"]);
		await this.#daemon.done;
		this.#daemon = undefined;
	}
}
