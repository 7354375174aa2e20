/** What packets meet: throughput and latency beside a bare veth on a bridge, and new connections through a published port. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { type Child, run, start } from "#lib/exec/run.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { median, type Report } from "../support/figures.ts";
import { floorOn } from "./floor.ts";
import { Instance } from "./instance.ts";
import { tcp } from "./requests.ts";

const ROUNDS = 3;
const SECONDS = 1;
/** Of one program: whatever keeps it is told, and does not keep the table. */
const LIMIT_MS = 20_000;
const PINGS = 4_000;
const MANY = 10_000;
const HOST = "192.0.2.1";
/** Of the host's bridge; containers have the next ones. */
const BARE = "10.254.0.1";

/** A namespace and its address; the host is one without a path. */
interface Place {
	readonly netns?: string;
	readonly ip: string;
}

function inside({ netns }: Place, file: string, ...args: readonly string[]): [string, string[]] {
	return netns === undefined ? [file, [...args]] : ["nsenter", [`--net=${netns}`, "--", file, ...args]];
}

/** Gbit/s of one TCP stream. */
async function throughput(from: Place, to: Place): Promise<number> {
	const server = start(...inside(to, "iperf3", "-s"), { stdout: "ignore" });
	try {
		for (let attempt = 0; attempt < 100; attempt += 1) {
			const flags = ["-c", to.ip, "-t", String(SECONDS), "-J"];
			const { stdout } = await run(...inside(from, "iperf3", ...flags), { timeoutMs: LIMIT_MS });
			// With -J it exits with 0 also when it was refused: it does not listen yet.
			const { end } = JSON.parse(stdout) as { end: { sum_received?: { bits_per_second: number } } };
			if (end.sum_received !== undefined) return end.sum_received.bits_per_second / 1e9;
		}
		throw new Error("iperf3 does not listen");
	} finally {
		server.kill("SIGKILL");
		await server.done;
	}
}

/** Microseconds there and back, the average of a flood of pings. */
async function latency(from: Place, to: Place): Promise<number> {
	const { stdout } = await run(...inside(from, "ping", "-q", "-f", "-c", String(PINGS), to.ip), {
		timeoutMs: LIMIT_MS,
	});
	return 1_000 * Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]);
}

async function alternating(wharf: [Place, Place], bare: [Place, Place]) {
	const found = { bits: [[], []] as [number[], number[]], delays: [[], []] as [number[], number[]] };
	for (let round = 0; round < ROUNDS; round += 1) {
		for (const [which, pair] of ([wharf, bare] as const).entries()) {
			found.bits[which as 0 | 1].push(await throughput(...pair));
			found.delays[which as 0 | 1].push(await latency(...pair));
		}
	}
	return {
		bits: found.bits.map(median) as [number, number],
		delays: found.delays.map(median) as [number, number],
	};
}

export async function throughputs(report: Report): Promise<void> {
	await using wharf = await Instance.start();
	await wharf.network("front");
	const container = async (): Promise<Place> => {
		const { id, netns } = await wharf.sandbox();
		const { addresses } = await wharf.connect("front", id);
		return { netns, ip: addresses[0]?.split("/")[0] ?? "" };
	};
	{
		using host = Rtnetlink.open();
		host.links.addBridge({ name: parseIfName("bare0"), mac: parseMac("02:42:0a:00:00:01"), up: true });
		const { index } = host.links.get(parseIfName("bare0"));
		host.addresses.add({ link: index, ip: Ip.parse(BARE), prefix: 16 });
	}
	using floor = floorOn("bare0", BARE);
	const attached = (count: number): Place => {
		const netns = floor.netns();
		floor.attach(netns);
		return { netns, ip: Ip.parse(BARE).plus(BigInt(count)).toString() };
	};
	const [ours, bare]: [[Place, Place], [Place, Place]] = [
		[await container(), await container()],
		[attached(1), attached(2)],
	];
	const host: Place = { ip: HOST };
	const kinds = [
		["container to container", ours, bare],
		["host to container", [host, ours[1]], [host, bare[1]]],
	] as const;
	for (const [what, mine, theirs] of kinds) {
		const { bits, delays } = await alternating([...mine] as [Place, Place], [...theirs] as [Place, Place]);
		const ratio = (values: [number, number]): string => `${(values[0] / values[1]).toFixed(2)}x`;
		const faster = `bare veth ${bits[1].toFixed(1)} Gbit/s: ${ratio(bits)}`;
		report({ figure: `${what}, one stream`, ours: `${bits[0].toFixed(1)} Gbit/s`, aim: "0.95x", beside: faster });
		const later = `bare veth ${delays[1].toFixed(1)} µs: ${ratio(delays)}`;
		report({ figure: `${what}, there and back`, ours: `${delays[0].toFixed(1)} µs`, aim: "1/0.95x", beside: later });
	}
}

const SERVER = `
	import { createServer } from "node:net";
	const server = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
	server.listen(80, "0.0.0.0", () => process.stdout.write("listening"));
`;
/** Connects for two seconds, eight at a time; every end is a reset, so that no port has to rest. */
const CLIENT = `
	import { connect } from "node:net";
	let count = 0;
	const end = Date.now() + 2000;
	const next = () => {
		if (Date.now() > end) return;
		const socket = connect(8080, "${HOST}", () => {
			count += 1;
			socket.resetAndDestroy();
			next();
		});
	};
	for (let lane = 0; lane < 8; lane += 1) next();
	process.on("exit", () => process.stdout.write(String(count / 2)));
`;

function node(place: Place, source: string): [string, string[]] {
	return inside(place, process.execPath, "--input-type=module", "-e", source);
}

export async function connections(report: Report): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "wharf-outside-"));
	const outside: Place = { netns: join(folder, "outside"), ip: "192.0.2.2" };
	let server: Child | undefined;
	try {
		await prepareOutside(outside);
		await using wharf = await Instance.start();
		await wharf.network("front");
		const { id, netns } = await wharf.sandbox();
		await wharf.connect("front", id, [tcp(8_080)]);
		server = start(...node({ netns, ip: "" }, SERVER));
		await new Promise<void>((resolve) => server?.stdout.once("data", () => resolve()).resume());
		const rate = async (): Promise<number> => {
			const rates: number[] = [];
			for (let round = 0; round < ROUNDS; round += 1)
				rates.push(Number((await run(...node(outside, CLIENT), { timeoutMs: LIMIT_MS })).stdout));
			return median(rates);
		};
		await rate();
		const one = await rate();
		const other = await wharf.connect("front", (await wharf.sandbox()).id);
		for (let first = 10_000; first < 10_000 + MANY; first += 1_000) {
			const ports = Array.from({ length: 1_000 }, (_, index) => tcp(first + index));
			await wharf.endpoints.publishPorts({ requestId: `many-${first}`, endpointId: other.id, ports });
		}
		const many = await rate();
		const beside = `with 1 published ${one.toFixed(0)}/s: ${(many / one).toFixed(2)}x`;
		const figure = "new TCP connections/s through a published port, 10,000 published";
		report({ figure, ours: `${many.toFixed(0)}/s`, aim: "0.9x to 1.1x of 1", beside });
	} finally {
		server?.kill("SIGKILL");
		await server?.done;
		if (outside.netns !== undefined) removeNetns(outside.netns);
		rmSync(folder, { recursive: true });
	}
}

/** Another machine on the host's wire. */
async function prepareOutside(outside: Place): Promise<void> {
	createNetns(outside.netns ?? "");
	using host = Rtnetlink.open();
	const peer = { name: parseIfName("out1"), netns: outside.netns ?? "" };
	host.links.addVeth({ name: parseIfName("out0"), peer });
	await run("ip", ["address", "add", `${HOST}/24`, "dev", "out0"]);
	await run("ip", ["link", "set", "out0", "up"]);
	await run(...inside(outside, "ip", "address", "add", `${outside.ip}/24`, "dev", "out1"));
	await run(...inside(outside, "ip", "link", "set", "out1", "up"));
}
