/** A host with the world outside it, each a namespace, and netd's use cases on the host's real kernel. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { type Child, run, start } from "#lib/exec/run.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { openTcpListener } from "#lib/linux/socket.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";
import { runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openLinuxKernel } from "../kernel/linux/kernel.ts";
import { ModelAllocator } from "../peers/model-allocator.ts";
import { type Bench, bench } from "./netd.ts";

/** The host's address outside, and the outside's. */
export const HOST = "192.0.2.1";
export const OUTSIDE = "192.0.2.2";
export const HOST6 = "2001:db8::1";
export const OUTSIDE6 = "2001:db8::2";

export interface TownOptions {
	readonly adapts?: boolean;
	readonly asksHost?: boolean;
}

export interface Town extends AsyncDisposable {
	readonly host: string;
	readonly outside: string;
	readonly it: Bench<Kernel, ModelAllocator>;
	/** Says to each client what address it comes from, then what the client says. */
	serve(netns: string, port: number, address?: string): Promise<void>;
	/** The address that a server saw, or "" when nobody answered. */
	ask(netns: string, address: string, port: number): Promise<string>;
	/** A client that says something every 20 ms, and ends when there is no echo any more, or a reset. Resolves with the first echo. */
	hold(netns: string, address: string, port: number): Promise<{ readonly cut: Promise<boolean> }>;
	/** Runs a program in a namespace. */
	run(netns: string, file: string, ...args: readonly string[]): string;
}

const ASK = `
	import { connect } from "node:net";
	const [, address, port] = process.argv;
	const socket = connect({ host: address, port: Number(port) });
	const end = (text) => { process.stdout.write(text); process.exit(); };
	setTimeout(() => end(""), 1200);
	socket.on("error", () => end(""));
	socket.once("data", (data) => end(String(data).trim()));
`;

const HOLD = `
	import { connect } from "node:net";
	const [, address, port] = process.argv;
	const socket = connect({ host: address, port: Number(port) });
	let last = Date.now();
	let echoes = 0;
	socket.on("error", () => process.exit(42));
	socket.on("data", (data) => {
		last = Date.now();
		if (String(data).includes("x") && ++echoes === 1) process.stdout.write("open");
	});
	setInterval(() => socket.write("x"), 20);
	// Longer than what is sent again takes when some packets are lost on a busy machine.
	setInterval(() => { if (Date.now() - last > 2000) process.exit(42); }, 50);
	setTimeout(() => process.exit(0), 5000);
`;

/**
 * Before it is up: its link-local address is not looked for elsewhere first. A router asks nobody for a neighbour until it has one,
 * up to two seconds, and who waits for its first packet to be passed on is told that there is no way.
 */
export function settleAtOnce(netns: string, link: string): void {
	writeSysctl(netns, `net/ipv6/conf/${link}/accept_dad`, 0);
}

export async function town({ adapts = false, asksHost = false }: TownOptions = {}): Promise<Town> {
	const folder = mkdtempSync(join(tmpdir(), "netd-town-"));
	const host = join(folder, "host");
	const outside = join(folder, "outside");
	for (const netns of [host, outside]) {
		createNetns(netns);
		runIn(netns, "ip", "link", "set", "lo", "up");
	}
	{
		using rtnl = Rtnetlink.open(host);
		rtnl.links.addVeth({ name: parseIfName("out0"), peer: { name: parseIfName("out1"), netns: outside } });
	}
	const wire: [string, string, string[]][] = [
		[host, "out0", [`${HOST}/24`, `${HOST6}/64`]],
		[outside, "out1", [`${OUTSIDE}/24`, `${OUTSIDE6}/64`]],
	];
	for (const [netns, name, addresses] of wire) {
		for (const address of addresses)
			runIn(netns, "ip", "addr", "add", address, "dev", name, ...(address.includes(":") ? ["nodad"] : []));
		settleAtOnce(netns, name);
		runIn(netns, "ip", "link", "set", name, "up");
	}
	// Outside knows the way to the containers' own addresses: only the rules keep it out.
	runIn(outside, "ip", "route", "add", "10.0.0.0/8", "via", HOST);
	const log = createLog({ service: "netd", level: "silent" });
	const namespaces = join(folder, "netns");
	const kernel = openLinuxKernel({ log, namespaces, host, asksHost });
	const it = await bench({ kernel, allocator: new ModelAllocator(), netnsPath: (id) => join(namespaces, id), adapts });
	const servers: Server[] = [];
	const children: Child[] = [];
	return {
		host,
		outside,
		it,
		serve: async (netns, port, address = "0.0.0.0") => {
			const server = createServer((socket) => {
				socket.on("error", () => socket.destroy());
				socket.write(`${socket.remoteAddress}\n`);
				socket.pipe(socket);
			});
			servers.push(server);
			const fd = openTcpListener(netns, Ip.parse(address), port);
			await new Promise<void>((resolve) => server.listen({ fd }, resolve));
		},
		ask: async (netns, address, port) => {
			const { stdout } = await inside(netns, ASK, address, port);
			return stdout.replace(/^::ffff:/, "");
		},
		hold: async (netns, address, port) => {
			const child = start("nsenter", [`--net=${netns}`, "--", ...script(HOLD, address, port)]);
			children.push(child);
			const first = await new Promise<unknown>((resolve) => {
				child.stdout.once("data", resolve).once("end", resolve).resume();
			});
			if (String(first) !== "open") throw new Error("nobody answered");
			return { cut: child.done.then(({ exitCode }) => exitCode === 42) };
		},
		run: runIn,
		[Symbol.asyncDispose]: async () => {
			for (const child of children) child.kill("SIGKILL");
			for (const server of servers) server.close();
			await it[Symbol.asyncDispose]();
			for (const path of kernel.namespaces.observe()) removeNetns(path);
			kernel[Symbol.dispose]();
			removeNetns(host);
			removeNetns(outside);
			rmSync(folder, { recursive: true });
		},
	};
}

/** Frames inside a bridge are shown to the rules, or not. */
export function showBridged(host: string, shown: boolean): void {
	for (const family of ["", "6"]) writeSysctl(host, `net/bridge/bridge-nf-call-ip${family}tables`, shown ? 1 : 0);
}

function script(source: string, address: string, port: number): string[] {
	return [process.execPath, "--input-type=module", "-e", source, address, String(port)];
}

function inside(netns: string, source: string, address: string, port: number): Promise<{ stdout: string }> {
	return run("nsenter", [`--net=${netns}`, "--", ...script(source, address, port)]);
}
