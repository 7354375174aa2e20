/**
 * A netlink socket: request and answer, dumps, and transactions of several messages.
 *
 * The kernel works a request off inside `send`, so a synchronous exchange takes microseconds; what waits longer inside the
 * kernel (removing a link) has `requestAside`. A socket belongs to the network namespace in which it was opened, for ever.
 */
import { closeSync } from "node:fs";
import { checked, checkedAside, isErrno } from "../libc.ts";
import { openDescriptor, portIdOf, setBuffer, setInteger, setOption } from "./descriptor.ts";
import { decodeMessages, encodeMessage, NLM_F_ACK, NLM_F_DUMP, type Reply, type Request } from "./message.ts";
import { NetlinkError } from "./netlink-error.ts";

export { NETLINK_NETFILTER, NETLINK_ROUTE } from "./descriptor.ts";

const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;
const EMSGSIZE = 90;

/** The kernel fills a dump's datagrams up to 32 KiB when the reader's buffer has them. */
const DUMP_BYTES = 32 * 1024;
/** A single answer has no such limit: a link with all its names and virtual functions takes some lists of up to 64 KiB each. */
const RECEIVE_BYTES = 1024 * 1024;
/** Refusals of a large transaction arrive all at once and must fit into the socket. */
const RECEIVE_QUEUE_BYTES = 4 * 1024 * 1024;
/** So many fit into a socket as it is born, which has room for some 150. */
const FEW_REQUESTS = 16;
/** Answers are there when `send` returns. One that does not come is a bug somewhere, and must not stop the loop for ever. */
const ANSWER_TIMEOUT_S = 10n;
const DUMP_ATTEMPTS = 20;
/** For people, in errors. */
const TRANSACTION = "netlink transaction";

const SEND = "long send(int fd, const void *data, size_t length, int flags)";
const send = checked<[fd: number, data: Uint8Array, length: number, flags: number]>(SEND);
const sendAside = checkedAside<[fd: number, data: Uint8Array, length: number, flags: number]>(SEND);
const RECV = "long recv(int fd, void *data, size_t length, int flags)";
const recv = checked<[fd: number, data: Uint8Array, length: number, flags: number]>(RECV);
const recvAside = checkedAside<[fd: number, data: Uint8Array, length: number, flags: number]>(RECV);

/** What is read synchronously is copied out before anything else can be, so one buffer serves all sockets. Untouched, it takes no memory. */
const received = Buffer.allocUnsafeSlow(RECEIVE_BYTES);

/** A message of a transaction that the kernel refused. `index` counts the messages given. */
export interface Refusal {
	readonly index: number;
	readonly error: NetlinkError;
}

export class NetlinkSocket implements Disposable {
	readonly #fd: number;
	#sequence = 0;
	#holdsManyAnswers = false;

	private constructor(fd: number) {
		this.#fd = fd;
	}

	/** Opens a socket in the namespace at `netns`, or in the thread's own. */
	static open(protocol: number, netns?: string): NetlinkSocket {
		const fd = openDescriptor(protocol, netns);
		try {
			setInteger(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
			setInteger(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
			setInteger(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
			const timeout = Buffer.alloc(16);
			timeout.writeBigInt64LE(ANSWER_TIMEOUT_S, 0);
			setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
			return new NetlinkSocket(fd);
		} catch (error) {
			closeSync(fd);
			throw error;
		}
	}

	/** What the kernel calls this socket: news of its changes carry it. */
	get portId(): number {
		return portIdOf(this.#fd);
	}

	/** One request; its replies, without the acknowledgement. Throws what the kernel refused. */
	request(request: Request): Reply[] {
		const sequence = this.#next();
		this.#send(encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, sequence));
		return this.#answer(request.label, sequence).replies;
	}

	/**
	 * As `request`, with the kernel's work on another thread: for what waits long inside `send`.
	 * The socket must not be used for anything else before the promise settles.
	 */
	async requestAside(request: Request): Promise<Reply[]> {
		const sequence = this.#next();
		const message = encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, sequence);
		await sendAside(this.#fd, message, message.length, 0);
		return this.#answer(request.label, sequence).replies;
	}

	/** All entries of a table. Asks again when a change got in between, so the list is of one moment. */
	dump(request: Request): Reply[] {
		for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt += 1) {
			const sequence = this.#next();
			this.#send(encodeMessage({ ...request, flags: request.flags | NLM_F_DUMP }, sequence));
			const { replies, interrupted } = this.#answer(request.label, sequence);
			if (!interrupted) return replies;
		}
		throw new NetlinkError(request.label, { errno: EINTR, text: "the table changed during every attempt to read it" });
	}

	/** As `dump`; empty where the kernel has no such table: one without IPv6, or without policy routing. */
	dumpIfSupported(request: Request): Reply[] {
		try {
			return this.dump(request);
		} catch (error) {
			if (isErrno(error, "EOPNOTSUPP", "EAFNOSUPPORT")) return [];
			throw error;
		}
	}

	/**
	 * As `dump`, with the kernel's work on another thread, a datagram at a time, and without asking again when the table
	 * changes meanwhile. The socket must not be used for anything else before the end.
	 */
	async *dumpAside(request: Request): AsyncGenerator<readonly Reply[]> {
		const sequence = this.#next();
		const message = encodeMessage({ ...request, flags: request.flags | NLM_F_DUMP }, sequence);
		await sendAside(this.#fd, message, message.length, 0);
		const buffer = Buffer.allocUnsafeSlow(DUMP_BYTES);
		for (;;) {
			const length = await recvAside(this.#fd, buffer, buffer.length, MSG_TRUNC);
			// A copy: the caller may keep what it was given, and the next datagram comes into the same buffer.
			const messages = [...decodeMessages(copyOf(buffer, length, request.label))];
			const replies = messages.filter((reply) => reply.sequence === sequence);
			const end = replies.find((reply) => reply.verdict !== undefined)?.verdict;
			if (end !== undefined && end.errno !== 0) throw new NetlinkError(request.label, end);
			yield replies.filter((reply) => reply.verdict === undefined);
			if (end !== undefined) return;
		}
	}

	/**
	 * Sends all messages in one datagram and returns what was refused. A subsystem with transactions (nf_tables) then
	 * has changed nothing. Messages that shall be acknowledged carry NLM_F_ACK; at least one must.
	 */
	transact(requests: readonly Request[]): Refusal[] {
		if (requests.length > FEW_REQUESTS) this.#holdManyAnswers();
		const first = this.#sequence + 1;
		this.#send(Buffer.concat(requests.map((request) => encodeMessage(request, this.#next()))));
		// Answers come in the order of the requests, so this one's is the last. It does not come, and the first bracket's comes
		// alone, when the kernel did not even begin.
		const last = requests.findLastIndex(({ flags }) => (flags & NLM_F_ACK) !== 0);
		const refusals: Refusal[] = [];
		let answered: number | undefined;
		while (answered !== last) {
			const datagram = this.#receiveNow();
			if (datagram === undefined) break;
			for (const { sequence, verdict } of decodeMessages(datagram)) {
				const index = sequence - first;
				const request = requests[index];
				if (verdict === undefined || request === undefined) continue;
				answered = index;
				if (verdict.errno !== 0) refusals.push({ index, error: new NetlinkError(request.label, verdict) });
			}
		}
		if (answered === undefined)
			throw new NetlinkError(TRANSACTION, { errno: EAGAIN, text: "the kernel gave no answer" });
		return refusals;
	}

	[Symbol.dispose](): void {
		closeSync(this.#fd);
	}

	/** Reads until the verdict on `sequence`; answers to earlier requests that were given up are passed over. */
	#answer(label: string, sequence: number): { replies: Reply[]; interrupted: boolean } {
		const replies: Reply[] = [];
		let interrupted = false;
		for (;;) {
			for (const reply of decodeMessages(this.#receive(label, 0))) {
				if (reply.sequence !== sequence) continue;
				interrupted ||= reply.interrupted;
				if (reply.verdict === undefined) replies.push(reply);
				else if (reply.verdict.errno !== 0) throw new NetlinkError(label, reply.verdict);
				else return { replies, interrupted };
			}
		}
	}

	#receive(label: string, flags: number): Buffer {
		const length = recv(this.#fd, received, received.length, flags | MSG_TRUNC);
		return copyOf(received, length, label);
	}

	/** The next datagram if one is queued. */
	#receiveNow(): Buffer | undefined {
		try {
			return this.#receive(TRANSACTION, MSG_DONTWAIT);
		} catch (error) {
			if (isErrno(error, "EAGAIN")) return undefined;
			throw error;
		}
	}

	#send(message: Buffer): void {
		try {
			send(this.#fd, message, message.length, 0);
		} catch (error) {
			// A datagram must fit into the send buffer, which begins at some 200 KiB.
			if (!isErrno(error, "EMSGSIZE")) throw error;
			setBuffer(this.#fd, "send", 2 * message.length);
			send(this.#fd, message, message.length, 0);
		}
	}

	#holdManyAnswers(): void {
		if (this.#holdsManyAnswers) return;
		setBuffer(this.#fd, "receive", RECEIVE_QUEUE_BYTES);
		this.#holdsManyAnswers = true;
	}

	#next(): number {
		this.#sequence = (this.#sequence + 1) >>> 0;
		return this.#sequence;
	}
}

/** The datagram of `length` bytes that was read into `buffer`; EMSGSIZE when the buffer was too small for it. */
function copyOf(buffer: Buffer, length: number, label: string): Buffer {
	if (length > buffer.length) throw new NetlinkError(label, { errno: EMSGSIZE, text: `an answer of ${length} bytes` });
	return Buffer.from(buffer.subarray(0, length));
}
