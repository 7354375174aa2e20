import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { inOwnNetns, type NetnsProcess } from "#lib/linux/test-support/netns-process.ts";
import { ipJson, runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import { kernelContract } from "../contract.ts";
import { openLinuxKernel } from "./kernel.ts";

/** Asked of a namespace of its own, by ip(8). */
const SUPPORTED = new Set(["dummy", "802.1q"].filter(supports));

function supports(kind: string): boolean {
	const folder = mkdtempSync(join(tmpdir(), "netd-kernel-"));
	const netns = join(folder, "netns");
	createNetns(netns);
	try {
		if (kind === "dummy") runIn(netns, "ip", "link", "add", "one", "type", "dummy");
		else runIn(netns, "ip", "link", "add", "link", "lo", "name", "one", "type", "vlan", "id", "30");
		return true;
	} catch {
		return false;
	} finally {
		removeNetns(netns);
		rmSync(folder, { recursive: true });
	}
}

interface Info {
	readonly local: string;
	readonly prefixlen: number;
}

kernelContract("the adapters", () => {
	const folder = mkdtempSync(join(tmpdir(), "netd-kernel-"));
	const host = join(folder, "host");
	const namespaces = join(folder, "netns");
	createNetns(host);
	runIn(host, "ip", "link", "set", "lo", "up");
	const processes: NetnsProcess[] = [];
	const kernel = openLinuxKernel({ log: createLog({ service: "netd", level: "silent" }), namespaces, host });
	return {
		kernel,
		netnsPath: (name) => join(namespaces, name),
		addForeignLink: (name) => {
			runIn(host, "ip", "link", "add", name, "type", "veth");
			runIn(host, "ip", "link", "set", name, "up");
		},
		removeForeignLink: (name) => void runIn(host, "ip", "link", "del", name),
		writeDockersRules: (policy) => {
			const rules = `*filter\n:FORWARD ${policy.toUpperCase()}\n:DOCKER-USER -\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN\nCOMMIT\n`;
			runIn(host, "sh", "-c", `printf '%s' "$1" | iptables-restore`, "sh", rules);
		},
		// A transport's module is loaded by its first socket.
		supports: (kind) =>
			kind === "sctp" ? /^SCTP/m.test(readFileSync("/proc/net/protocols", "utf8")) : SUPPORTED.has(kind),
		foreignProcess: async () => {
			const process = await inOwnNetns();
			processes.push(process);
			return process;
		},
		hostPath: host,
		addAddress: (name, address) => void runIn(host, "ip", "address", "add", String(address), "dev", name),
		writeNeighbour: ({ interface: name, ip, mac }) =>
			void runIn(host, "ip", "neigh", "replace", String(ip), "lladdr", mac, "dev", name, "nud", "permanent"),
		addressesOf: (name) =>
			(ipJson(host, "address", "show", "dev", name, "scope", "global") as { addr_info: Info[] }[])
				.flatMap(({ addr_info: infos }) => infos.map(({ local, prefixlen }) => `${local}/${prefixlen}`))
				.sort(),
		sourceRules: (netns) =>
			(ipJson(netns, "rule", "show") as { priority: number; src: string }[])
				.filter(({ priority }) => priority === 32_001)
				.map(({ src }) => src),
		[Symbol.dispose]: () => {
			kernel[Symbol.dispose]();
			for (const process of processes) process.kill();
			for (const path of kernel.namespaces.observe()) removeNetns(path);
			removeNetns(host);
			rmSync(folder, { recursive: true });
		},
	};
});
