/**
 * The rules of one chain, as libnftables has them in JSON.
 *
 * Others' rules are read by the chain, never by the table: up to 1.0.6 the library shows a table that has one flag (one that its
 * program keeps to itself, a dormant one) with memory that it has freed, so that the answer ends in the middle, or the process.
 */
import { type Nft, NftError } from "./nft.ts";
import type { ChainRef } from "./table.ts";

/** As libnftables-json(5) has it. */
export interface ListedRule extends ChainRef {
	readonly handle: number;
	readonly comment?: string;
	readonly expr: readonly Statement[];
}

/** An object with one key, the kind. */
export type Statement = Readonly<Record<string, unknown>>;

/** strerror(ENOENT), as the library shows it. */
const ABSENT = "No such file or directory";

/** None where the chain is gone. What sets hold is not read. */
export function rulesIn(nft: Nft, { family, table, chain }: ChainRef): ListedRule[] {
	// As JSON, since a name that iptables allows need not be a word of nft's language.
	const command = { nftables: [{ list: { chain: { family, table, name: chain } } }] };
	try {
		// An object with one key, the kind.
		const entries = nft.list(JSON.stringify(command), { elements: false }) as readonly { readonly rule?: ListedRule }[];
		return entries.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
	} catch (error) {
		if (error instanceof NftError && error.message.includes(ABSENT)) return [];
		throw error;
	}
}
