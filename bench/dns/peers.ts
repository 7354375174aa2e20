/** Other resolvers with the same names: dnsmasq, aardvark-dns of netavark, and the one that Docker has in each container. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "#lib/exec/run.ts";
import { Docker } from "../netd/docker.ts";
import { addressOf, nameOf } from "./dnsd.ts";
import { type Namespaces, RESOLVER } from "./namespaces.ts";

const AARDVARK = "/usr/lib/podman/aardvark-dns";
export const QUIET = ["-k", "--conf-file=/dev/null", "--no-hosts", "--user=root", "--pid-file=", "--bind-interfaces"];
const TRIES = 200;

/** Where it can be asked: a namespace and an address. */
export interface Peer {
	readonly netns: string;
	readonly server: string;
}

/** `more`: options; it knows `count` containers. */
export async function dnsmasq(
	namespaces: Namespaces,
	netns: string,
	count: number,
	...more: readonly string[]
): Promise<Peer> {
	const hosts = join(namespaces.folder, `hosts${count}`);
	writeFileSync(hosts, Array.from({ length: count }, (_, i) => `${addressOf(i)} ${nameOf(i)}\n`).join(""));
	namespaces.start(netns, "dnsmasq", ...QUIET, `--addn-hosts=${hosts}`, `--listen-address=${RESOLVER}`, ...more);
	await listens(namespaces, netns, RESOLVER);
	return { netns, server: RESOLVER };
}

/** Undefined where it is not installed. */
export async function aardvark(namespaces: Namespaces, count: number): Promise<Peer | undefined> {
	if (!existsSync(AARDVARK)) return undefined;
	const netns = namespaces.create();
	const folder = join(namespaces.folder, "aardvark");
	mkdirSync(folder);
	const lines = Array.from({ length: count }, (_, i) => `${String(i).padStart(64, "0")} ${addressOf(i)}  ${nameOf(i)}`);
	// Who asks must be one of them: the loopback address is the first one's as well.
	const [first, ...others] = lines;
	const asker = first?.replace(addressOf(0), "127.0.0.1");
	writeFileSync(join(folder, "bench"), [RESOLVER, asker, ...others, ""].join("\n"));
	namespaces.start(netns, AARDVARK, "--config", folder, "-p", "53", "run");
	await listens(namespaces, netns, RESOLVER);
	namespaces.adopt(Number(readFileSync(join(folder, "aardvark.pid"), "utf8")));
	return { netns, server: RESOLVER };
}

/** A container that is called by all names, on a network of its own. */
export class DockerPeer implements AsyncDisposable {
	readonly #docker: Docker;
	readonly peer: Peer;

	private constructor(docker: Docker, peer: Peer) {
		this.#docker = docker;
		this.peer = peer;
	}

	/** Undefined where it is not installed. */
	static async start(count: number): Promise<DockerPeer | undefined> {
		const { exitCode } = await run("sh", ["-c", "command -v dockerd"], { acceptExit: [0, 1, 127] });
		if (exitCode !== 0) return undefined;
		const docker = await Docker.start();
		try {
			const aliases = Array.from({ length: count }, (_, i) => nameOf(i));
			const pid = await docker.named("bench", aliases);
			return new DockerPeer(docker, { netns: `/proc/${pid}/ns/net`, server: RESOLVER });
		} catch (error) {
			await docker[Symbol.asyncDispose]();
			throw error;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#docker[Symbol.asyncDispose]();
	}
}

async function listens(namespaces: Namespaces, netns: string, address: string): Promise<void> {
	for (let attempt = 0; attempt < TRIES; attempt += 1) {
		if ((await namespaces.run(netns, "ss", "-Hlun")).includes(`${address}:53`)) return;
		await sleep(20);
	}
	throw new Error(`nobody listens at ${address}:53`);
}
