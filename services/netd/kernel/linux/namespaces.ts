/** Namespaces pinned at files of one folder. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, isNetns, netnsId, openNetns, removeNetns } from "#lib/linux/netns.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import type { Log } from "#lib/log/log.ts";
import { faults } from "../../faults.ts";
import type { NamespaceRef, Namespaces, OpenNamespace } from "../namespaces.ts";
import { refusal } from "./refusal.ts";

const LOOPBACK = parseIfName("lo");

export class LinuxNamespaces implements Namespaces {
	readonly #folder: string;
	readonly #log: Log;
	readonly #host: string | undefined;

	/** `host`: the namespace that plays the host; the process's own unless it is said. */
	constructor(log: Log, folder: string, host?: string) {
		this.#folder = folder;
		this.#host = host;
		this.#log = log;
		mkdirSync(folder, { recursive: true, mode: 0o755 });
	}

	create(path: string): void {
		refusal("make a network namespace", () => {
			createNetns(path);
			killPoint("netd.namespace.made");
			using rtnl = Rtnetlink.open(path);
			rtnl.links.set(LOOPBACK, { up: true });
			// Only networks with IPv6 turn it on, on their own link.
			if (existsSync("/proc/sys/net/ipv6")) writeSysctl(path, "net/ipv6/conf/default/disable_ipv6", "1");
		});
		killPoint("netd.namespace.ready");
		this.#log.change("namespace.add", { path });
	}

	open(at: NamespaceRef): OpenNamespace {
		const what = "path" in at ? at.path : `/proc/${at.pid}/ns/net`;
		const found = refusal("open a network namespace", () => openNetns(what));
		if (found === undefined) throw notFound(at);
		try {
			if (found.id === netnsId() || found.id === netnsId(this.#host)) throw faults.HOST_NAMESPACE({ what });
			const pinnedAt = this.observe().find((path) => isNetns(path) && netnsId(path) === found.id);
			return {
				pinnedAt,
				pin: (path) => {
					refusal("hold a network namespace", () => found.pin(path));
					killPoint("netd.namespace.held");
					this.ensureLoopback(path);
					this.#log.change("namespace.hold", { path, of: what });
				},
				[Symbol.dispose]: () => found[Symbol.dispose](),
			};
		} catch (error) {
			found[Symbol.dispose]();
			throw error;
		}
	}

	remove(path: string): void {
		refusal("remove a network namespace", () => removeNetns(path));
		killPoint("netd.namespace.removed");
		this.#log.change("namespace.remove", { path });
	}

	ensureLoopback(path: string): void {
		refusal("bring up a loopback", () => {
			using rtnl = Rtnetlink.open(path);
			if (rtnl.links.get(LOOPBACK).up) return;
			rtnl.links.set(LOOPBACK, { up: true });
			this.#log.change("namespace.loopback", { path });
		});
	}

	isNamespace(path: string): boolean {
		return isNetns(path);
	}

	observe(): string[] {
		return readdirSync(this.#folder).map((name) => join(this.#folder, name));
	}
}

function notFound(at: NamespaceRef): Error {
	if ("path" in at) return faults.NOT_A_NAMESPACE({ path: at.path }, { field: "adopt_path" });
	return faults.PROCESS_NOT_FOUND({ pid: String(at.pid) }, { field: "adopt_pid" });
}
