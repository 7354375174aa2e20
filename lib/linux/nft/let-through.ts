/**
 * The one rule by which another program's packet rules let wharf's packets through: how it is written, and known again.
 *
 * It accepts what carries the mark below, which netd sets on what its networks forward, and takes off again behind: between the
 * two only rules of the same hook see it. The rule is made of what iptables-nft prints, as `-m mark --mark 0x4000000/0x4000000
 * -m comment --comment wharf -j ACCEPT`; restored from what iptables-save wrote it has its comment as a match.
 */
import { listChains } from "./chains.ts";
import { type ListedRule, rulesIn, type Statement } from "./listed-rule.ts";
import { Nft } from "./nft.ts";

/** One bit, that no program documents as its own: kube-proxy, Docker, netavark, Tailscale and Cilium have others. */
export const LET_THROUGH_MARK = 0x0400_0000;
const COMMENT = "wharf";

/** In nft's language. */
export const LET_THROUGH_RULE = `meta mark & ${hex(LET_THROUGH_MARK)} == ${hex(LET_THROUGH_MARK)} counter accept comment "${COMMENT}"`;

export function hex(mark: number): string {
	return `0x${mark.toString(16).padStart(8, "0")}`;
}

/** A statement that matches the mark. */
export function matchesLetThrough(statement: Statement): boolean {
	const match = statement["match"] as
		| { readonly op: string; readonly left: unknown; readonly right: unknown }
		| undefined;
	if (match?.op !== "==" || match.right !== LET_THROUGH_MARK) return false;
	const [of, mask] = ((match.left as Readonly<Record<string, unknown>>)["&"] as unknown[] | undefined) ?? [];
	return mask === LET_THROUGH_MARK && (of as { readonly meta?: { readonly key: string } }).meta?.key === "mark";
}

export function isLetThrough({ comment, expr }: ListedRule): boolean {
	const [first, ...others] = expr;
	const isCommented =
		comment === COMMENT || others.some((each) => (each["xt"] as { readonly name?: string } | null)?.name === "comment");
	return first !== undefined && matchesLetThrough(first) && isCommented && others.some((each) => "accept" in each);
}

/** Takes the rule out of every table of the namespace; reads them all. Gives where it was, as `ip filter DOCKER-USER`. */
export function removeLetThrough(netns?: string): string[] {
	using nft = Nft.open(netns);
	const rules = listChains(netns)
		.flatMap((chain) => rulesIn(nft, chain))
		.filter(isLetThrough);
	if (rules.length > 0) nft.run(rules.map(deletionOf).join("\n"));
	return rules.map(({ family, table, chain }) => `${family} ${table} ${chain}`);
}

/** A command of nft's. */
export function deletionOf({ family, table, chain, handle }: ListedRule): string {
	return `delete rule ${family} ${table} ${chain} handle ${handle}`;
}
