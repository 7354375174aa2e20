/** Stands between a forwarder and a real server, and tells lies before it lets the server's answer through. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Server } from "../upstream/server.ts";

const HEADER_BYTES = 12;
const ID_BYTES = 2;

export class LyingProxy implements AsyncDisposable {
	/** Lies told. */
	lies = 0;
	readonly #front: Socket;
	readonly #other: Socket;
	readonly #behind: Server;

	private constructor(front: Socket, other: Socket, behind: Server) {
		this.#front = front;
		this.#other = other;
		this.#behind = behind;
		front.on("message", (query, client) => void this.#relay(query, client));
	}

	static async start(behind: Server): Promise<LyingProxy> {
		const [front, other] = [createSocket("udp4"), createSocket("udp4")];
		front.bind(0, "127.0.0.1");
		other.bind(0, "127.0.0.1");
		await Promise.all([once(front, "listening"), once(other, "listening")]);
		return new LyingProxy(front, other, behind);
	}

	get server(): Server {
		return { family: 4, address: "127.0.0.1", port: this.#front.address().port };
	}

	async #relay(query: Buffer, client: RemoteInfo): Promise<void> {
		const back = createSocket("udp4");
		back.send(query, this.#behind.port, this.#behind.address);
		const [answer] = (await once(back, "message")) as [Buffer]; // the first argument of this event
		back.close();
		for (const lie of liesAbout(answer)) this.#tell(this.#front, lie, client);
		// Right in every byte, but from somebody else, and about another address.
		this.#tell(this.#other, withLastByte(answer, 0x66), client);
		this.#front.send(answer, client.port, client.address);
	}

	#tell(from: Socket, lie: Buffer, { port, address }: RemoteInfo): void {
		this.lies += 1;
		from.send(lie, port, address);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#front.close();
		this.#other.close();
		await Promise.all([once(this.#front, "close"), once(this.#other, "close")]);
	}
}

/** None of them may be believed; where they look like an answer, it is another one than the server's. */
function liesAbout(answer: Buffer): Buffer[] {
	const forged = withLastByte(answer, 0x66);
	const otherId = Buffer.from(forged);
	otherId.writeUInt16BE(answer.readUInt16BE(0) ^ 1, 0);
	const otherName = Buffer.from(forged);
	otherName[HEADER_BYTES + 1] = "#".charCodeAt(0);
	const stillQuery = Buffer.from(forged);
	stillQuery.writeUInt16BE(answer.readUInt16BE(2) & 0x7fff, 2);
	const noQuestion = Buffer.from(forged);
	noQuestion.writeUInt16BE(0, 4);
	const header = answer.subarray(0, HEADER_BYTES - 1);
	return [otherId, otherName, stillQuery, noQuestion, header, answer.subarray(0, ID_BYTES), Buffer.alloc(0)];
}

function withLastByte(answer: Buffer, byte: number): Buffer {
	const forged = Buffer.from(answer);
	forged[forged.length - 1] = byte;
	return forged;
}
