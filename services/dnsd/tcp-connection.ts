/**
 * One client over TCP: messages with a length before each (RFC 1035 §4.2.2), several on one connection, answered as they are
 * ready (RFC 7766 §6.2.1.1).
 *
 * What one client can hold is bounded: queries in flight, answers that it does not read, and time without a whole message.
 */
import type { Socket } from "node:net";
import { frameOf, Frames } from "./frames.ts";
import type { Handler } from "./listener.ts";

export interface TcpLimits {
	/** Connections of one sandbox. */
	readonly connections: number;
	/** Without a whole message from the client or an answer to it. */
	readonly idleMs: number;
}

const IN_FLIGHT = 32;
/** Of answers that the client has not read. */
const UNREAD_BYTES = 256 * 1024;

export class TcpConnection {
	readonly #socket: Socket;
	readonly #handle: Handler;
	readonly #idle: NodeJS.Timeout;
	readonly #frames = new Frames();
	#inFlight = 0;
	#ended = false;

	constructor(socket: Socket, handle: Handler, limits: TcpLimits) {
		this.#socket = socket;
		this.#handle = handle;
		this.#idle = setTimeout(() => socket.destroy(), limits.idleMs).unref();
		socket.setNoDelay(true);
		socket.on("data", (chunk: Buffer) => {
			this.#frames.put(chunk);
			this.#work();
		});
		socket.on("end", () => {
			this.#ended = true;
			this.#endWhenDone();
		});
		socket.on("drain", () => this.#work());
		socket.on("error", () => socket.destroy());
		socket.on("close", () => clearTimeout(this.#idle));
	}

	destroy(): void {
		this.#socket.destroy();
	}

	/** Takes whole messages off what was received, as long as there is room for their answers. */
	#work(): void {
		while (!this.#isFull() && !this.#socket.destroyed) {
			const packet = this.#frames.take();
			if (packet === undefined) break;
			this.#idle.refresh();
			this.#ask(packet);
		}
		if (this.#isFull()) this.#socket.pause();
		else this.#socket.resume();
	}

	#isFull(): boolean {
		return this.#inFlight >= IN_FLIGHT || this.#socket.writableLength > UNREAD_BYTES;
	}

	#ask(packet: Buffer): void {
		const answer = this.#handle(packet, "tcp");
		// What is no query gets no answer; over TCP that is the end of the connection as well.
		if (answer === undefined) this.#socket.destroy();
		else if (Buffer.isBuffer(answer)) this.#write(answer);
		else void this.#writeLater(answer);
	}

	async #writeLater(answer: Promise<Buffer | undefined>): Promise<void> {
		this.#inFlight += 1;
		const packet = await answer;
		this.#inFlight -= 1;
		if (packet === undefined) this.#socket.destroy();
		else this.#write(packet);
		this.#work();
		this.#endWhenDone();
	}

	#write(answer: Buffer): void {
		if (!this.#socket.writable) return;
		this.#socket.write(frameOf(answer));
		this.#idle.refresh();
	}

	#endWhenDone(): void {
		if (this.#ended && this.#inFlight === 0) this.#socket.end();
	}
}
