/**
 * The pools of a host that was told of none: Docker's first, in Docker's order, so that small hosts look as people expect
 * (172.17.0.0/16, 172.18.0.0/16 …, 192.168.0.0/20 …), then 10.0.0.0/8 for 8,192 more, the half that fewer sites use first.
 *
 * A /21 has more addresses than a bridge has ports (1,024, BR_MAX_PORTS). The halves are two pools, so that somebody's route to all
 * of 10/8 is shorter than both: they come last then, and are not lost.
 */
import { createHash } from "node:crypto";
import { Cidr } from "#lib/address/cidr.ts";
import { Ip } from "#lib/address/ip.ts";
import type { PoolSpec } from "./choice.ts";

const IPV4: readonly (readonly [string, number])[] = [
	["172.17.0.0/16", 16],
	["172.18.0.0/16", 16],
	["172.19.0.0/16", 16],
	["172.20.0.0/14", 16],
	["172.24.0.0/14", 16],
	["172.28.0.0/14", 16],
	["192.168.0.0/16", 20],
	["10.128.0.0/9", 21],
	["10.0.0.0/9", 21],
];

/** `host` is what tells this host from others, as its machine id. */
export function defaultPools(host: string): PoolSpec[] {
	const ipv4 = IPV4.map(([base, prefix]) => ({ base: Cidr.parse(base), prefix }));
	return [...ipv4, { base: uniqueLocal(host), prefix: 64 }];
}

/** RFC 4193: fd, then 40 bits that are unlikely to be anybody else's; the same host gets the same ones again. */
export function uniqueLocal(host: string): Cidr {
	const id = createHash("sha256").update(`wharf ipv6 ${host}`).digest().subarray(0, 5);
	const bytes = new Uint8Array(16);
	bytes.set([0xfd, ...id]);
	return Cidr.of(Ip.fromBytes(bytes), 48);
}
