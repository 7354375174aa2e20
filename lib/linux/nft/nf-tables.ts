/**
 * nf_tables by raw nfnetlink, of one network namespace: what must cost the same however much is there already.
 *
 * The host's skeleton of tables, chains and rules is `nft.ts`'s; here are elements, the questions that reconciling asks often,
 * and the small tables of namespaces that come and go.
 */
import { isErrno } from "../libc.ts";
import * as attribute from "../netlink/attribute.ts";
import type { Reply, Request } from "../netlink/message.ts";
import { NETLINK_NETFILTER, NetlinkSocket, type Refusal } from "../netlink/socket.ts";
import { bracketed, messageType, refusedChanges } from "./batch.ts";
import {
	type Datum,
	decodeElements,
	type Element,
	encodeElements,
	header,
	type SetRef,
	type TableRef,
} from "./element.ts";
import type { ElementBatch } from "./element-batch.ts";
import {
	additionOf,
	type BaseChain,
	type ChainRef,
	decodeChain,
	decodeRules,
	encodeChainRef,
	encodeRules,
	encodeTableRef,
	removalOf,
	replacementOf,
	type Table,
} from "./table.ts";

const GETTABLE = messageType(1);
const GETCHAIN = messageType(4);
const GETRULE = messageType(7);
const GETSETELEM = messageType(13);
const GETGEN = messageType(16);
const GEN_ID = 1;
const MANY_CHANGES = 32;
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

	/** Whose changes news of nf_tables say they are. */
	get portId(): number {
		return this.#socket.portId;
	}

	/** Does all of `batch` in one transaction, or throws an `ElementBatchError` and has done none of it. */
	commit(batch: ElementBatch): void {
		if (batch.size === 0) return;
		// Many are sent together; only where something is refused are they sent one by one, to learn what.
		if (batch.size >= MANY_CHANGES && this.#transact(batch.bulk()).length === 0) return;
		const error = batch.errorOf(this.#transact(batch.requests()));
		if (error !== undefined) throw error;
	}

	/** Makes a table with all that is in it, or throws and has made nothing: EEXIST where there is one of its name. */
	addTable(table: Table): void {
		this.#change(additionOf(table));
	}

	/**
	 * As `addTable`, in place of what is there under its name, if anything is; no packet sees a moment without.
	 * After a removal the kernel lets a netfilter socket be closed only when the removed is freed, some 12 ms later.
	 */
	replaceTable(table: Table): void {
		this.#change(replacementOf(table));
	}

	/** Removes a table with all that is in it. Throws ENOENT without it. Closing waits as after `replaceTable`. */
	removeTable(ref: TableRef): void {
		this.#change([removalOf(ref)]);
	}

	/** A base chain with its rules; undefined when it is absent, or its table, or it is no base chain. */
	findChain(ref: ChainRef): BaseChain | undefined {
		const label = `find chain ${ref.family} ${ref.table} ${ref.chain}`;
		const [reply] = this.#find({ label, type: GETCHAIN, flags: 0, body: encodeChainRef(ref) }) ?? [];
		const chain = reply && decodeChain(reply.body);
		if (chain === undefined) return undefined;
		const rules = this.#socket.dump({
			label: `list rules of ${ref.family} ${ref.table} ${ref.chain}`,
			type: GETRULE,
			flags: 0,
			body: encodeRules(ref),
		});
		return { ...chain, rules: rules.map(({ body }) => decodeRules(body)) };
	}

	/** What a map has under `key`; true for an element of a set; undefined when it is absent, or its set or table. */
	find(ref: SetRef, key: Uint8Array): Datum | true | undefined {
		const label = `find element of ${ref.set}`;
		const replies = this.#find({ label, type: GETSETELEM, flags: 0, body: encodeElements(ref, [{ key }]) });
		const [element] = replies?.flatMap((reply) => decodeElements(reply.body)) ?? [];
		return element === undefined ? undefined : (element.data ?? true);
	}

	/** Every element of a set or map, in no order. Throws ENOENT without the set. */
	list(ref: SetRef): Element[] {
		const body = encodeElements(ref, []);
		const replies = this.#socket.dump({ label: `list elements of ${ref.set}`, type: GETSETELEM, flags: 0, body });
		return replies.flatMap((reply) => decodeElements(reply.body));
	}

	hasTable(ref: TableRef): boolean {
		const label = `find table ${ref.family} ${ref.table}`;
		return this.#find({ label, type: GETTABLE, flags: 0, body: encodeTableRef(ref) }) !== undefined;
	}

	/** Of any kind. */
	hasChain(ref: ChainRef): boolean {
		const label = `find chain ${ref.family} ${ref.table} ${ref.chain}`;
		return this.#find({ label, type: GETCHAIN, flags: 0, body: encodeChainRef(ref) }) !== undefined;
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

	/** The answer to a question about one object; undefined when it is absent, or what it would be in. */
	#find(request: Request): Reply[] | undefined {
		try {
			return this.#socket.request(request);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return undefined;
			throw error;
		}
	}

	#change(changes: readonly Request[]): void {
		const [refusal] = this.#transact(changes);
		if (refusal !== undefined) throw refusal.error;
	}

	/** What was refused of `changes`. A signal while the kernel checks them ends a transaction, of which nothing has happened: it is sent again. */
	#transact(changes: readonly Request[]): Refusal[] {
		for (;;) {
			const refusals = refusedChanges(this.#socket.transact(bracketed(changes)));
			if (!refusals.some(({ error }) => error.code === "EINTR")) return refusals;
		}
	}
}
