/**
 * The fixed part of the packet rules, in nft's language: sets, chains and rules that never change with what exists.
 *
 * Nothing here is per network, container or port, so a packet's way through it is as long with ten thousand of them. What a
 * rule means for packets between bridges holds whether the kernel shows bridged frames to these hooks
 * (net.bridge.bridge-nf-call-iptables = 1) or not. Frames between two ports of one bridge are seen only if it does: what keeps
 * the neighbours of a network apart is therefore a flag of their ports, and the set `separated` catches what goes by the gateway.
 */
import type { TableRef } from "#lib/linux/nft/element.ts";
import type { Protocol } from "../../port.ts";

export const TABLE = { family: "inet", table: "wharf" } as const satisfies TableRef;

/** `inet_proto` in these rules: `ct original proto-dst` has no type until the rule says which transport it is. */
function translated(family: "ip" | "ip6", protocol: Protocol, verdict = "accept"): string {
	const set = family === "ip" ? "flows4" : "flows6";
	return `meta l4proto ${protocol} meta l4proto . ct original proto-dst . ${family} daddr . th dport @${set} ${verdict}`;
}

/**
 * Made or completed: sets and the operator's chain keep what they hold, the rules of our chains are written anew, all in one
 * transaction, so that no packet sees a moment without them.
 */
export const SKELETON = `
add table inet wharf
add map inet wharf published_at4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }
add map inet wharf published_at6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }
add map inet wharf published4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
add map inet wharf published6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
add set inet wharf flows4 { type inet_proto . inet_service . ipv4_addr . inet_service; }
add set inet wharf flows6 { type inet_proto . inet_service . ipv6_addr . inet_service; }
add set inet wharf open4 { type inet_proto . ipv4_addr . inet_service; }
add set inet wharf open6 { type inet_proto . ipv6_addr . inet_service; }
add set inet wharf asked_at4 { type inet_proto . ipv4_addr . inet_service; }
add set inet wharf asked_at6 { type inet_proto . ipv6_addr . inet_service; }
add set inet wharf asked4 { type inet_proto . inet_service; }
add set inet wharf asked6 { type inet_proto . inet_service; }
add set inet wharf bridges { type ifname; }
add set inet wharf internal { type ifname; }
add set inet wharf masqueraded4 { type ifname; }
add set inet wharf masqueraded6 { type ifname; }
add set inet wharf routed4 { type ifname; }
add set inet wharf routed6 { type ifname; }
add set inet wharf unprotected4 { type ifname; }
add set inet wharf unprotected6 { type ifname; }
add set inet wharf trusted { type ifname . ifname; }
add map inet wharf sources4 { type ifname : ipv4_addr; }
add map inet wharf sources6 { type ifname : ipv6_addr; }
add set inet wharf shortcuts4 { type ifname . ipv4_addr; }
add set inet wharf shortcuts6 { type ifname . ipv6_addr; }
add set inet wharf connected { type ifname . ifname; }
add set inet wharf separated { type ifname . ifname; }
add chain inet wharf operator
add chain inet wharf ask
add chain inet wharf arrived
add chain inet wharf publish
add chain inet wharf neighbours
add chain inet wharf inbound
add chain inet wharf translated
add chain inet wharf direct
add chain inet wharf open
add chain inet wharf loopback { type filter hook prerouting priority raw; policy accept; }
add chain inet wharf arriving { type nat hook prerouting priority dstnat; policy accept; }
add chain inet wharf leaving { type nat hook output priority -100; policy accept; }
add chain inet wharf own { type filter hook output priority filter; policy accept; }
add chain inet wharf forward { type filter hook forward priority filter; policy accept; }
add chain inet wharf source { type nat hook postrouting priority srcnat; policy accept; }
flush chain inet wharf ask
flush chain inet wharf arrived
flush chain inet wharf publish
flush chain inet wharf neighbours
flush chain inet wharf inbound
flush chain inet wharf translated
flush chain inet wharf direct
flush chain inet wharf open
flush chain inet wharf loopback
flush chain inet wharf arriving
flush chain inet wharf leaving
flush chain inet wharf own
flush chain inet wharf forward
flush chain inet wharf source
table inet wharf {
	# route_localnet lets the host's loopback be published at; it must not let anybody else in there.
	chain loopback {
		iifname != "lo" ip daddr 127.0.0.0/8 drop
		iifname != "lo" ip saddr 127.0.0.0/8 drop
	}
	chain arriving { fib daddr type local goto arrived; }
	# Empty, but where the host's own firewall is asked first (asking.ts).
	chain arrived {
		jump ask
		goto publish
	}
	chain leaving { fib daddr type local goto publish; }
	# One address before all addresses.
	chain publish {
		meta l4proto != { tcp, udp, sctp } return
		dnat ip to meta l4proto . ip daddr . th dport map @published_at4
		dnat ip to meta l4proto . th dport map @published4
		dnat ip6 to meta l4proto . ip6 daddr . th dport map @published_at6
		dnat ip6 to meta l4proto . th dport map @published6
	}
	# Nothing comes back to ::1 from elsewhere, so a client there is refused at once, and tries 127.0.0.1.
	chain own {
		ip6 saddr != ::1 accept
		${translated("ip6", "tcp", "reject with tcp reset")}
		${translated("ip6", "udp", "reject")}
		${translated("ip6", "sctp", "reject")}
	}
	chain forward {
		jump operator
		iifname . oifname @separated drop
		iifname . oifname @connected goto neighbours
		iifname @internal drop
		oifname @bridges goto inbound
	}
	chain neighbours {
		ct status dnat ct direction original goto translated
		accept
	}
	# From outside and from other networks: only what is published, answers, and what is said of flows (a path's MTU).
	chain inbound {
		oifname @internal drop
		ct state related accept
		ct status dnat ct direction original goto translated
		ct direction reply ct state established accept
		goto direct
	}
	# To containers' own addresses. Asked for every packet too.
	chain direct {
		meta nfproto ipv4 oifname @routed4 jump open
		meta nfproto ipv6 oifname @routed6 jump open
		oifname . iifname @trusted jump open
		iifname @bridges drop
		meta nfproto ipv4 oifname @unprotected4 accept
		meta nfproto ipv6 oifname @unprotected6 accept
		drop
	}
	chain open {
		meta l4proto { icmp, ipv6-icmp } accept
		meta l4proto { tcp, udp, sctp } meta l4proto . ip daddr . th dport @open4 accept
		meta l4proto { tcp, udp, sctp } meta l4proto . ip6 daddr . th dport @open6 accept
	}
	# Asked for every packet, so that unpublishing cuts what is established.
	chain translated {
		${translated("ip", "tcp")}
		${translated("ip", "udp")}
		${translated("ip", "sctp")}
		${translated("ip6", "tcp")}
		${translated("ip6", "udp")}
		${translated("ip6", "sctp")}
		drop
	}
	chain source {
		# Without an incoming interface: the host itself, and frames that turn round inside a bridge.
		oifname @bridges ct status dnat iif 0 masquerade
		oifname @bridges ct status dnat iifname . oifname @connected masquerade
		# The answer would go to the client directly, past the translation.
		oifname @bridges ct status dnat iifname . ip daddr @shortcuts4 masquerade
		oifname @bridges ct status dnat iifname . ip6 daddr @shortcuts6 masquerade
		# Frames inside a segment beyond the host, where the kernel shows them here: nothing leaves.
		iifname . oifname @connected accept
		oifname != @bridges snat ip to iifname map @sources4
		oifname != @bridges snat ip6 to iifname map @sources6
		oifname != @bridges meta nfproto ipv4 iifname @masqueraded4 masquerade
		oifname != @bridges meta nfproto ipv6 iifname @masqueraded6 masquerade
	}
}
`;

/** How many rules each of our chains has: fewer or more means that somebody else was there. */
export const RULE_COUNTS: Readonly<Record<string, number>> = {
	loopback: 2,
	arriving: 1,
	arrived: 2,
	leaving: 1,
	publish: 5,
	own: 4,
	forward: 5,
	neighbours: 2,
	inbound: 5,
	translated: 7,
	direct: 7,
	open: 3,
	source: 9,
};
