/** An upstream resolver that behaves as it is told, on a loopback port of the test's own namespace; it speaks through dns2. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { createServer, type Server as TcpServer, type Socket as TcpSocket } from "node:net";
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
	/** With an SOA, for a minute. */
	| "NXDOMAIN"
	/** Does not know EDNS, and says so. */
	| "FORMERR to EDNS"
	/** Two names that are each other's aliases. */
	| "alias loop"
	/** Marked as cut over UDP, sixty addresses over TCP. */
	| "truncates"
	/** Marked as cut over TCP as well. */
	| "truncates forever"
	/** Cut over UDP, and over TCP: nothing at all, the end of the connection, byte by byte without an end, another answer. */
	| "silent over TCP"
	| "closes"
	| "dribbles"
	| "lies over TCP"
	/** Wrong id, wrong question, another port, garbage; the truth last. */
	| "lies"
	/** A lie under the name in other letters, then the truth. */
	| "spells wrong"
	/** Garbage behind a good header. */
	| "malformed";

const RCODE = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const CNAME = 5;
const SOA = 6;
const TRUTH = ["192.0.2.1"];
const MANY = Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`);
const LIE = ["203.0.113.66"];

export class Upstream implements AsyncDisposable {
	conduct: Conduct;
	/** Names that were asked, in order, `tcp:` before those over TCP. */
	readonly asked: string[] = [];
	/** Of UDP queries: where they came from, with which id, and whether with EDNS. */
	readonly senders: { readonly port: number; readonly id: number; readonly edns: boolean }[] = [];
	delayMs = 0;
	ttl = 60;
	readonly #udp: Socket;
	readonly #tcp: TcpServer;
	#isClosed = false;
	readonly #connections = new Set<TcpSocket>();

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
		tcp.on("connection", (socket) => upstream.#serveTcp(socket));
		return upstream;
	}

	get server(): Server {
		return { family: 4, address: "127.0.0.1", port: (this.#tcp.address() as AddressInfo).port };
	}

	#serveTcp(socket: TcpSocket): void {
		this.#connections.add(socket);
		socket.on("error", () => undefined);
		socket.once("close", () => this.#connections.delete(socket));
		socket.on("data", (chunk: Buffer) => {
			const query = Packet.parse(chunk.subarray(2));
			this.asked.push(`tcp:${query.questions[0]?.name}`);
			this.#answerTcp(query, socket);
		});
	}

	#answerTcp(query: Packet, socket: TcpSocket): void {
		if (this.conduct === "silent over TCP") return;
		if (this.conduct === "closes") socket.end();
		else if (this.conduct === "dribbles") dribble(socket, framed(response(query, MANY)));
		else if (this.conduct === "lies over TCP") socket.write(framed(response(renamed(query, "other.example"), LIE)));
		else {
			const frame = framed(response(query, MANY, this.conduct === "truncates forever" ? { tc: 1 } : {}));
			// In two parts: a reader has to put them together.
			socket.write(frame.subarray(0, 100));
			setTimeout(() => socket.write(frame.subarray(100)), 5);
		}
	}

	#answerUdp(bytes: Buffer, peer: RemoteInfo): void {
		if (this.#isClosed) return;
		const query = Packet.parse(bytes);
		const edns = query.additionals.length > 0;
		const name = query.questions[0]?.name ?? "";
		this.asked.push(name);
		this.senders.push({ port: peer.port, id: query.header.id, edns });
		const send = (packet: Buffer): void => this.#udp.send(packet, peer.port, peer.address);
		switch (this.conduct) {
			case "answers":
				return send(response(query, TRUTH, {}, this.ttl));
			case "FORMERR to EDNS":
				return send(edns ? response(query, [], { rcode: RCODE.FORMERR }) : response(query, TRUTH));
			case "alias loop":
				return send(aliasLoop(query));
			case "silent":
				return undefined;
			case "SERVFAIL":
			case "REFUSED":
				return send(response(query, [], { rcode: RCODE[this.conduct] }));
			case "NXDOMAIN":
				return send(absence(query, this.ttl));
			case "truncates":
			case "truncates forever":
			case "silent over TCP":
			case "closes":
			case "dribbles":
			case "lies over TCP":
				return send(response(query, [], { tc: 1 }));
			case "lies":
				return this.#lie(query, peer, send);
			case "spells wrong":
				send(response(renamed(query, swapCase(name)), LIE));
				return send(response(query, TRUTH));
			case "malformed":
				return send(response(query, TRUTH).subarray(0, -3));
		}
	}

	#lie(query: Packet, peer: RemoteInfo, send: (packet: Buffer) => void): void {
		send(response(query, LIE, { id: query.header.id ^ 1 }));
		send(response(renamed(query, "other.example"), LIE));
		send(Buffer.from("garbage"));
		const elsewhere = createSocket("udp4");
		elsewhere.send(response(query, LIE), peer.port, peer.address, () => {
			elsewhere.close();
			send(response(query, TRUTH));
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isClosed = true;
		this.#udp.close();
		this.#tcp.close();
		for (const socket of this.#connections) socket.destroy();
		await Promise.all([once(this.#udp, "close"), once(this.#tcp, "close")]);
	}
}

function response(
	query: Packet,
	addresses: readonly string[],
	header: { id?: number; tc?: number; rcode?: number } = {},
	ttl = 60,
): Buffer {
	const packet = packetTo(query);
	Object.assign(packet.header, header);
	const [question] = query.questions;
	for (const address of addresses) {
		packet.answers.push(new Packet.Resource({ name: question?.name ?? "", type: 1, class: 1, ttl, address }));
	}
	return packet.toBuffer();
}

function absence(query: Packet, ttl: number): Buffer {
	const packet = packetTo(query);
	Object.assign(packet.header, { rcode: RCODE.NXDOMAIN });
	const numbers = { serial: 1, refresh: 2, retry: 3, expiration: 4, minimum: ttl };
	const owner = { name: "example", type: SOA, class: 1, ttl, primary: "a.example", admin: "b.example" };
	packet.authorities.push(new Packet.Resource({ ...owner, ...numbers }));
	return packet.toBuffer();
}

function aliasLoop(query: Packet): Buffer {
	const packet = packetTo(query);
	const name = query.questions[0]?.name ?? "";
	for (const [owner, domain] of [
		[name, "other.example"],
		["other.example", name],
	] as const) {
		packet.answers.push(new Packet.Resource({ name: owner, type: CNAME, class: 1, ttl: 60, domain }));
	}
	return packet.toBuffer();
}

function packetTo(query: Packet): Packet {
	const packet = new Packet();
	packet.header = new Packet.Header({ id: query.header.id, qr: 1, rd: query.header.rd, ra: 1 });
	packet.questions = query.questions;
	return packet;
}

function renamed(query: Packet, name: string): Packet {
	const other = Packet.parse(query.toBuffer());
	for (const question of other.questions) question.name = name;
	return other;
}

function swapCase(name: string): string {
	return name.replace(/[a-z]/gi, (letter) => {
		const lower = letter.toLowerCase();
		return letter === lower ? letter.toUpperCase() : lower;
	});
}

function dribble(socket: TcpSocket, frame: Buffer): void {
	let at = 0;
	const timer = setInterval(() => socket.write(frame.subarray(at, ++at)), 20);
	socket.once("close", () => clearInterval(timer));
}

function framed(packet: Buffer): Buffer {
	const frame = Buffer.alloc(2 + packet.length);
	frame.writeUInt16BE(packet.length);
	frame.set(packet, 2);
	return frame;
}
