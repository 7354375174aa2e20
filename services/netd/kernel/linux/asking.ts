/**
 * The host's own firewall is asked before a published port is reached from outside (publish-policy `respect-host`; ADR 8).
 *
 * A published port is translated before the host's rules for its own ports (the input hook) are looked at, and forwarded packets
 * never come by these. So the first packet of a connection from outside is left as it is, passes the host's own rules as if the
 * port were a program's of the host, and behind the last of them is sent round: a copy goes out by one end of a pair of links, comes
 * in at the other as it was, and is translated then; the packet itself goes no further. What follows of the connection takes the
 * direct way. The pair keeps packets off no other way and is sent nothing else.
 */
import { IpInterface } from "#lib/address/cidr.ts";
import { parseIfName } from "#lib/address/if-name.ts";
import { Ip } from "#lib/address/ip.ts";
import { parseMac } from "#lib/address/mac.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { hex } from "#lib/linux/nft/let-through.ts";
import type { Nft } from "#lib/linux/nft/nft.ts";
import type { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { writeSysctl } from "#lib/linux/sysctl.ts";

/** The link that copies leave by, and where they come in again. */
export const ASKING_LINKS = { out: parseIfName("wh-ask"), in: parseIfName("wh-answer") } as const;
/** Of both: no neighbour is asked for there, and a frame goes to its own link's MAC. */
const MAC = parseMac("02:77:68:00:00:01");
/** RFC 7600's address of nobody: a link without an address takes nothing in where sources are checked. */
const NOWHERE4 = IpInterface.parse("192.0.0.8/32");
const NOWHERE6 = Ip.parse("fe80::77");

/** On a packet between the translation that passed it by and the end of the input hook, and nowhere else. */
const MARK = 0x0200_0000;
const [ON, OFF] = [`meta mark set meta mark | ${hex(MARK)}`, `meta mark set meta mark & ${hex(0xffff_ffff - MARK)}`];
const ANSWERED = [
	{ family: "ip", table: "wharf", chain: "answered" },
	{ family: "ip6", table: "wharf", chain: "answered" },
] as const;

/** Of the chain `ask` of the skeleton. */
export const ASK_RULES = 7;

/** `out`: the index of the link, whose name the library would look up in the process's own namespace. */
function answered(family: "ip" | "ip6", gateway: string, out: number): string {
	return `
add table ${family} wharf
add chain ${family} wharf answered { type filter hook input priority 2147483000; policy accept; }
flush chain ${family} wharf answered
add rule ${family} wharf answered meta mark & ${hex(MARK)} == ${hex(MARK)} ${OFF} dup to ${gateway} device ${out} drop
`;
}

/** Behind the skeleton, in the same transaction. Who is inside is not from outside. */
const asking = (out: number): string => `
table inet wharf {
	chain ask {
		iifname { "lo", "${ASKING_LINKS.in}" } return
		iifname @bridges return
		meta l4proto != { tcp, udp, sctp } return
		meta l4proto . ip daddr . th dport @asked_at4 ${ON} accept
		meta nfproto ipv4 meta l4proto . th dport @asked4 ${ON} accept
		meta l4proto . ip6 daddr . th dport @asked_at6 ${ON} accept
		meta nfproto ipv6 meta l4proto . th dport @asked6 ${ON} accept
	}
}
${answered("ip", NOWHERE4.ip.toString(), out)}
${answered("ip6", NOWHERE6.toString(), out)}
`;

const NOT_ASKING = ANSWERED.map(
	({ family, table }) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`,
).join("");

/** The pair of links, and whether the tables beside the skeleton's are as they should be. */
export class Asking {
	readonly #host: string | undefined;
	readonly #tables: NfTables;
	/** The host's firewall is asked. */
	readonly isWanted: boolean;

	constructor(isWanted: boolean, tables: NfTables, host: string | undefined) {
		this.isWanted = isWanted;
		this.#tables = tables;
		this.#host = host;
	}

	isWhole(): boolean {
		if (!this.isWanted) return !ANSWERED.some((chain) => this.#tables.hasChain(chain)) && this.#links() === 0;
		return this.#links() === 2 && ANSWERED.every((chain) => this.#tables.findChain(chain)?.rules.length === 1);
	}

	/** Makes the links, before the rules that lead there; gives these, for the transaction that makes the skeleton. */
	prepare(nft: Nft): string {
		if (!this.isWanted) return NOT_ASKING;
		using rtnl = Rtnetlink.open(this.#host);
		if (this.#links() < 2) {
			// Rules that know the old ones would look whole.
			nft.run(NOT_ASKING);
			this.#remove(rtnl);
			this.#add(rtnl);
		}
		return asking(rtnl.links.get(ASKING_LINKS.out).index);
	}

	/** After the rules that led there. */
	conclude(): void {
		if (this.isWanted) return;
		using rtnl = Rtnetlink.open(this.#host);
		this.#remove(rtnl);
		killPoint("netd.asking.removed");
	}

	#add(rtnl: Rtnetlink): void {
		const peer = { name: ASKING_LINKS.in, mac: MAC, netns: this.#host ?? "/proc/self/ns/net" };
		rtnl.links.addVeth({ name: ASKING_LINKS.out, mac: MAC, peer });
		killPoint("netd.asking.linked");
		const end = rtnl.links.get(ASKING_LINKS.in).index;
		for (const name of Object.values(ASKING_LINKS)) this.#settle(name);
		rtnl.addresses.replace({ link: end, ip: NOWHERE4.ip, prefix: NOWHERE4.prefix, scope: "link" });
		for (const name of Object.values(ASKING_LINKS))
			rtnl.links.set(name, { up: true, arp: false, alias: "wharf asking" });
		killPoint("netd.asking.up");
	}

	/** What comes in has the source of somebody outside, for whom the way back is another link: the loose check lets that pass. */
	#settle(name: string): void {
		writeSysctl(this.#host, `net/ipv4/conf/${name}/rp_filter`, 2);
		for (const [setting, value] of Object.entries({ disable_ipv6: 0, accept_ra: 0, accept_dad: 0 })) {
			try {
				writeSysctl(this.#host, `net/ipv6/conf/${name}/${setting}`, value);
			} catch (error) {
				// A kernel without IPv6.
				if (!isErrno(error, "ENOENT")) throw error;
			}
		}
	}

	#remove(rtnl: Rtnetlink): void {
		if (rtnl.links.find(ASKING_LINKS.out) !== undefined) rtnl.links.remove(ASKING_LINKS.out);
	}

	/** How many of the two are there and up. */
	#links(): number {
		using rtnl = Rtnetlink.open(this.#host);
		const found = Object.values(ASKING_LINKS).map((name) => rtnl.links.find(name));
		// Half a pair that is there is not nothing.
		return found.filter((link) => link !== undefined && (link.up || !this.isWanted)).length;
	}
}
