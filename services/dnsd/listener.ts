/**
 * The resolver's sockets in one sandbox: UDP and TCP at 127.0.0.11 on the port that netd chose and redirects port 53 to.
 *
 * They are both open or neither; after `close` has resolved no descriptor holds the sandbox's namespace any more.
 */
import { closeSync } from "node:fs";
import type { Socket } from "node:dgram";
import { createServer, type Server } from "node:net";
import { Ip } from "#lib/address/ip.ts";
import { openTcpListener, openUdp } from "#lib/linux/socket.ts";
import type { Transport } from "./answer.ts";
import { datagramSocket } from "./datagram.ts";
import { type TcpLimits, TcpConnection } from "./tcp-connection.ts";

/** What is said to a packet: at once, later, or nothing. A promise never rejects. */
export type Handler = (packet: Buffer, transport: Transport) => Buffer | Promise<Buffer> | undefined;

export interface Place {
	readonly netnsPath: string;
	readonly port: number;
}

/** Docker's address of a container's resolver; nginx configurations hard-code it. */
export const RESOLVER_ADDRESS = "127.0.0.11";
const ADDRESS = Ip.parse(RESOLVER_ADDRESS);

export class Listener {
	readonly place: Place;
	readonly #udp: Socket;
	readonly #tcp: Server;
	readonly #connections = new Set<TcpConnection>();
	#closed: Promise<void> | undefined;

	private constructor(place: Place, udp: Socket, tcp: Server) {
		this.place = place;
		this.#udp = udp;
		this.#tcp = tcp;
	}

	/** Synchronous up to the sockets being bound; about 0.2 ms. Throws what the kernel says. */
	static open(place: Place, handle: Handler, limits: TcpLimits): Listener {
		const { netnsPath, port } = place;
		const udpFd = openUdp(netnsPath, ADDRESS, port);
		let tcpFd: number;
		try {
			tcpFd = openTcpListener(netnsPath, ADDRESS, port);
		} catch (error) {
			closeSync(udpFd);
			throw error;
		}
		const udp = datagramSocket(4);
		const tcp = createServer();
		const listener = new Listener(place, udp, tcp);
		// A packet that cannot be sent is lost, as on any network: the client asks again.
		udp.on("error", () => undefined);
		tcp.on("error", () => undefined);
		udp.bind({ fd: udpFd });
		listener.#answerUdp(handle);
		tcp.maxConnections = limits.connections;
		listener.#answerTcp(handle, limits);
		tcp.listen({ fd: tcpFd });
		return listener;
	}

	#answerUdp(handle: Handler): void {
		const udp = this.#udp;
		udp.on("message", (packet, { port, address }) => {
			const answer = handle(packet, "udp");
			if (answer === undefined) return;
			if (Buffer.isBuffer(answer)) udp.send(answer, port, address);
			else void this.#sendLater(answer, port, address);
		});
	}

	async #sendLater(answer: Promise<Buffer>, port: number, address: string): Promise<void> {
		const packet = await answer;
		if (this.#closed === undefined) this.#udp.send(packet, port, address);
	}

	#answerTcp(handle: Handler, limits: TcpLimits): void {
		this.#tcp.on("connection", (socket) => {
			const connection = new TcpConnection(socket, handle, limits);
			this.#connections.add(connection);
			socket.once("close", () => this.#connections.delete(connection));
		});
	}

	close(): Promise<void> {
		this.#closed ??= Promise.all([
			new Promise<void>((resolve) => this.#udp.close(resolve)),
			new Promise<void>((resolve) => {
				this.#tcp.close(() => resolve());
				for (const connection of this.#connections) connection.destroy();
			}),
		]).then(() => undefined);
		return this.#closed;
	}
}
