/**
 * The resolver's sockets in one sandbox: UDP and TCP at 127.0.0.11 on the port that netd chose and redirects port 53 to.
 *
 * They are both open or neither; after `close` has resolved no descriptor holds the sandbox's namespace any more.
 */
import { closeSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { Ip } from "#lib/address/ip.ts";
import type { Datagrams, DatagramSocket, Peer } from "#lib/linux/datagrams.ts";
import { openTcpListener, openUdp } from "#lib/linux/socket.ts";
import type { Transport } from "./answer.ts";
import { type TcpLimits, TcpConnection } from "./tcp-connection.ts";

/** What is said to a packet: at once, later, or nothing. A promise never rejects. The packet is the caller's again when this returns. */
export type Handler = (packet: Buffer, transport: Transport) => Buffer | Promise<Buffer | undefined> | undefined;

/** What one sandbox is told. */
export interface Answerer {
	readonly handle: Handler;
	/** Writes what was said to the same packet, and still holds, to `room`: how many bytes that is, 0 when it is to be handled. */
	readonly again: (packet: Buffer, length: number, room: Buffer) => number;
}

export interface Place {
	readonly netnsPath: string;
	readonly port: number;
}

/** Docker's address of a container's resolver; nginx configurations hard-code it. */
export const RESOLVER_ADDRESS = "127.0.0.11";
const ADDRESS = Ip.parse(RESOLVER_ADDRESS);

export class Listener {
	readonly place: Place;
	readonly #udp: DatagramSocket;
	readonly #tcp: Server;
	readonly #connections = new Set<TcpConnection>();
	#closed: Promise<void> | undefined;

	private constructor(place: Place, udp: DatagramSocket, tcp: Server) {
		this.place = place;
		this.#udp = udp;
		this.#tcp = tcp;
	}

	/** Synchronous up to the sockets being bound; about 0.2 ms. Throws what the kernel says. */
	static open(place: Place, datagrams: Datagrams, answerer: Answerer, limits: TcpLimits): Listener {
		const { netnsPath, port } = place;
		const descriptors: number[] = [];
		const opened = (fd: number): number => {
			descriptors.push(fd);
			return fd;
		};
		let udp: DatagramSocket;
		let tcpFd: number;
		try {
			const udpFd = opened(openUdp(netnsPath, ADDRESS, port));
			tcpFd = opened(openTcpListener(netnsPath, ADDRESS, port));
			udp = serveUdp(datagrams, udpFd, answerer);
		} catch (error) {
			for (const fd of descriptors) closeSync(fd);
			throw error;
		}
		// A client that has said all that it wants to say still waits for the answers.
		const tcp = createServer({ allowHalfOpen: true });
		const listener = new Listener(place, udp, tcp);
		tcp.on("error", () => undefined);
		tcp.maxConnections = limits.connections;
		listener.#answerTcp(answerer.handle, limits);
		tcp.listen({ fd: tcpFd });
		return listener;
	}

	#answerTcp(handle: Handler, limits: TcpLimits): void {
		this.#tcp.on("connection", (socket) => {
			const connection = new TcpConnection(socket, handle, limits);
			this.#connections.add(connection);
			socket.once("close", () => this.#connections.delete(connection));
		});
	}

	close(): Promise<void> {
		this.#udp.close();
		this.#closed ??= new Promise<void>((resolve) => {
			this.#tcp.close(() => resolve());
			for (const connection of this.#connections) connection.destroy();
		});
		return this.#closed;
	}
}

function serveUdp(datagrams: Datagrams, fd: number, { handle, again }: Answerer): DatagramSocket {
	const socket = datagrams.add(fd, (packet, length, room, peer) => {
		const known = again(packet, length, room);
		if (known > 0) return known;
		const answer = handle(packet.subarray(0, length), "udp");
		if (answer === undefined) return 0;
		if (Buffer.isBuffer(answer)) {
			room.set(answer);
			return answer.length;
		}
		void sendLater(answer, Buffer.from(peer));
		return 0;
	});
	async function sendLater(answer: Promise<Buffer | undefined>, peer: Peer): Promise<void> {
		const packet = await answer;
		if (packet !== undefined) socket.send(packet, peer);
	}
	return socket;
}
