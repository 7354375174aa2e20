/**
 * The same packets as in answer.fuzz.test.ts, to a resolver's socket: from there comes what `answer` says, for each packet and for
 * none besides, and to the same packet once more, under another id, the same. Whatever serves the socket (batches, answers that are
 * kept) adds nothing and loses nothing. `WHARF_FUZZ_SEED` repeats what a seed did.
 */
import type { Socket } from "node:dgram";
import { expect, it, onTestFinished } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { openUdp } from "#lib/linux/socket.ts";
import { answer } from "./answer.ts";
import { datagramSocket } from "./datagram.ts";
import { queryOf } from "./test-support/ask.ts";
import { askerOfWeb, SANDBOXES } from "./test-support/asker.ts";
import { QUERIES } from "./test-support/corpus.ts";
import { amissWithAnswer, identityOfAnswer } from "./test-support/judge.ts";
import { anyQuery, numbers } from "./test-support/packets.ts";
import { RESOLVER_PORT, resolverOver, scratch } from "./test-support/resolver.ts";
import { RESOLVER } from "./test-support/scratch.ts";

const PACKETS = 30_000;
/** As many as the buffers of a socket surely take. */
const AT_ONCE = 40;
const SERVFAIL = 2;
const SEED = Number(process.env["WHARF_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

/** A client in the sandbox, and what has arrived for it. */
class Client {
	readonly #socket: Socket;
	#arrived: Buffer[] = [];
	#wake: () => void = () => undefined;

	constructor(netnsPath: string) {
		this.#socket = datagramSocket(4).bind({ fd: openUdp(netnsPath, Ip.parse("127.0.0.1"), 0) });
		this.#socket.on("message", (packet) => {
			this.#arrived.push(packet);
			this.#wake();
		});
		onTestFinished(() => void this.#socket.close());
	}

	/** What is said to the packets, in its order. A query that is always answered comes last: when its answer is there, all are. */
	async ask(packets: readonly Buffer[]): Promise<readonly Buffer[]> {
		this.#arrived = [];
		const last = queryOf({ id: 0xabcd, name: "last.frontend", classCode: 3 });
		for (const packet of [...packets, last]) this.#socket.send(packet, RESOLVER_PORT, RESOLVER);
		while (!this.#arrived.at(-1)?.subarray(12, last.length).equals(last.subarray(12))) {
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
		}
		return this.#arrived.slice(0, -1);
	}
}

const id = (packet: Buffer): string => packet.toString("hex", 0, 2);

function withId(packet: Buffer, number: number): Buffer {
	const copy = Buffer.from(packet);
	if (copy.length >= 2) copy.writeUInt16BE(number);
	return copy;
}

/** What was said to one packet, beside what is right. */
function amissWith(packet: Buffer, said: Buffer | undefined): string | undefined {
	const outcome = answer(packet, askerOfWeb(true), "udp");
	if (outcome.kind === "ignore") return undefined;
	if (said === undefined) return "no answer";
	if (id(said) !== id(packet)) return "the answer to another packet";
	// Nobody can be asked.
	if (outcome.kind === "forward")
		return (said.readUInt16BE(2) & 15) === SERVFAIL ? undefined : "an answer from nowhere";
	if (identityOfAnswer(said) !== identityOfAnswer(outcome.packet)) return "not what is right";
	return amissWithAnswer(packet, said, "udp");
}

const isAnswered = (packet: Buffer): boolean => answer(packet, askerOfWeb(true), "udp").kind !== "ignore";

it(`${PACKETS} packets over UDP, each twice, with seed ${SEED}`, { timeout: 120_000 }, async () => {
	const inside = await scratch();
	const ofSandbox = { netnsPath: inside.netnsPath, resolverPort: RESOLVER_PORT };
	await resolverOver().replaceAll(SANDBOXES.map((one) => (one.id === "web" ? { ...one, ...ofSandbox } : one)));
	const client = new Client(inside.netnsPath);
	const below = numbers(SEED);
	const problems: string[] = [];
	for (let done = 0; done < PACKETS; done += AT_ONCE / 2) {
		const once = Array.from({ length: AT_ONCE / 2 }, (_, i) => QUERIES[done + i]?.packet ?? anyQuery(below));
		const packets = once.flatMap((packet) => [packet, withId(packet, below(0x1_0000))]);
		const said = await client.ask(packets);
		const answered = packets.filter(isAnswered);
		if (said.length > answered.length) problems.push(`${said.length - answered.length} answers too many`);
		for (const [i, packet] of answered.entries()) {
			const problem = amissWith(packet, said[i]);
			if (problem !== undefined) problems.push(`${problem}: ${packet.toString("hex")}`);
		}
	}
	expect(problems.slice(0, 20)).toEqual([]);
});
