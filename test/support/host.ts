/**
 * A whole host played by namespaces: network, mounts, processes and host name of its own, with a network outside of it.
 *
 * Everything that is started inside dies with it, as with a power cut; what was on disk stays until it is disposed of.
 */
import { mkdtempSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, type Output, run, start } from "#lib/exec/run.ts";

/** The checkout under test. */
export const CHECKOUT = resolve(import.meta.dirname, "../..");

/** The command of the checkout itself, which runs the sources. */
export const FROM_SOURCES = join(CHECKOUT, "bin/wharf");

/** The variable that says which command hosts run when nothing else is said; without it, that of the sources. */
export const PROGRAM = "WHARF_TEST_PROGRAM";

/** The host's address on the outside network, and a neighbour's there. */
export const HOST_ADDRESS = "198.51.100.1";
export const OUTSIDE_ADDRESS = "198.51.100.2";

/** The first process of the host: it reaps what others leave, as an init does. */
const INIT = "while :; do sleep 3600 & wait; done";

const ANY_STATUS = Array.from({ length: 256 }, (_, status) => status);

export interface CommandOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly input?: string;
	readonly timeoutMs?: number;
	/** Inside this network namespace of the host's own (`ip netns`) instead of the host's. */
	readonly netns?: string;
}

export class Host implements AsyncDisposable {
	static readonly #hosts = new Set<Host>();
	static #closed = false;
	/** The instance's WHARF_ROOT. */
	readonly root: string;
	readonly #scratch: string;
	/** The `wharf` under test. */
	readonly program: string;
	#init: Child | undefined;
	#pid = 0;

	private constructor(scratch: string, wharf: string) {
		Host.#hosts.add(this);
		this.#scratch = scratch;
		this.program = wharf;
		this.root = join(scratch, "root");
	}

	/** Boots a host with `eth0` at HOST_ADDRESS and a namespace `outside` at OUTSIDE_ADDRESS on the same wire. */
	static async boot(options: { readonly wharf?: string } = {}): Promise<Host> {
		if (Host.#closed) throw new Error("No host boots any more.");
		const scratch = mkdtempSync(join(tmpdir(), "wharf-host-"));
		const host = new Host(scratch, options.wharf ?? process.env[PROGRAM] ?? FROM_SOURCES);
		try {
			await host.#boot();
		} catch (error) {
			await host[Symbol.asyncDispose]();
			throw error;
		}
		return host;
	}

	/** Disposes of every host that there is, for a process that is about to end; none boots afterwards. */
	static async disposeAll(): Promise<void> {
		Host.#closed = true;
		await Promise.all([...Host.#hosts].map((host) => host[Symbol.asyncDispose]()));
	}

	async #boot(): Promise<void> {
		const flags = ["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"];
		// The host ends with this process, however that ends.
		this.#init = start("setpriv", [
			"--pdeathsig",
			"KILL",
			"unshare",
			...flags,
			"--propagation",
			"private",
			"--",
			"sh",
			"-c",
			INIT,
		]);
		this.#pid = await childOf(this.#init);
		// As after any boot; and `ip netns` leaves no file on this machine.
		await this.ok("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
		const resolvConf = join(this.#scratch, "resolv.conf");
		await writeFile(resolvConf, `nameserver ${OUTSIDE_ADDRESS}\n`);
		await this.ok("mount", ["--bind", resolvConf, "/etc/resolv.conf"]);
		await this.ok("hostname", ["host1"]);
		await this.ok("ip", ["link", "set", "lo", "up"]);
		await this.ok("ip", ["netns", "add", "outside"]);
		await this.ok("ip", ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", "outside"]);
		await this.ok("ip", ["address", "add", `${HOST_ADDRESS}/24`, "dev", "eth0"]);
		await this.ok("ip", ["link", "set", "eth0", "up"]);
		await this.ok("ip", ["-n", "outside", "address", "add", `${OUTSIDE_ADDRESS}/24`, "dev", "eth0"]);
		await this.ok("ip", ["-n", "outside", "link", "set", "lo", "up"]);
		await this.ok("ip", ["-n", "outside", "link", "set", "eth0", "up"]);
		await this.ok("ip", ["route", "add", "default", "via", OUTSIDE_ADDRESS]);
	}

	/** Runs a program inside the host, whatever its exit status. */
	async run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Output> {
		return run(...this.#command(file, args, options), {
			env: { WHARF_ROOT: this.root, ...options.env },
			timeoutMs: options.timeoutMs ?? 60_000,
			acceptExit: ANY_STATUS,
			input: options.input,
		});
	}

	/** Starts a program inside the host and leaves it running. */
	start(file: string, args: readonly string[], options: CommandOptions = {}): Child {
		return start(...this.#command(file, args, options), { env: { WHARF_ROOT: this.root, ...options.env } });
	}

	#command(file: string, args: readonly string[], { netns }: CommandOptions): [string, string[]] {
		const inside = netns === undefined ? [] : ["ip", "netns", "exec", netns];
		return ["nsenter", ["-t", String(this.#pid), "-n", "-m", "-p", "-u", "--", ...inside, file, ...args]];
	}

	/** Runs a program inside the host and gives its output; another exit status than 0 throws, with what it said. */
	async ok(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
		const { exitCode, stdout, stderr } = await this.run(file, args, options);
		if (exitCode !== 0) throw new Error(`${file} ${args.join(" ")}: exit ${exitCode}\n${stdout}${stderr}`);
		return stdout;
	}

	/** `wharf …`, whatever its exit status. */
	wharf(args: readonly string[], options: CommandOptions = {}): Promise<Output> {
		return this.run(this.program, args, options);
	}

	/** `wharf …`, which must succeed; its output without the last line break. */
	async wharfOk(...args: string[]): Promise<string> {
		return (await this.ok(this.program, args, { timeoutMs: 120_000 })).replace(/\n$/, "");
	}

	/** What an HTTP client inside the host gets, or undefined when it gets no answer in two seconds. */
	async fetch(url: string, options: CommandOptions = {}): Promise<string | undefined> {
		const { exitCode, stdout } = await this.run("curl", ["-s", "--max-time", "2", url], options);
		return exitCode === 0 ? stdout : undefined;
	}

	/** Ends every process of the host at once, as a power cut does, and boots it again with the disk as it was. */
	async powerCycle(): Promise<void> {
		await this.#powerOff();
		await this.#boot();
	}

	async #powerOff(): Promise<void> {
		const init = this.#init;
		if (init === undefined) return;
		this.#init = undefined;
		// Before it has been found, its parent takes it along.
		if (this.#pid === 0) init.kill("SIGKILL");
		else process.kill(this.#pid, "SIGKILL");
		this.#pid = 0;
		await init.done;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#powerOff();
		await this.#removeCgroups();
		await rm(this.#scratch, { recursive: true, force: true });
		Host.#hosts.delete(this);
	}

	/** They are the machine's, which has not been off: what containers that still ran have left there. */
	async #removeCgroups(): Promise<void> {
		const ids = await readdir(join(this.root, "containers")).catch(() => []);
		if (ids.length === 0) return;
		const theirs = ids.flatMap((id) => ["-o", "-path", `*/wharf/*${id}*`]).slice(1);
		await run("find", ["/sys/fs/cgroup", "-type", "d", "(", ...theirs, ")", "-delete"], { acceptExit: ANY_STATUS });
		// The group around them, unless somebody else's are in it.
		await run("find", ["/sys/fs/cgroup", "-maxdepth", "2", "-name", "wharf", "-delete"], { acceptExit: ANY_STATUS });
	}
}

/**
 * unshare(1) forks once into the new process namespace; that child is the host's first process. While the kernel takes down many
 * network namespaces, as those of tests that have just ended, a new one waits for seconds.
 */
async function childOf(unshare: Child): Promise<number> {
	const pid = unshare.pid ?? 0;
	const ended = new AbortController();
	const end = (): void => ended.abort();
	void unshare.done.then(end, end);
	for (let attempt = 0; attempt < 6_000 && !ended.signal.aborted; attempt++) {
		const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
		const child = Number.parseInt(children, 10);
		if (child > 0 && (await readFile(`/proc/${child}/comm`, "utf8").catch(() => "")) === "sh\n") return child;
		await delay(10);
	}
	throw new Error("The host's namespaces could not be made: is this root, with unshare(1) of util-linux?");
}
