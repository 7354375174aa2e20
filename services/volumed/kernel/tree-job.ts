/** What a thread of the archiver's does for one job: it is told, and it answers. */
import type { Reply, TreeOrder, TreeReply } from "../tree/messages.ts";

export interface TreeJob extends AsyncDisposable {
	send(order: TreeOrder, transfer?: ArrayBuffer[]): void;
	/** Faults: as the job's. */
	next(): Promise<TreeReply>;
}

export function expected<K extends TreeReply["kind"]>(kind: K, reply: TreeReply): Reply<K> {
	if (reply.kind === kind) return reply as Reply<K>; // what the kind says
	throw new Error(`the archiver's thread says ${reply.kind} where it is to say ${kind}`);
}
