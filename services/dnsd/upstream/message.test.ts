import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { encodeQuery } from "../codec.ts";
import { TYPE } from "../protocol.ts";
import { parseQuery, type Query } from "../query.ts";
import { answerFor, isAnswerTo, readRecords, requestOf, sameQuestion } from "./message.ts";

function query(name: string, { edns = false, udpBytes = 1232 } = {}): Query {
	let packet = encodeQuery(0x1111, name, TYPE.A);
	if (edns) {
		packet = Buffer.concat([packet, Buffer.from([0, 0, 41, udpBytes >> 8, udpBytes & 255, 0, 0, 0x80, 0, 0, 0])]);
		packet.writeUInt16BE(1, 10);
	}
	const parsed = parseQuery(packet);
	if (parsed === undefined) throw new Error("not a query");
	return parsed;
}

interface Said {
	readonly id?: number;
	readonly name?: string;
	readonly rcode?: number;
	readonly ttls?: readonly number[];
	readonly soa?: { readonly ttl: number; readonly minimum: number };
}

/** A response as a server would encode it: dns2's own words. */
function response({ id = 0x2222, name = "example.com", rcode = 0, ttls = [], soa }: Said): Buffer {
	const packet = new Packet();
	packet.header = new Packet.Header({ id, qr: 1, rd: 0, ra: 1, rcode });
	packet.questions = [new Packet.Question(name, TYPE.A, 1)];
	for (const [i, ttl] of ttls.entries()) {
		packet.answers.push(new Packet.Resource({ name, type: TYPE.A, class: 1, ttl, address: `192.0.2.${i + 1}` }));
	}
	if (soa !== undefined) {
		const numbers = { serial: 1, refresh: 2, retry: 3, expiration: 4, minimum: soa.minimum };
		packet.authorities.push(
			new Packet.Resource({
				name: "com",
				type: TYPE.SOA,
				class: 1,
				ttl: soa.ttl,
				primary: "a.com",
				admin: "b.com",
				...numbers,
			}),
		);
	}
	return packet.toBuffer();
}

describe("a request", () => {
	it("has the question byte for byte, its own id, and EDNS only where the client has it", () => {
		const plain = requestOf(query("ExAmple.com"), 0x2222);
		expect(Packet.parse(plain)).toMatchObject({
			header: { id: 0x2222, qr: 0, rd: 1, qdcount: 1, arcount: 0 },
			questions: [{ name: "ExAmple.com", type: TYPE.A, class: 1 }],
		});
		const extended = Packet.parse(requestOf(query("example.com", { edns: true }), 1));
		expect(extended.additionals).toMatchObject([{ type: TYPE.OPT, class: 1232, ttl: 0x8000 }]);
	});

	it("is shared by those who ask the same in any case, and not with EDNS by those without", () => {
		expect(sameQuestion(query("Example.com"))).toBe(sameQuestion(query("example.COM")));
		expect(sameQuestion(query("example.com"))).not.toBe(sameQuestion(query("example.com", { edns: true })));
		expect(sameQuestion(query("example.com"))).not.toBe(sameQuestion(query("example.org")));
	});
});

describe("an answer from outside (RFC 5452 §9.1)", () => {
	const request = requestOf(query("example.com"), 0x2222);

	it("is one with the same id and question", () => {
		expect(isAnswerTo(request, response({ ttls: [60] }))).toBe(true);
		expect(isAnswerTo(request, response({ name: "EXAMPLE.com", ttls: [60] }))).toBe(true);
	});

	it.each([
		["another id", response({ id: 0x2223 })],
		["another name", response({ name: "example.net" })],
		["a longer name", response({ name: "example.com.evil" })],
		["a query", encodeQuery(0x2222, "example.com", TYPE.A)],
		["half a header", response({}).subarray(0, 7)],
		["half a question", response({}).subarray(0, 20)],
		["nothing", Buffer.alloc(0)],
	])("is none with %s", (_, packet) => expect(isAnswerTo(request, packet)).toBe(false));

	it("may be an error without a question, but no news without one", () => {
		const bare = Buffer.from([0x22, 0x22, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
		expect(isAnswerTo(request, bare)).toBe(true);
		bare[3] = 0x80;
		expect(isAnswerTo(request, bare)).toBe(false);
		bare[3] = 0x83;
		expect(isAnswerTo(request, bare)).toBe(false);
	});
});

describe("for how long an answer is kept", () => {
	it.each([
		["the least TTL", response({ ttls: [300, 60, 90] }), 60],
		["not at all with a TTL of 0", response({ ttls: [300, 0] }), 0],
		["NXDOMAIN: the SOA's last field (RFC 2308 §5)", response({ rcode: 3, soa: { ttl: 900, minimum: 30 } }), 30],
		["no data: the SOA's TTL when that is less", response({ soa: { ttl: 20, minimum: 30 } }), 20],
		["nothing without an SOA: not at all", response({ rcode: 3 }), 0],
	])("%s", (_, packet, seconds) => expect(readRecords(packet)?.keepSeconds).toBe(seconds));

	it("is not asked of what is malformed", () => {
		const whole = response({ ttls: [60, 60] });
		for (let length = 12; length < whole.length; length++)
			expect(readRecords(whole.subarray(0, length))).toBeUndefined();
	});
});

describe("what a client gets", () => {
	it("has its id and its spelling, and the rest as it came", () => {
		const asked = query("eXample.COM");
		const { header, questions, answers } = Packet.parse(answerFor(asked, response({ ttls: [60] }), "udp"));
		expect(header).toMatchObject({ id: 0x1111, qr: 1, rd: 1, ra: 1, rcode: 0 });
		expect([questions[0]?.name, answers[0]?.name]).toEqual(["eXample.COM", "eXample.COM"]);
		expect(answers).toMatchObject([{ address: "192.0.2.1", ttl: 60 }]);
	});

	it("is only a mark when it is longer than the client takes", () => {
		const long = response({ ttls: Array.from({ length: 60 }, () => 60) });
		const cut = answerFor(query("example.com"), long, "udp");
		expect(Packet.parse(cut).header).toMatchObject({ tc: 1, qdcount: 1, ancount: 0 });
		expect(answerFor(query("example.com"), long, "tcp").length).toBe(long.length);
		expect(answerFor(query("example.com", { edns: true, udpBytes: 4096 }), long, "udp").length).toBe(long.length);
	});
});

it("reads any bytes without a throw, and never past their end", { timeout: 30_000 }, () => {
	const whole = response({ ttls: [60, 60], soa: { ttl: 20, minimum: 30 } });
	const request = requestOf(query("example.com"), 0x2222);
	let seed = 1;
	const next = (below: number): number => {
		seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
		return (seed >>> 8) % below;
	};
	for (let round = 0; round < 20_000; round++) {
		const packet = Buffer.from(whole.subarray(0, 12 + next(whole.length - 11)));
		for (let i = next(6); i > 0; i--) packet[next(packet.length)] = next(256);
		isAnswerTo(request, packet);
		const read = readRecords(packet);
		expect(read?.ttlOffsets.every((offset) => offset + 4 <= packet.length) ?? true).toBe(true);
	}
});
