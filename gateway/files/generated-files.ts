/**
 * The files that wharf makes for each container: /etc/hosts, /etc/hostname, /etc/resolv.conf, kept beside its root file system.
 *
 * They are bind mounts in a running container, so they are written in place: another file at the same path would not be seen.
 */
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Endpoint } from "../peers/netd.ts";
import { hostnameOf, networkMode, type ContainerRecord } from "../compose/container.ts";
import { hostsFile, type HostsEntry, withEntry, withoutAddresses } from "./hosts.ts";
import { forHostResolvers, forResolver, nameservers } from "./resolv-conf.ts";

/** systemd-resolved's stub is on loopback; this is what it asks. */
const UPSTREAM_OF_STUB = "/run/systemd/resolve/resolv.conf";

export interface Surroundings {
	readonly record: ContainerRecord;
	readonly endpoints: readonly Endpoint[];
	/** The resolver's address in the sandbox; empty: none. */
	readonly resolver: string;
}

export class GeneratedFiles {
	readonly #dir: string;

	constructor(dir: string) {
		this.#dir = dir;
	}

	/** Their places in the container, and on this host. */
	get mounts(): ReadonlyMap<string, string> {
		return new Map(["hosts", "hostname", "resolv.conf"].map((name) => [`/etc/${name}`, join(this.#dir, name)]));
	}

	/** For a start: all of them anew. */
	async write({ record, endpoints, resolver }: Surroundings): Promise<void> {
		const usesHost = networkMode(record.spec) === "host";
		const hostname = hostnameOf(record);
		const hosts = usesHost
			? await readHost("/etc/hosts")
			: hostsFile(endpoints.flatMap((one) => entriesOf(one, hostname)));
		const resolvConf = usesHost ? await readHost("/etc/resolv.conf") : await resolvConfFor(resolver);
		await Promise.all([
			writeFile(join(this.#dir, "hosts"), hosts),
			writeFile(join(this.#dir, "hostname"), `${hostname}\n`),
			writeFile(join(this.#dir, "resolv.conf"), resolvConf),
		]);
	}

	async connected({ record, resolver }: Surroundings, endpoint: Endpoint): Promise<void> {
		const hostname = hostnameOf(record);
		await this.#change("hosts", (text) => entriesOf(endpoint, hostname).reduce(withEntry, text));
		await this.#resolver(resolver);
	}

	async disconnected({ resolver }: Surroundings, endpoint: Endpoint): Promise<void> {
		await this.#change("hosts", (text) => withoutAddresses(text, endpoint.addresses.map(withoutPrefix)));
		await this.#resolver(resolver);
	}

	/** What the user wrote into it stays: only a file as wharf made it follows the networks. */
	async #resolver(resolver: string): Promise<void> {
		const wanted = await resolvConfFor(resolver);
		const other = await resolvConfFor(resolver === "" ? "127.0.0.11" : "");
		await this.#change("resolv.conf", (text) => (text === other ? wanted : text));
	}

	async #change(name: string, change: (text: string) => string): Promise<void> {
		await using file = await open(join(this.#dir, name), "r+");
		const before = await file.readFile("utf8");
		const after = change(before);
		if (after === before) return;
		const { bytesWritten } = await file.write(after, 0, "utf8");
		await file.truncate(bytesWritten);
	}
}

function entriesOf({ addresses }: Endpoint, hostname: string): HostsEntry[] {
	const short = hostname.split(".")[0] ?? hostname;
	const names = short === hostname ? [hostname] : [hostname, short];
	return addresses.map((address) => ({ address: withoutPrefix(address), names }));
}

function withoutPrefix(address: string): string {
	return address.split("/")[0] ?? address;
}

async function resolvConfFor(resolver: string): Promise<string> {
	const host = await readHost("/etc/resolv.conf");
	if (resolver !== "") return forResolver(resolver, host);
	const usesStub = nameservers(host).every((server) => /^(127\.|::1$)/.test(server));
	const upstream = usesStub ? await readHost(UPSTREAM_OF_STUB) : "";
	return forHostResolvers(upstream === "" ? host : upstream);
}

/** Missing is empty: a host without resolvers is a host all the same. */
async function readHost(path: string): Promise<string> {
	return readFile(path, "utf8").catch(() => "");
}
