/** dnsmasq and Knot as upstreams, on loopback ports of the test's own namespace; they end with the test. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Child, run, start } from "#lib/exec/run.ts";
import type { Server } from "../upstream/server.ts";

export interface NameServer {
	readonly server: Server;
	readonly child: Child;
}

const ADDRESS = "127.0.0.1";

/** A dnsmasq that knows what its options say; resolves when it answers. */
export async function dnsmasq(...options: readonly string[]): Promise<NameServer> {
	const port = await freePort();
	return await dnsmasqAt(port, ...options);
}

/** The same at a port at which one was before. */
export async function dnsmasqAt(port: number, ...options: readonly string[]): Promise<NameServer> {
	const quiet = ["-k", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file="];
	const place = [`--listen-address=${ADDRESS}`, "--bind-interfaces", `--port=${port}`];
	return await answering(start("dnsmasq", [...quiet, ...place, ...options], { stdout: "ignore" }), port);
}

/** A Knot with authority over a signed example.org of these records, and over nothing else; at the same port of ::1 as well. */
export async function knot(...records: readonly string[]): Promise<NameServer> {
	const port = await freePort();
	const folder = mkdtempSync(join(tmpdir(), "dnsd-knot-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const zone = ["$ORIGIN example.org.", "$TTL 300", "@ SOA ns admin 1 3600 600 86400 60", "@ NS ns", "ns A 192.0.2.53"];
	writeFileSync(join(folder, "zone"), `${[...zone, ...records].join("\n")}\n`);
	writeFileSync(
		join(folder, "knot.conf"),
		`server:
    listen: [ ${ADDRESS}@${port}, ::1@${port} ]
    rundir: ${folder}
    user: root:root
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${folder}
zone:
  - domain: example.org
    storage: ${folder}
    file: zone
    dnssec-signing: on
    zonefile-sync: -1
    journal-content: none
`,
	);
	return await answering(start("knotd", ["-c", join(folder, "knot.conf")], { stdout: "ignore" }), port);
}

/** For UDP; those who listen take TCP's as well, and nobody else is in this namespace. */
async function freePort(): Promise<number> {
	const socket = createSocket("udp4").bind(0, ADDRESS);
	await once(socket, "listening");
	const { port } = socket.address();
	socket.close();
	await once(socket, "close");
	return port;
}

async function answering(child: Child, port: number): Promise<NameServer> {
	onTestFinished(async () => {
		child.kill("SIGKILL");
		await child.done;
	});
	const options = ["+short", "+time=1", "+tries=30", `@${ADDRESS}`, "-p", String(port)];
	// dig has nobody to ask for the moment in which nothing listens: it ends with 9.
	for (let tries = 0; tries < 100; tries++) {
		const { exitCode } = await run("dig", [...options, "example.org", "SOA"], {
			acceptExit: [0, 9],
			timeoutMs: 40_000,
		});
		if (exitCode === 0) break;
	}
	return { server: { family: 4, address: ADDRESS, port }, child };
}
