/**
 * What holds of any packet at all: for queries, nothing is thrown, a response is never answered, and an answer is well formed,
 * to this question, and no longer than the client takes; for an upstream's responses, only what answers the request is taken for
 * it, and what a client gets of it is to its question. And nobody reads or writes beside the packet: what is said is the same whatever
 * lies around it.
 */
import { answer, type Outcome, type Transport } from "../answer.ts";
import { replyTo } from "../upstream/reply.ts";
import { isAnswerTo } from "../upstream/request.ts";
import { type Form, parseResponse, type Response } from "../upstream/response.ts";
import { queryOf, wireOf } from "./ask.ts";
import { askerOfWeb } from "./asker.ts";
import type { Sample } from "./corpus.ts";
import { decode, type Message } from "./decode.ts";

/** Clients without EDNS, and with it. */
const PLAIN: Form = { edns: false, dnssecOk: false, flags: 0x0100 };
const EXTENDED: Form = { edns: true, dnssecOk: true, flags: 0x0100 };
const NO_LIMIT = { ageSeconds: 7, mostSeconds: Number.POSITIVE_INFINITY, mostNegativeSeconds: 5 };
const MARGIN = 300;
const MOST_OVER_UDP = 4096;
const CODES = [0, 1, 3, 4, 5, 16];
const WITHOUT_QUESTION = [1, 4];

/** What is amiss, or undefined. */
export function amissWithQuery(packet: Buffer, transport: Transport, forwards: boolean): string | undefined {
	const asker = askerOfWeb(forwards);
	const ask = (bytes: Buffer): Outcome => answer(bytes, asker, transport);
	return amiss(() => {
		const outcome = ask(packet);
		const said = identityOf(outcome);
		return (
			amissWithOutcome(packet, outcome, transport) ?? amissAround(packet, (bytes) => identityOf(ask(bytes)) === said)
		);
	});
}

/** `response` was made of the sample; the request is one that the sample answers. */
export function amissWithResponse(sample: Sample, response: Buffer, transport: Transport): string | undefined {
	return amiss(() => {
		const request = requestTo(sample.packet);
		const isAnswer = isAnswerTo(request, response);
		if (isAnswer && !isToRequest(request, response)) return "the answer to something else was taken";
		return [PLAIN, EXTENDED]
			.map((form) => amissWithForm({ request, response, form }, transport))
			.find((problem) => problem !== undefined);
	});
}

interface Exchange {
	readonly request: Buffer;
	readonly response: Buffer;
	/** Of the client's query. */
	readonly form: Form;
}

function amissWithForm({ request, response, form }: Exchange, transport: Transport): string | undefined {
	const read = (bytes: Buffer): Response | undefined =>
		isAnswerTo(request, bytes) ? parseResponse(bytes, form) : undefined;
	const taken = read(response);
	const told = textOf(taken);
	const around = amissAround(response, (bytes) => textOf(read(bytes)) === told);
	if (around !== undefined || taken === undefined) return around;
	return amissWithRecords(taken) ?? amissWithPassedOn({ request, response, form }, taken, transport);
}

function amiss(check: () => string | undefined): string | undefined {
	try {
		return check();
	} catch (error) {
		return error instanceof Error ? `it threw ${error.message}` : "it threw";
	}
}

/** The same bytes among zeros, and among ones. */
function amissAround(packet: Buffer, isTheSame: (packet: Buffer) => boolean): string | undefined {
	for (const fill of [0x00, 0xff]) {
		const wide = Buffer.alloc(packet.length + 2 * MARGIN, fill);
		wide.set(packet, MARGIN);
		const before = Buffer.from(wide);
		if (!isTheSame(wide.subarray(MARGIN, MARGIN + packet.length))) return `it depends on bytes beside it (${fill})`;
		if (!wide.equals(before)) return "bytes of the packet, or beside it, were changed";
	}
	return undefined;
}

function identityOf(outcome: Outcome): string {
	switch (outcome.kind) {
		case "ignore":
			return "ignore";
		case "forward": {
			const { packet, ...rest } = outcome.query;
			return `${JSON.stringify(rest)} ${packet.toString("hex", 12, rest.questionEnd)}`;
		}
		case "answer":
			return identityOfAnswer(outcome.packet);
	}
}

/** Equal for equal answers: of several addresses the order is another one each time, and of too many the choice. */
export function identityOfAnswer(packet: Buffer): string {
	return `${packet.length} ${packet.toString("hex", 0, packet.readUInt16BE(6) > 1 ? 12 : packet.length)}`;
}

function amissWithOutcome(packet: Buffer, outcome: Outcome, transport: Transport): string | undefined {
	const isQuery = packet.length >= 12 && (packet.readUInt16BE(2) & 0x8000) === 0;
	if ((outcome.kind !== "ignore") !== isQuery) return `${outcome.kind} to ${isQuery ? "a query" : "what is none"}`;
	if (outcome.kind === "forward" && outcome.query.id !== packet.readUInt16BE(0)) return "forwarded with another id";
	return outcome.kind === "answer" ? amissWithAnswer(packet, outcome.packet, transport) : undefined;
}

/** Of bytes that are said to be the answer to a query. */
export function amissWithAnswer(query: Buffer, bytes: Buffer, transport: Transport): string | undefined {
	const asked = readable(query);
	const most = transport === "tcp" ? 65_535 : mostOverUdp(query, asked);
	if (bytes.length > most) return `${bytes.length} bytes where ${most} are taken`;
	const said = decode(bytes);
	const word = query.readUInt16BE(2);
	if (said.id !== query.readUInt16BE(0)) return "another id";
	if (!said.isResponse || said.opcode !== ((word >>> 11) & 15)) return "no response, or of another opcode";
	if (said.flags.includes("rd") !== ((word & 0x0100) !== 0)) return "another RD";
	if (said.flags.includes("z") || said.flags.includes("ad")) return "Z or AD";
	if (!CODES.includes(said.rcode)) return `code ${said.rcode}`;
	const [question] = said.questions;
	if (question === undefined) {
		if (!WITHOUT_QUESTION.includes(said.rcode)) return `no question with code ${said.rcode}`;
	} else if (!bytes.subarray(12, endOfQuestion(question)).equals(query.subarray(12, endOfQuestion(question)))) {
		return "another question";
	}
	const isNothing = said.answers.length === 0 && (said.rcode === 0 || said.rcode === 3);
	if (isNothing && !said.flags.includes("tc") && said.authority[0]?.type !== 6) return "nothing, and no SOA";
	if ((said.rcode === 1 || said.rcode === 4) && isPlain(asked, query)) return `code ${said.rcode} to a good query`;
	return undefined;
}

/** Undefined when it is malformed. */
function readable(packet: Buffer, options: { readonly mayTrail?: boolean } = {}): Message | undefined {
	try {
		return decode(packet, options);
	} catch {
		return undefined;
	}
}

/** Of a malformed query it cannot be said whether it has EDNS. */
function mostOverUdp(query: Buffer, asked: Message | undefined): number {
	if (asked !== undefined) return Math.min(Math.max(asked.opt?.udpBytes ?? 512, 512), MOST_OVER_UDP);
	return query.readUInt16BE(10) === 0 ? 512 : MOST_OVER_UDP;
}

/** `question` as the decoder gives it: the name, and two numbers of two bytes each. */
function endOfQuestion(question: string): number {
	const name = question.replace(/ \d+ \d+$/, "");
	return 12 + name.length + (name === "" ? 1 : 2) + 4;
}

/** An ordinary query beyond doubt: one question, not compressed, of a data type of the Internet, and nothing before EDNS. */
function isPlain(asked: Message | undefined, query: Buffer): boolean {
	const [, name = "", type] = /^([^]*) (\d+) 1$/.exec(asked?.questions[0] ?? "") ?? [];
	if (asked === undefined || type === undefined || asked.opcode !== 0 || asked.questions.length !== 1) return false;
	if (asked.answers.length + asked.authority.length > 0) return false;
	const wire = wireOf(name);
	return wire.equals(query.subarray(12, 12 + wire.length));
}

/** The request that a response of the corpus answers: its question, where it has one, under its id. */
function requestTo(response: Buffer): Buffer {
	const question = readable(response)?.questions[0]?.split(" ") ?? ["a.example.test", "1", "1"];
	return queryOf({ id: 0x2222, name: question[0] ?? "", type: Number(question[1]) });
}

function isToRequest(request: Buffer, response: Buffer): boolean {
	const folded = (packet: Buffer): string =>
		packet.toString("latin1", 12, request.length).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
	if (response.readUInt16BE(0) !== request.readUInt16BE(0) || (response.readUInt16BE(2) & 0x8000) === 0) return false;
	return response.readUInt16BE(4) === 0 || folded(response) === folded(request);
}

function textOf(response: Response | undefined): string {
	return response === undefined ? "" : JSON.stringify({ ...response, packet: response.packet.toString("hex") });
}

function amissWithRecords({ packet, ttlOffsets, keepSeconds }: Response): string | undefined {
	const isWithin = ttlOffsets.every((offset) => offset >= 12 && offset + 4 <= packet.length);
	if (!isWithin) return "a TTL was found outside";
	return keepSeconds >= 0 && keepSeconds < 2 ** 31 ? undefined : `an answer was to be kept for ${keepSeconds} s`;
}

/** The client asked in capitals, under another id. */
function amissWithPassedOn(
	{ request, response, form }: Exchange,
	taken: Response,
	transport: Transport,
): string | undefined {
	const [name = "", type] = decode(request).questions[0]?.split(" ") ?? [];
	const edns = form.edns ? [{ udpBytes: MOST_OVER_UDP, dnssecOk: form.dnssecOk }] : [];
	const asked = queryOf({ id: 0x1111, name: name.toUpperCase(), type: Number(type), edns });
	const outcome = answer(asked, askerOfWeb(true), transport);
	if (outcome.kind !== "forward") return undefined;
	const passed = replyTo(outcome.query, taken, transport, NO_LIMIT);
	const most = transport === "tcp" ? 65_535 : mostOverUdp(asked, decode(asked));
	if (passed.length > most) return `${passed.length} bytes are passed on`;
	if (passed.readUInt16BE(0) !== 0x1111 || (passed.readUInt16BE(2) & 0x8000) === 0) return "passed on under another id";
	const questionEnd = request.length;
	if (!passed.subarray(12, questionEnd).equals(asked.subarray(12, questionEnd)))
		return "passed on with another question";
	if (readable(response, { mayTrail: true }) === undefined) return undefined;
	const told = readable(passed);
	if (told === undefined) return "passed on as no message, and it was one";
	return (told.opt !== undefined) === form.edns ? undefined : "EDNS is not as the client's";
}
