/** What netd needs of the kernel, each tried without anything being made. */
import { isErrno } from "#lib/linux/libc.ts";
import { countFlows } from "#lib/linux/conntrack-count.ts";
import { hasLinkKind } from "#lib/linux/netlink/kind-probe.ts";
import { Nft, NftError } from "#lib/linux/nft/nft.ts";
import type { MissingFeature } from "../host-facts.ts";

const KINDS = { bridge: "bridges", veth: "virtual Ethernet pairs" } as const;

/** A rule of each kind that `skeleton.ts` is made of, with the module that has it. */
const RULES = [
	["packet rules for IPv4 and IPv6 at once", "nf_tables", "add chain inet wharf-probe c"],
	["translation", "nft_nat", "add rule inet wharf-probe nat dnat ip to 192.0.2.1"],
	["masquerading", "nft_masq", "add rule inet wharf-probe nat masquerade"],
	["connection tracking", "nft_ct", "add rule inet wharf-probe nat ct state established accept"],
	["rules by the kind of an address", "nft_fib_inet", "add rule inet wharf-probe nat fib daddr type local accept"],
	["refusals", "nft_reject_inet", "add rule inet wharf-probe own reject"],
] as const;
type RuleProbe = readonly [feature: string, module: string, rule: string];
const TABLE = `add table inet wharf-probe
add chain inet wharf-probe nat { type nat hook postrouting priority srcnat; }
add chain inet wharf-probe own { type filter hook output priority filter; }`;

/** `kinds` and `rules`: those that are tried; netd's own unless they are said. */
export function missingFeatures(
	host: string | undefined,
	kinds: Readonly<Record<string, string>> = KINDS,
	rules: readonly RuleProbe[] = RULES,
): MissingFeature[] {
	using nft = Nft.open(host);
	return [
		...Object.entries(kinds)
			.filter(([kind]) => !hasLinkKind(kind, host))
			.map(([kind, feature]) => ({ feature, module: kind, words: "Unknown device type" })),
		...rulesMissing(nft, rules),
		...flowsMissing(host),
	];
}

/** All at once first: the library reads the ruleset for every question, and nearly always that is the end of it. */
function rulesMissing(nft: Nft, rules: readonly RuleProbe[]): MissingFeature[] {
	if (
		refusalOf(
			nft,
			rules.map(([, , rule]) => rule),
		) === undefined
	)
		return [];
	return rules.flatMap(([feature, module, rule]) => {
		const words = refusalOf(nft, [rule]);
		return words === undefined ? [] : [{ feature, module, words }];
	});
}

function refusalOf(nft: Nft, rules: readonly string[]): string | undefined {
	try {
		nft.check([TABLE, ...rules].join("\n"));
		return undefined;
	} catch (error) {
		if (!(error instanceof NftError)) throw error;
		return error.message.replace(/^.*?Error: /s, "").replace(/\n.*/s, "");
	}
}

/** Unpublishing cuts what is established by removing its flow. */
function flowsMissing(host: string | undefined): MissingFeature[] {
	try {
		countFlows(host);
		return [];
	} catch (error) {
		if (!isErrno(error, "EINVAL", "EOPNOTSUPP", "EPROTONOSUPPORT")) throw error;
		const words = error instanceof Error ? error.message : "";
		return [{ feature: "removal of tracked connections", module: "nf_conntrack_netlink", words }];
	}
}
