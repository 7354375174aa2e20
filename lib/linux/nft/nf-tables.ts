/**
 * nf_tables by raw nfnetlink, of one network namespace: what must cost the same however much is there already.
 *
 * The skeleton of tables, chains and rules is `nft.ts`'s; here are elements, and the questions that reconciling asks often.
 */
import { isErrno } from "../libc.ts";
import * as attribute from "../netlink/attribute.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../netlink/socket.ts";
import {
	type Datum,
	decodeElements,
	type Element,
	encodeElements,
	familyNumber,
	header,
	type SetRef,
	type TableRef,
} from "./element.ts";
import { type ElementBatch, NFNL_SUBSYS_NFTABLES } from "./element-batch.ts";

const GETTABLE = (NFNL_SUBSYS_NFTABLES << 8) | 1;
const GETSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 13;
const GETGEN = (NFNL_SUBSYS_NFTABLES << 8) | 16;
const TABLE_NAME = 1;
const GEN_ID = 1;
const NFGENMSG_BYTES = 4;

export class NfTables implements Disposable {
	readonly #socket: NetlinkSocket;

	private constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/** Of the namespace at `netns`, or of the thread's own. */
	static open(netns?: string): NfTables {
		return new NfTables(NetlinkSocket.open(NETLINK_NETFILTER, netns));
	}

	/** Does all of `batch` in one transaction, or throws an `ElementBatchError` and has done none of it. */
	commit(batch: ElementBatch): void {
		if (batch.size === 0) return;
		const error = batch.errorOf(this.#socket.transact(batch.requests()));
		if (error !== undefined) throw error;
	}

	/** What a map has under `key`; true for an element of a set; undefined when it is absent, or its set or table. */
	find(ref: SetRef, key: Uint8Array): Datum | true | undefined {
		try {
			const label = `find element of ${ref.set}`;
			const replies = this.#socket.request({ label, type: GETSETELEM, flags: 0, body: encodeElements(ref, [{ key }]) });
			const [element] = replies.flatMap((reply) => decodeElements(reply.body));
			return element === undefined ? undefined : (element.data ?? true);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return undefined;
			throw error;
		}
	}

	/** Every element of a set or map, in no order. Throws ENOENT without the set. */
	list(ref: SetRef): Element[] {
		const body = encodeElements(ref, []);
		const replies = this.#socket.dump({ label: `list elements of ${ref.set}`, type: GETSETELEM, flags: 0, body });
		return replies.flatMap((reply) => decodeElements(reply.body));
	}

	hasTable({ family, table }: TableRef): boolean {
		const body = Buffer.concat([header(familyNumber(family)), attribute.string(TABLE_NAME, table)]);
		try {
			this.#socket.request({ label: `find table ${family} ${table}`, type: GETTABLE, flags: 0, body });
			return true;
		} catch (error) {
			if (isErrno(error, "ENOENT")) return false;
			throw error;
		}
	}

	/** Counts the transactions of the namespace, whoever made them: unchanged means that no table has changed. */
	generation(): number {
		const replies = this.#socket.request({ label: "get generation", type: GETGEN, flags: 0, body: header(0) });
		const [reply] = replies;
		const value = reply && attribute.AttributeSet.decode(reply.body.subarray(NFGENMSG_BYTES)).be32(GEN_ID);
		if (value === undefined) throw new TypeError("get generation: acknowledged without an answer");
		return value;
	}

	[Symbol.dispose](): void {
		this.#socket[Symbol.dispose]();
	}
}
