/**
 * The host's resolvers, read live: a change of resolv.conf(5) is seen by queries two seconds later at most.
 *
 * A file that cannot be read counts as one without servers. Nobody is asked whom the host does not name.
 */
import { readFileSync, statSync } from "node:fs";
import { Ip } from "#lib/address/ip.ts";
import { type Server, serverAt } from "./server.ts";

/** MAXNS: the C library asks no more either. */
const MOST_SERVERS = 3;
const LOOK_EVERY_MS = 1_000;

export function parseResolvConf(text: string): Server[] {
	return text
		.split("\n")
		.map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
		.map((address) => (address === undefined ? undefined : findServer(address)))
		.filter((server) => server !== undefined)
		.slice(0, MOST_SERVERS);
}

function findServer(text: string): Server | undefined {
	const [address = "", scope] = text.split("%");
	try {
		const server = serverAt(Ip.parse(address));
		return scope === undefined ? server : { ...server, address: `${server.address}%${scope}` };
	} catch {
		return undefined; // as the C library: a line that it does not understand is none
	}
}

export class HostServers {
	readonly #path: string;
	#lookedAtMs = Number.NEGATIVE_INFINITY;
	#version = "";
	#servers: readonly Server[] = [];

	constructor(path: string) {
		this.#path = path;
	}

	current(): readonly Server[] {
		const now = performance.now();
		if (now - this.#lookedAtMs >= LOOK_EVERY_MS) {
			this.#lookedAtMs = now;
			this.#readAgain();
		}
		return this.#servers;
	}

	#readAgain(): void {
		try {
			const { ino, size, mtimeNs } = statSync(this.#path, { bigint: true });
			const version = `${ino} ${size} ${mtimeNs}`;
			if (version === this.#version) return;
			this.#servers = parseResolvConf(readFileSync(this.#path, "utf8"));
			this.#version = version;
		} catch {
			this.#servers = [];
			this.#version = "";
		}
	}
}
