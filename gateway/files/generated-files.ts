/**
 * The files that wharf makes for each container: /etc/hosts, /etc/hostname, /etc/resolv.conf, kept beside its root file system.
 *
 * A start makes them anew. While the container runs they follow its networks and links, each until somebody has written to it.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContainerRecord, fullHostnameOf, hostnameOf, networkMode } from "../compose/container.ts";
import type { Endpoint } from "../peers/netd.ts";
import { hostsFile, type HostsEntry, withEntries } from "./hosts.ts";
import { type DnsWish, forHost, forResolver, forServers, isLoopbackOnly, serversFor } from "./resolv-conf.ts";
import { WrittenFiles } from "./written.ts";

/** systemd-resolved's stub is on loopback; this is what it asks. */
const UPSTREAM_OF_STUB = "/run/systemd/resolve/resolv.conf";

export interface Surroundings {
	readonly record: ContainerRecord;
	readonly endpoints: readonly Endpoint[];
	/** The resolver's address in the sandbox; empty: none. */
	readonly resolver: string;
	/** Where names are asked without one; empty: the host's servers. */
	readonly dnsServers: readonly string[];
	/** The host's addresses on the container's networks; at most one of each family. */
	readonly hostGateways: readonly string[];
	/** Containers that it is linked to, by all their names. */
	readonly linked: readonly HostsEntry[];
}

export class GeneratedFiles {
	readonly #dir: string;
	readonly #files: WrittenFiles;

	constructor(dir: string) {
		this.#dir = dir;
		this.#files = new WrittenFiles(dir);
	}

	/** Their places in the container, and on this host. */
	get mounts(): ReadonlyMap<string, string> {
		return new Map(["hosts", "hostname", "resolv.conf"].map((name) => [`/etc/${name}`, join(this.#dir, name)]));
	}

	/** For a start: all of them anew. Gives what the user should know, one sentence each. */
	async write(surroundings: Surroundings): Promise<string[]> {
		const { record, resolver } = surroundings;
		const hostname = `${hostnameOf(record)}\n`;
		await this.#files.write({ hostname, ...(await textsOf(surroundings)) });
		if (networkMode(record.spec) !== "networks" || resolver !== "") return [];
		const host = await hostServers();
		if (!isLoopbackOnly(host) || serversFor(host, wishOf(surroundings)).length > 0) return [];
		return [
			`${record.name} has no DNS server: this host's are on its loopback, where no container reaches them. Give one with --dns.`,
		];
	}

	/** While it runs. What somebody else has written to stays as it is. */
	async follow(surroundings: Surroundings): Promise<void> {
		await this.#files.follow(await textsOf(surroundings));
	}
}

async function textsOf(surroundings: Surroundings): Promise<Record<string, string>> {
	const { record, endpoints, resolver, linked } = surroundings;
	const wish = wishOf(surroundings);
	const extra = [...extraEntries(surroundings), ...linked];
	if (networkMode(record.spec) === "host") {
		const [hosts, host] = await Promise.all([readHost("/etc/hosts"), readHost("/etc/resolv.conf")]);
		return { hosts: withEntries(hosts, extra), "resolv.conf": forHost(host, wish) };
	}
	const names = namesOf(record);
	const own = endpoints.flatMap(({ addresses }) => addresses.map((one) => ({ address: withoutPrefix(one), names })));
	// A sandbox's loopback has `::1` wherever the kernel has IPv6.
	const hosts = hostsFile([...extra, ...own], { ipv6: existsSync("/proc/net/if_inet6") });
	const resolvConf =
		resolver === ""
			? forServers(await hostServers(), wish)
			: forResolver(resolver, await readHost("/etc/resolv.conf"), wish);
	return { hosts, "resolv.conf": resolvConf };
}

function wishOf({ record, dnsServers }: Surroundings): DnsWish {
	const { search = [], options = [] } = record.spec.dns ?? {};
	return { servers: dnsServers, search, options };
}

function extraEntries({ record, hostGateways }: Surroundings): HostsEntry[] {
	return record.spec.extraHosts.flatMap(({ name, address }) =>
		(address === "host-gateway" ? hostGateways : [address]).map((one) => ({ address: one, names: [name] })),
	);
}

/** What it is called by its own addresses: its whole name first. */
function namesOf(record: ContainerRecord): string[] {
	const [full, hostname] = [fullHostnameOf(record), hostnameOf(record)];
	return [...new Set([full, hostname, hostname.split(".")[0] ?? hostname])];
}

export function withoutPrefix(address: string): string {
	return address.split("/")[0] ?? address;
}

/** The host's file, or behind a stub that asks others, theirs. */
async function hostServers(): Promise<string> {
	const host = await readHost("/etc/resolv.conf");
	const upstream = isLoopbackOnly(host) ? await readHost(UPSTREAM_OF_STUB) : "";
	return upstream === "" ? host : upstream;
}

/** Missing is empty: a host without resolvers is a host all the same. */
async function readHost(path: string): Promise<string> {
	return readFile(path, "utf8").catch(() => "");
}
