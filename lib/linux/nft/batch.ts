/** A transaction of nf_tables: changes between two brackets, of which all happen or none. */
import { NLM_F_ACK, type Request } from "../netlink/message.ts";
import type { Refusal } from "../netlink/socket.ts";
import { header } from "./element.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

/** The type of an nf_tables message (NFT_MSG_*) in nfnetlink. */
export function messageType(message: number): number {
	return (NFNL_SUBSYS_NFTABLES << 8) | message;
}

/** The messages of a transaction of `changes`, of which there is at least one. */
export function bracketed(changes: readonly Request[]): Request[] {
	const bracket = { flags: 0, body: header(0, NFNL_SUBSYS_NFTABLES) };
	return [
		{ label: "begin transaction", type: NFNL_MSG_BATCH_BEGIN, ...bracket },
		// Refusals always come back. One acknowledgement, the last, shows that the kernel has worked through to the end;
		// one for each would overflow the socket in a large batch.
		...changes.map((change, index) =>
			index === changes.length - 1 ? { ...change, flags: change.flags | NLM_F_ACK } : change,
		),
		{ label: "commit transaction", type: NFNL_MSG_BATCH_END, ...bracket },
	];
}

/** What was refused of `bracketed(changes)`, by the index of the change. What fails at the commit itself is said of the first bracket, -1. */
export function refusedChanges(refusals: readonly Refusal[]): Refusal[] {
	return refusals.map(({ index, error }) => ({ index: index - 1, error }));
}
