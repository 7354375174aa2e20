/** ipamd's own settings. */
import { Cidr } from "#lib/address/cidr.ts";
import { bitsOf } from "#lib/address/ip.ts";
import { duration, list, type Parser } from "#lib/config/parsers.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { PoolSpec } from "./choice.ts";
import { defaultPools } from "./default-pools.ts";

/** `10.20.0.0/16:24` is cut into /24s; without a length behind it, a range is one subnet. */
const pool: Parser<PoolSpec> = {
	allowed: "a range and the prefix length to cut it into, as 10.20.0.0/16:24 or fd00:20::/48:64",
	parse: (value) => {
		const [, range, length] = /^(.+\/\d+)(?::(\d{1,3}))?$/.exec(typeof value === "string" ? value : "") ?? [];
		if (range === undefined) return undefined;
		const base = cidr(range);
		const prefix = length === undefined ? base?.prefix : Number(length);
		if (base === undefined || prefix === undefined) return undefined;
		return prefix >= base.prefix && prefix < bitsOf(base.family) ? { base, prefix } : undefined;
	},
};

function cidr(text: string): Cidr | undefined {
	try {
		return Cidr.parse(text);
	} catch (error) {
		if (error instanceof Fault) return undefined;
		throw error;
	}
}

export const SCHEMA = {
	addressPools: {
		key: "ipamd.addressPools",
		parse: list(pool),
		default: undefined,
		doc: "Where automatic subnets come from, in this order. A family that is not named keeps its default pools.",
	},
	addressRest: {
		key: "ipamd.addressRest",
		parse: duration({ maxMs: 86_400_000 }),
		// Linux keeps a neighbour entry about a minute after it was last used (gc_stale_time).
		default: 60_000,
		doc: "How long a released address rests while another one is free.",
	},
} as const;

/** The configured pools, and the default ones of each family that none is configured for. */
export function poolsOf(configured: readonly PoolSpec[] | undefined, host: string): readonly PoolSpec[] {
	const own = configured ?? [];
	const families = new Set(own.map(({ base }) => base.family));
	return [...own, ...defaultPools(host).filter(({ base }) => !families.has(base.family))];
}
