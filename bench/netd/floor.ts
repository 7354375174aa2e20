/** What the kernel alone costs on a bridge that is there: a bare loop over lib/linux, as netd does it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cidr } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { macFromIp } from "#lib/address/mac.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { ElementBatch } from "#lib/linux/nft/element-batch.ts";
import { address, concatenation, inetProto, service } from "#lib/linux/nft/field.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { Nft } from "#lib/linux/nft/nft.ts";

const ETH0 = parseIfName("eth0");
const EVERYTHING = Cidr.parse("0.0.0.0/0");
const PORTS = { family: "inet", table: "floor", set: "ports" } as const;

export interface Floor extends Disposable {
	/** A namespace for the next one. */
	netns(): string;
	/** A veth on the bridge, an address, a default route, a map's element. */
	attach(netns: string): void;
}

/** `first`: the addresses from there on are nobody's, in a /16. */
export function floorOn(bridge: string, first: string): Floor {
	const folder = mkdtempSync(join(tmpdir(), "wharf-floor-"));
	const host = Rtnetlink.open();
	const tables = NfTables.open();
	{
		using skeleton = Nft.open();
		skeleton.run("table inet floor { map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }; }");
	}
	const master = host.links.get(parseIfName(bridge)).index;
	const gateway = Ip.parse(first);
	const made: string[] = [];
	return {
		netns: () => {
			const path = join(folder, String(made.length));
			createNetns(path);
			made.push(path);
			return path;
		},
		attach: (netns) => {
			const ip = gateway.plus(BigInt(made.length));
			const peer = { name: ETH0, netns, mac: macFromIp(ip) };
			host.links.addVeth({ name: parseIfName(`f${made.length}`), master, up: true, peer });
			using inside = Rtnetlink.open(netns);
			const { index } = inside.links.get(ETH0);
			inside.addresses.add({ link: index, ip, prefix: 16 });
			inside.links.set(index, { up: true });
			inside.routes.add({ destination: EVERYTHING, gateway, link: index });
			const key = concatenation(inetProto("tcp"), service(made.length));
			tables.commit(new ElementBatch().add(PORTS, key, concatenation(address(ip), service(80))));
		},
		[Symbol.dispose]: () => {
			for (const path of made) removeNetns(path);
			using skeleton = Nft.open();
			skeleton.run("delete table inet floor");
			tables[Symbol.dispose]();
			host[Symbol.dispose]();
			rmSync(folder, { recursive: true });
		},
	};
}
