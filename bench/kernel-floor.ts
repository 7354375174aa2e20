/**
 * What the kernel alone costs for one endpoint: namespace, veth on a bridge, address, default route, one published port.
 *
 * A bare loop over lib/linux, in a throw-away namespace that plays the host: nothing that netd does can be quicker.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cidr } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp, parseMac } from "#lib/address/mac.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { ElementBatch } from "#lib/linux/nft/element-batch.ts";
import { address, concatenation, inetProto, service } from "#lib/linux/nft/field.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import { median } from "./support/figures.ts";

const ROUNDS = 200;
const GATEWAY = Ip.parse("10.0.0.1");
const DEFAULT_ROUTE = Cidr.parse("0.0.0.0/0");
const ports = { family: "inet", table: "floor", set: "ports" } as const;
const eth0 = parseIfName("eth0");
const br0 = parseIfName("br0");

const directory = mkdtempSync(join(tmpdir(), "wharf-bench-"));
const paths: string[] = [];

function create(name: string): string {
	const path = join(directory, name);
	createNetns(path);
	paths.push(path);
	return path;
}

/** Milliseconds of one endpoint, step by step. */
function attach(round: number, host: Rtnetlink, nft: NfTables, bridge: number): number[] {
	const ip = Ip.of(4, GATEWAY.value + 1n + BigInt(round));
	const mac = macFromIp(ip);
	const times = [performance.now()];
	const netns = create(`c${round}`);
	times.push(performance.now());
	host.links.addVeth({ name: parseIfName(`v${round}`), master: bridge, up: true, peer: { name: eth0, netns, mac } });
	times.push(performance.now());
	using inside = Rtnetlink.open(netns);
	inside.links.set(eth0, { up: true });
	const { index } = inside.links.get(eth0);
	inside.addresses.add({ link: index, ip, prefix: 16 });
	inside.routes.add({ destination: DEFAULT_ROUTE, gateway: GATEWAY, link: index });
	times.push(performance.now());
	const key = concatenation(inetProto("tcp"), service(10_000 + round));
	nft.commit(new ElementBatch().add(ports, key, concatenation(address(ip), service(80))));
	times.push(performance.now());
	return times.slice(1).map((time, step) => time - (times[step] ?? 0));
}

try {
	const netns = create("host");
	using host = Rtnetlink.open(netns);
	using nft = NfTables.open(netns);
	using skeleton = Nft.open(netns);
	skeleton.run("table inet floor { map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }; }");
	host.links.addBridge({ name: br0, mac: parseMac("02:42:0a:00:00:01"), up: true });
	const bridge = host.links.get(br0).index;
	host.addresses.add({ link: bridge, ip: GATEWAY, prefix: 16 });

	const rounds = Array.from({ length: ROUNDS }, (_, round) => attach(round, host, nft, bridge));
	const names = ["namespace", "veth on the bridge", "up, address, route", "published port"];
	for (const [step, name] of names.entries())
		console.log(`${name}: ${median(rounds.map((times) => times[step] ?? 0)).toFixed(2)} ms`);
	const totals = rounds.map((times) => times.reduce((sum, time) => sum + time, 0));
	console.log(`kernel floor of one endpoint, median of ${ROUNDS}: ${median(totals).toFixed(2)} ms`);
} finally {
	for (const path of paths) removeNetns(path);
	rmSync(directory, { recursive: true });
}
