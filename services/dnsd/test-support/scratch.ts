/**
 * A throw-away sandbox: a namespace with its loopback up, programs run in it, and the redirection of port 53 as netd writes it.
 * What is read here comes from other tools (dig, ss) and never from the code under test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, type Output, run, start } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";

export const RESOLVER = "127.0.0.11";

export interface Dug {
	/** As `NOERROR`. */
	readonly status: string;
	/** As `qr aa rd ra`. */
	readonly flags: readonly string[];
	/** The answer section: name, TTL, class, type, data. */
	readonly answers: readonly (readonly string[])[];
	readonly overTcp: boolean;
}

export class Scratch implements AsyncDisposable {
	readonly netnsPath: string;
	readonly #folder: string;
	readonly #children: Child[] = [];

	private constructor(folder: string) {
		this.#folder = folder;
		this.netnsPath = join(folder, "net");
	}

	static async create(): Promise<Scratch> {
		const scratch = new Scratch(mkdtempSync(join(tmpdir(), "dnsd-sandbox-")));
		createNetns(scratch.netnsPath);
		await scratch.run("ip", "link", "set", "lo", "up");
		return scratch;
	}

	/** Runs a program inside to its end. */
	run(file: string, ...args: readonly string[]): Promise<Output> {
		return run("nsenter", [`--net=${this.netnsPath}`, file, ...args], { timeoutMs: 20_000 });
	}

	/** A program inside that runs until the sandbox is disposed of. */
	start(file: string, ...args: readonly string[]): Child {
		const child = start("nsenter", [`--net=${this.netnsPath}`, file, ...args], { stdout: "ignore" });
		this.#children.push(child);
		return child;
	}

	/** The stateless rewrite of 53 to the resolver's port and back. */
	async redirect(port: number): Promise<void> {
		const rules = ["udp", "tcp"].flatMap((protocol) => [
			`ip daddr ${RESOLVER} ${protocol} dport 53 notrack ${protocol} dport set ${port}`,
			`ip saddr ${RESOLVER} ${protocol} sport ${port} notrack ${protocol} sport set 53`,
		]);
		const chain = `chain resolver { type filter hook output priority raw; ${rules.join("; ")}; }`;
		await this.run("nft", `table inet wharf { ${chain}; }`);
	}

	async dig(port: number, name: string, type: string, ...options: readonly string[]): Promise<Dug> {
		const fixed = [`@${RESOLVER}`, "-p", String(port), "+tries=1", "+time=8", "+nosearch"];
		const { stdout } = await this.run("dig", ...fixed, ...options, name, type);
		const [, answers = ""] = /;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
		return {
			status: /status: (\w+)/.exec(stdout)?.[1] ?? "",
			flags: /flags: ([a-z ]*);/.exec(stdout)?.[1]?.split(" ") ?? [],
			answers: answers === "" ? [] : answers.split("\n").map((line) => line.split(/\s+/)),
			overTcp: stdout.includes("(TCP)"),
		};
	}

	/** Local addresses of open UDP and listening TCP sockets, as ss(8) prints them. */
	async sockets(): Promise<string[]> {
		const { stdout } = await this.run("ss", "-Hlntu");
		return stdout
			.split("\n")
			.filter((line) => line !== "")
			.map((line) => line.split(/\s+/))
			.map(([protocol = "", , , , local = ""]) => `${protocol} ${local}`)
			.toSorted();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const child of this.#children) child.kill("SIGKILL");
		await Promise.all(this.#children.map(({ done }) => done));
		removeNetns(this.netnsPath);
		rmSync(this.#folder, { recursive: true });
	}
}
