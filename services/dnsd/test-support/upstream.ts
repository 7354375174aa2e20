/** An upstream resolver that behaves as it is told, on a loopback port of the test's own namespace; it speaks through dns2. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { createServer, type Server as TcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { Packet } from "dns2";
import type { Server } from "../upstream/server.ts";

export type Conduct =
	/** Answers `192.0.2.1`. */
	| "answers"
	| "silent"
	| "SERVFAIL"
	| "REFUSED"
	| "NXDOMAIN"
	/** Marked as cut over UDP, sixty addresses over TCP. */
	| "truncates"
	/** Wrong id, wrong question, another port, garbage; the truth last. */
	| "lies"
	/** Garbage behind a good header. */
	| "malformed";

const RCODE = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const TRUTH = ["192.0.2.1"];
const MANY = Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`);
const LIE = ["203.0.113.66"];

export class Upstream implements AsyncDisposable {
	conduct: Conduct;
	/** Names that were asked, in order, `tcp:` before those over TCP. */
	readonly asked: string[] = [];
	/** Of UDP queries: where they came from and with which id. */
	readonly senders: { readonly port: number; readonly id: number }[] = [];
	delayMs = 0;
	readonly #udp: Socket;
	readonly #tcp: TcpServer;

	private constructor(conduct: Conduct, udp: Socket, tcp: TcpServer) {
		this.conduct = conduct;
		this.#udp = udp;
		this.#tcp = tcp;
	}

	static async start(conduct: Conduct): Promise<Upstream> {
		const tcp = createServer().listen(0, "127.0.0.1");
		await once(tcp, "listening");
		const udp = createSocket("udp4").bind((tcp.address() as AddressInfo).port, "127.0.0.1"); // listening on an address
		await once(udp, "listening");
		const upstream = new Upstream(conduct, udp, tcp);
		udp.on("message", (query, peer) => setTimeout(() => upstream.#answerUdp(query, peer), upstream.delayMs));
		tcp.on("connection", (socket) => {
			socket.on("error", () => undefined);
			socket.on("data", (chunk: Buffer) => {
				const query = Packet.parse(chunk.subarray(2));
				upstream.asked.push(`tcp:${query.questions[0]?.name}`);
				const answer = response(query, MANY);
				const frame = Buffer.alloc(2 + answer.length);
				frame.writeUInt16BE(answer.length);
				frame.set(answer, 2);
				// In two parts: a reader has to put them together.
				socket.write(frame.subarray(0, 100));
				setTimeout(() => socket.write(frame.subarray(100)), 5);
			});
		});
		return upstream;
	}

	get server(): Server {
		return { family: 4, address: "127.0.0.1", port: (this.#tcp.address() as AddressInfo).port };
	}

	#answerUdp(bytes: Buffer, peer: RemoteInfo): void {
		const query = Packet.parse(bytes);
		this.asked.push(query.questions[0]?.name ?? "");
		this.senders.push({ port: peer.port, id: query.header.id });
		const send = (packet: Buffer): void => this.#udp.send(packet, peer.port, peer.address);
		switch (this.conduct) {
			case "answers":
				return send(response(query, TRUTH));
			case "silent":
				return undefined;
			case "SERVFAIL":
			case "REFUSED":
			case "NXDOMAIN":
				return send(response(query, [], { rcode: RCODE[this.conduct] }));
			case "truncates":
				return send(response(query, [], { tc: 1 }));
			case "lies":
				return this.#lie(query, peer, send);
			case "malformed":
				return send(response(query, TRUTH).subarray(0, -3));
		}
	}

	#lie(query: Packet, peer: RemoteInfo, send: (packet: Buffer) => void): void {
		send(response(query, LIE, { id: query.header.id ^ 1 }));
		const other = Packet.parse(query.toBuffer());
		for (const question of other.questions) question.name = "other.example";
		send(response(other, LIE));
		send(Buffer.from("garbage"));
		const elsewhere = createSocket("udp4");
		elsewhere.send(response(query, LIE), peer.port, peer.address, () => {
			elsewhere.close();
			send(response(query, TRUTH));
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#udp.close();
		this.#tcp.close();
		await Promise.all([once(this.#udp, "close"), once(this.#tcp, "close")]);
	}
}

function response(
	query: Packet,
	addresses: readonly string[],
	header: { id?: number; tc?: number; rcode?: number } = {},
): Buffer {
	const packet = new Packet();
	packet.header = new Packet.Header({ id: query.header.id, qr: 1, rd: query.header.rd, ra: 1 });
	Object.assign(packet.header, header);
	packet.questions = query.questions;
	const [question] = query.questions;
	for (const address of addresses) {
		packet.answers.push(new Packet.Resource({ name: question?.name ?? "", type: 1, class: 1, ttl: 60, address }));
	}
	return packet.toBuffer();
}
