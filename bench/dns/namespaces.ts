/** Sandboxes for measuring: namespaces with their loopback up, and the rewrite of port 53 as netd writes it. All gone with the last. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, run, start } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createLog } from "#lib/log/log.ts";
import { LinuxResolverRedirect } from "../../services/netd/kernel/linux/resolver-redirect.ts";

export const RESOLVER = "127.0.0.11";

export class Namespaces implements AsyncDisposable {
	readonly folder = mkdtempSync(join(tmpdir(), "wharf-bench-dns-"));
	readonly #redirect = new LinuxResolverRedirect(createLog({ service: "bench", level: "silent" }));
	readonly #made: string[] = [];
	readonly #children: Child[] = [];
	readonly #adopted: number[] = [];

	/** `port`: to which port 53 of RESOLVER leads. */
	create(port?: number): string {
		const path = join(this.folder, `net${this.#made.length}`);
		createNetns(path);
		this.#made.push(path);
		{
			using route = Rtnetlink.open(path);
			route.links.set(parseIfName("lo"), { up: true });
		}
		if (port !== undefined) this.#redirect.ensure(path, port);
		return path;
	}

	run(netns: string, file: string, ...args: readonly string[]): Promise<string> {
		return run("nsenter", [`--net=${netns}`, "--", file, ...args], { timeoutMs: 120_000 }).then(({ stdout }) => stdout);
	}

	/** A program inside until all ends. */
	start(netns: string, file: string, ...args: readonly string[]): Child {
		const child = start("nsenter", [`--net=${netns}`, "--", file, ...args], { stdout: "ignore", stderr: "ignore" });
		this.#children.push(child);
		return child;
	}

	/** A program that has left its parent ends with all as well. */
	adopt(pid: number): void {
		this.#adopted.push(pid);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const child of this.#children) child.kill("SIGKILL");
		for (const child of this.#children) await child.done;
		for (const pid of this.#adopted) process.kill(pid, "SIGKILL");
		for (const path of this.#made) removeNetns(path);
		rmSync(this.folder, { recursive: true });
	}
}
