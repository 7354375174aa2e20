/** Namespaces pinned at files of one folder. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, isNetns, removeNetns } from "#lib/linux/netns.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import type { Log } from "#lib/log/log.ts";
import type { Namespaces } from "../namespaces.ts";
import { refusal } from "./refusal.ts";

const LOOPBACK = parseIfName("lo");

export class LinuxNamespaces implements Namespaces {
	readonly #folder: string;
	readonly #log: Log;

	constructor(log: Log, folder: string) {
		this.#folder = folder;
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

	remove(path: string): void {
		refusal("remove a network namespace", () => removeNetns(path));
		killPoint("netd.namespace.removed");
		this.#log.change("namespace.remove", { path });
	}

	isNamespace(path: string): boolean {
		return isNetns(path);
	}

	observe(): string[] {
		return readdirSync(this.#folder).map((name) => join(this.#folder, name));
	}
}
