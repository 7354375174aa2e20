/**
 * Many UDP sockets served together: whatever has arrived at one is taken by one call, and its answers leave by one call.
 *
 * The kernel tells which sockets have something (epoll); the waiting is done on a thread of the pool, and everything else on the
 * caller's, in turns of a few milliseconds between which others get theirs. A socket gets a batch before any gets its second.
 */
import { closeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { checked, checkedAside, pointerTo, tried } from "./libc.ts";

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
/** `struct epoll_event` is packed on x86_64 alone. */
const [EVENT_BYTES, EVENT_DATA] = process.arch === "x64" ? [12, 4] : [16, 8];
const READY_AT_ONCE = 64;

const MSG_DONTWAIT = 0x40;
const BATCH = 64;
/** `struct sockaddr_in`: the sockets are of IPv4. */
const PEER_BYTES = 16;
/** `struct mmsghdr` around `struct msghdr`: `[name, its length, iovec, how many, control, its length, flags]`, then the message's length. */
const MESSAGE_BYTES = 64;
const MESSAGE = { name: 0, nameLength: 8, vector: 16, vectorCount: 24, length: 56 } as const;
/** `struct iovec`. */
const VECTOR_BYTES = 16;
const VECTOR = { base: 0, length: 8 } as const;

/** How long sockets are served before others on this thread get their turn. */
const TURN_MS = 2;
/** So many batches, none longer than this after the one before: the next will not be long in coming either. */
const BUSY = { batches: 16, apartMs: 0.25 } as const;
/** While it is so it is waited for in place: a wait aside costs two changes of thread, more than an answer. */
const PATIENCE_MS = 1;

const epollCreate = checked<[flags: number]>("int epoll_create1(int flags)");
const epollControl = checked<[epoll: number, operation: number, fd: number, event: Uint8Array | null]>(
	"int epoll_ctl(int epfd, int op, int fd, void *event)",
);
const epollWait = tried<[epoll: number, events: Uint8Array, most: number, timeoutMs: number]>(
	"int epoll_wait(int epfd, void *events, int maxevents, int timeout)",
);
const epollWaitAside = checkedAside<[epoll: number, events: Uint8Array, most: number, timeoutMs: number]>(
	"int epoll_wait(int epfd, void *events, int maxevents, int timeout)",
);
const eventfd = checked<[initial: number, flags: number]>("int eventfd(unsigned int initval, int flags)");
const eventfdWrite = checked<[fd: number, value: number]>("int eventfd_write(int fd, uint64_t value)");
const recvmmsg = tried<[fd: number, messages: Uint8Array, count: number, flags: number, timeout: null]>(
	"int recvmmsg(int fd, void *msgvec, unsigned int vlen, int flags, void *timeout)",
);
const sendmmsg = tried<[fd: number, messages: Uint8Array, count: number, flags: number]>(
	"int sendmmsg(int fd, void *msgvec, unsigned int vlen, int flags)",
);

/** Whom a packet came from, as the kernel has it. */
export type Peer = Uint8Array;

/**
 * Hears of a packet, the first `length` bytes of `packet`, and writes what is said to it into `answer`; gives how many bytes that
 * is, 0 for nothing. All is the caller's again when this returns: what is needed later is copied. Must not throw.
 */
export type Receive = (packet: Buffer, length: number, answer: Buffer, peer: Peer) => number;

/** A socket among those that are served. */
export interface DatagramSocket {
	/** What does not leave at once is lost, as on any network. */
	send(packet: Uint8Array, peer: Peer): void;
	/** No descriptor is left. */
	close(): void;
}

export class Datagrams implements AsyncDisposable {
	readonly #epoll = epollCreate(EPOLL_CLOEXEC);
	readonly #bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	readonly #events = Buffer.alloc(READY_AT_ONCE * EVENT_BYTES);
	readonly #inbox: Batch;
	readonly #outbox: Batch;
	/** By a number of their own: that of a descriptor belongs to another as soon as it is closed. */
	readonly #sockets = new Map<number, { readonly fd: number; readonly receive: Receive }>();
	readonly #served: Promise<void>;
	#lastKey = 0;
	#lastBatchAtMs = 0;
	/** Batches one close after the other. */
	#streak = 0;
	/** There was a streak, and since then never nothing for as long as is waited in place. */
	#isBusy = false;
	#isEnding = false;

	readonly #ring = (): void => void eventfdWrite(this.#bell, 1);

	/** `packetBytes`: of the longest packet in either direction; of a longer one the rest is cut off. */
	constructor(packetBytes: number) {
		this.#inbox = new Batch(packetBytes);
		this.#outbox = new Batch(packetBytes);
		this.#watch(this.#bell, 0);
		// A process that ends waits for the threads of its pool.
		process.once("exit", this.#ring);
		this.#served = this.#serve();
	}

	/** Takes over `fd`, a bound UDP socket of IPv4; where this throws it is still the caller's. */
	add(fd: number, receive: Receive): DatagramSocket {
		const key = ++this.#lastKey;
		this.#watch(fd, key);
		this.#sockets.set(key, { fd, receive });
		return {
			send: (packet, peer) => {
				if (this.#sockets.has(key)) this.#sendOne(fd, packet, peer);
			},
			close: () => {
				if (!this.#sockets.delete(key)) return;
				epollControl(this.#epoll, EPOLL_CTL_DEL, fd, null);
				closeSync(fd);
			},
		};
	}

	/** Sockets that are still there are closed. */
	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#isEnding) return await this.#served;
		this.#isEnding = true;
		process.removeListener("exit", this.#ring);
		this.#ring();
		await this.#served;
		for (const { fd } of this.#sockets.values()) closeSync(fd);
		this.#sockets.clear();
		closeSync(this.#bell);
		closeSync(this.#epoll);
	}

	#watch(fd: number, key: number): void {
		const event = Buffer.alloc(EVENT_BYTES);
		event.writeUInt32LE(EPOLLIN, 0);
		event.writeUInt32LE(key, EVENT_DATA);
		epollControl(this.#epoll, EPOLL_CTL_ADD, fd, event);
	}

	async #serve(): Promise<void> {
		while (!this.#isEnding) {
			// A signal may end it early: then the turn finds nothing.
			await epollWaitAside(this.#epoll, this.#events, READY_AT_ONCE, -1).catch(() => undefined);
			while (!this.#isEnding && this.#turn()) await nextTurn();
		}
	}

	/** True when its time was over before the work. */
	#turn(): boolean {
		const end = performance.now() + TURN_MS;
		for (;;) {
			const ready = epollWait(this.#epoll, this.#events, READY_AT_ONCE, this.#isBusy ? PATIENCE_MS : 0);
			if (ready <= 0) {
				this.#isBusy = false;
				return false;
			}
			this.#work(ready);
			const now = performance.now();
			this.#streak = now - this.#lastBatchAtMs <= BUSY.apartMs ? this.#streak + 1 : 0;
			this.#isBusy ||= this.#streak >= BUSY.batches;
			this.#lastBatchAtMs = now;
			if (now >= end) return true;
		}
	}

	#work(ready: number): void {
		for (let i = 0; i < ready; i++) {
			const socket = this.#sockets.get(this.#events.readUInt32LE(i * EVENT_BYTES + EVENT_DATA));
			if (socket !== undefined) this.#answer(socket.fd, socket.receive);
		}
	}

	#answer(fd: number, receive: Receive): void {
		const [inbox, outbox] = [this.#inbox, this.#outbox];
		const received = recvmmsg(fd, inbox.messages, BATCH, MSG_DONTWAIT, null);
		let said = 0;
		for (let i = 0; i < received; i++) {
			const slot = outbox.slots[said] as Slot; // of as many as there are messages
			const { packet, peer } = inbox.slots[i] as Slot;
			const length = receive(packet, inbox.lengthOf(i), slot.packet, peer);
			if (length > 0) outbox.address(said++, length, peer);
		}
		if (said > 0) this.#send(fd, said);
		inbox.reset(received);
	}

	#sendOne(fd: number, packet: Uint8Array, peer: Peer): void {
		const [slot] = this.#outbox.slots;
		slot?.packet.set(packet);
		this.#outbox.address(0, packet.length, peer);
		this.#send(fd, 1);
	}

	/** One that is refused is passed over, as the kernel tells by where it stops. */
	#send(fd: number, count: number): void {
		let done = 0;
		while (done < count) {
			const sent = sendmmsg(fd, this.#outbox.from(done), count - done, MSG_DONTWAIT);
			done += sent > 0 ? sent : 1;
		}
	}
}

interface Slot {
	readonly packet: Buffer;
	readonly peer: Buffer;
}

/** Room for as many packets as one call takes, and the structures that lead the kernel there. */
class Batch {
	readonly messages = Buffer.alloc(BATCH * MESSAGE_BYTES);
	readonly slots: readonly Slot[];
	readonly #vectors = Buffer.alloc(BATCH * VECTOR_BYTES);

	constructor(packetBytes: number) {
		const [packets, peers] = [Buffer.alloc(BATCH * packetBytes), Buffer.alloc(BATCH * PEER_BYTES)];
		const [packetsAt, peersAt, vectorsAt] = [pointerTo(packets), pointerTo(peers), pointerTo(this.#vectors)];
		this.slots = Array.from({ length: BATCH }, (_, i) => {
			const [message, vector] = [i * MESSAGE_BYTES, i * VECTOR_BYTES];
			this.messages.writeBigUInt64LE(peersAt + BigInt(i * PEER_BYTES), message + MESSAGE.name);
			this.messages.writeUInt32LE(PEER_BYTES, message + MESSAGE.nameLength);
			this.messages.writeBigUInt64LE(vectorsAt + BigInt(vector), message + MESSAGE.vector);
			this.messages.writeUInt32LE(1, message + MESSAGE.vectorCount);
			this.#vectors.writeBigUInt64LE(packetsAt + BigInt(i * packetBytes), vector + VECTOR.base);
			this.#vectors.writeUInt32LE(packetBytes, vector + VECTOR.length);
			return {
				packet: packets.subarray(i * packetBytes, (i + 1) * packetBytes),
				peer: peers.subarray(i * PEER_BYTES, (i + 1) * PEER_BYTES),
			};
		});
	}

	/** Of a packet that was received. */
	lengthOf(index: number): number {
		return this.messages.readUInt32LE(index * MESSAGE_BYTES + MESSAGE.length);
	}

	/** What stands in the slot is to be sent. */
	address(index: number, length: number, peer: Peer): void {
		this.#vectors.writeUInt32LE(length, index * VECTOR_BYTES + VECTOR.length);
		this.slots[index]?.peer.set(peer);
	}

	/** The kernel has written how long a sender's address is: it is to read again how much room there is. */
	reset(count: number): void {
		for (let i = 0; i < count; i++) this.messages.writeUInt32LE(PEER_BYTES, i * MESSAGE_BYTES + MESSAGE.nameLength);
	}

	from(index: number): Buffer {
		return index === 0 ? this.messages : this.messages.subarray(index * MESSAGE_BYTES);
	}
}
